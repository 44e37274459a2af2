"""Packing: the row of every token, before any model runs.

Sequences go in order into blocks of `block_rows` rows; none straddles a block, so that a block (and a shard
of blocks) can be computed and stored alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BLOCK_ROWS = 4096


def block_rows_for(max_length: int) -> int:
    """Rows of a block: 4,096, or the next power of two that holds the longest sequence allowed."""
    return max(BLOCK_ROWS, 1 << (max_length - 1).bit_length())


@dataclass(frozen=True, slots=True)
class Packer:
    """Where the next sequence goes; `pack` returns the rows and the packer after them."""

    block_rows: int
    next_row: int = 0

    def pack(self, lengths: Iterable[int]) -> tuple[npt.NDArray[np.int64], "Packer"]:
        """First row of each sequence of the given token counts.

        Raises ValueError for a sequence that is empty or longer than a block.
        """
        first_rows = []
        row, block_rows = self.next_row, self.block_rows
        for length in lengths:
            if not 0 < length <= block_rows:
                raise ValueError(f"a sequence of {length} tokens does not fit a block of {block_rows} rows")
            left = block_rows - row % block_rows
            if length > left:
                row += left
            first_rows.append(row)
            row += length
        return np.array(first_rows, dtype=np.int64), Packer(block_rows, row)

    @property
    def n_rows(self) -> int:
        """Length of the token axis so far: the end of the last used block."""
        return -(-self.next_row // self.block_rows) * self.block_rows
