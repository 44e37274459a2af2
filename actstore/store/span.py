"""Span: where consecutive rows of an uncompressed shard go, so that one read fills the caller's array.

A chunk's checksum covers all of its rows. Rows of the first and the last chunk that are not wanted, and the
checksums, go to memory of their own; nothing is copied twice.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.store.arrays import CRC_BYTES, ArraySpec
from actstore.store.shard import check_parts

Bytes = npt.NDArray[np.uint8]


class Span:
    """Rows `first` to `end` of a shard on their way into `out` [T, D], contiguous, in the stored dtype."""

    def __init__(self, array: ArraySpec, first: int, end: int, out: npt.NDArray[Any]) -> None:
        if (
            not out.flags.c_contiguous
            or out.shape != (end - first, *array.unit_shape)
            or out.dtype != array.dtype
        ):
            raise ValueError(f"{array.name}: rows {first} to {end} do not go into {out.dtype}{out.shape}")
        self.first_chunk = first // array.chunk_rows
        self.parts = _parts(array, first, end, out.view(np.uint8).reshape(-1))
        """Of each chunk: its bytes in order, the last its checksum."""

    @property
    def n_bytes(self) -> int:
        return sum(part.size for parts in self.parts for part in parts)

    def buffers(self) -> list[memoryview]:
        """What to fill, in the order of the file."""
        return [part.data for parts in self.parts for part in parts]

    def check(self, where: str) -> None:
        """Check every chunk after the buffers are filled. Raises DamagedShardError."""
        for number, parts in enumerate(self.parts):
            check_parts(parts, f"{where}, chunk {self.first_chunk + number}")


def _parts(array: ArraySpec, first: int, end: int, out: Bytes) -> list[list[Bytes]]:
    c, row_bytes = array.chunk_rows, array.chunk_bytes // array.chunk_rows
    found = []
    for begin in range(first - first % c, end, c):
        low, high = max(first, begin), min(end, begin + c)
        parts = [
            np.empty((low - begin) * row_bytes, np.uint8),
            out[(low - first) * row_bytes : (high - first) * row_bytes],
            np.empty((begin + c - high) * row_bytes, np.uint8),
            np.empty(CRC_BYTES, np.uint8),
        ]
        found.append([part for part in parts if part.size])
    return found
