"""One stored shard's bytes: are they whole, and where in them is a row.

An uncompressed shard is a flat file: with c rows a chunk, row r lies at
`(r // c) * (c * D * itemsize + 4) + (r % c) * D * itemsize`; the index at its end says so too and is checked.
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numcodecs import Blosc, Zstd

from actstore.errors import DamagedShardError
from actstore.store.arrays import ABSENT, CRC_BYTES, ArraySpec, index_bytes
from actstore.store.checksum import crc32c

# CRC-32C of any data followed by its own checksum (little endian) is this constant, so a chunk is checked
# together with its checksum in one call and without a copy.
CRC_RESIDUE = 0x48674BC7
CHANGED = "its bytes differ from their checksum"


def check_index(array: ArraySpec, tail: bytes, size: int, n_rows: int, where: str) -> npt.NDArray[np.uint64]:
    """The index [chunk, (offset, bytes)] from a shard's last bytes.

    Raises DamagedShardError when its checksum is wrong or it does not describe `n_rows` rows in `size` bytes.
    """
    if len(tail) != index_bytes(array) or crc32c(tail[:-CRC_BYTES]) != _crc(tail):
        raise DamagedShardError(damage(where, "its index is damaged or cut off"))
    index = np.frombuffer(tail[:-CRC_BYTES], dtype="<u8").reshape(-1, 2)
    n_chunks = n_rows // array.chunk_rows
    used = index[:n_chunks]
    body = size - len(tail)
    if (used == ABSENT).any() or (used[:, 0] + used[:, 1] > body).any() or (index[n_chunks:] != ABSENT).any():
        raise DamagedShardError(damage(where, f"its index does not describe {n_rows} rows in {size} bytes"))
    return used


def is_flat(array: ArraySpec, index: npt.NDArray[np.uint64]) -> bool:
    """Whether the chunks lie uncompressed and in order, so that rows can be addressed directly."""
    if array.codec != "none":
        return False
    size = array.chunk_bytes + CRC_BYTES
    expected = np.arange(len(index), dtype=np.uint64) * np.uint64(size)
    return bool((index[:, 0] == expected).all() and (index[:, 1] == size).all())


def check_shard(array: ArraySpec, data: bytes, n_rows: int, where: str) -> None:
    """Check a whole shard: index and every chunk's checksum. Raises DamagedShardError."""
    index = check_index(array, data[-index_bytes(array) :], len(data), n_rows, where)
    for chunk, (offset, size) in enumerate(index.tolist()):
        check_chunk(data[offset : offset + size], f"{where}, chunk {chunk}")


def check_chunk(data: bytes | memoryview, where: str) -> None:
    """Check a chunk that is followed by its checksum. Raises DamagedShardError."""
    if crc32c(data) != CRC_RESIDUE:
        raise DamagedShardError(damage(where, CHANGED))


def check_parts(parts: Sequence[npt.NDArray[np.uint8]], where: str) -> None:
    """As `check_chunk`, the chunk and its checksum lying in several arrays of bytes."""
    crc = 0
    for part in parts:
        crc = crc32c(part, crc)
    if crc != CRC_RESIDUE:
        raise DamagedShardError(damage(where, CHANGED))


def damage(where: str, what: str) -> str:
    """The message for damaged bytes: what, where, and what to do."""
    return f"{where}: {what}; run `actstore verify STORE --repair`, then extract again"


def decode_chunk(array: ArraySpec, data: bytes | memoryview, where: str) -> npt.NDArray[Any]:
    """The rows [c, D] of one chunk, checked: `data` is the chunk as stored, checksum included."""
    check_chunk(data, where)
    body: Any = memoryview(data)[:-CRC_BYTES]
    if array.codec == "zstd":
        body = Zstd().decode(body)
    elif array.codec == "blosc":
        body = Blosc().decode(body)
    return np.frombuffer(body, dtype=array.dtype).reshape(array.chunk_rows, *array.unit_shape)


def _crc(data: bytes) -> int:
    return int(struct.unpack("<I", data[-CRC_BYTES:])[0])
