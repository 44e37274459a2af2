"""CRC-32C of bytes as they lie, by the package `crc32c` where it is installed, else by `google_crc32c`.

Both take any contiguous array of bytes; `crc32c` is twice as fast and lets other threads work meanwhile.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import google_crc32c


def _google(data: Any, value: int) -> int:
    return int(google_crc32c.extend(value, data))


def _find() -> Callable[[Any, int], int]:
    """The faster of the two that is there."""
    if find_spec("crc32c") is None:
        return _google
    found: Callable[[Any, int], int] = import_module("crc32c").crc32c
    return found


_extend = _find()


def crc32c(data: Any, before: int = 0) -> int:
    """The checksum of bytes or of an array of uint8, `before` being that of what comes before it."""
    return _extend(data, before)
