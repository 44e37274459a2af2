"""CRC-32C of bytes as they lie. The package `crc32c` takes any contiguous array, without the lock."""

from typing import Any

import crc32c as _crc32c


def crc32c(data: Any, before: int = 0) -> int:
    """The checksum of bytes or of an array of uint8, `before` being that of what comes before it."""
    return int(_crc32c.crc32c(data, before))
