"""SequenceIndex: where each sequence lies on the token axis, as arrays; which of them a shard holds."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceIndex:
    """Sequences in row order, [S] each."""

    example_S: npt.NDArray[np.int64]
    window_S: npt.NDArray[np.int64]
    first_row_S: npt.NDArray[np.int64]
    n_tokens_S: npt.NDArray[np.int64]

    @classmethod
    def from_table(cls, table: pa.Table) -> Self:
        """From a table with the columns of schema.tokens.SEQUENCES."""
        names = ("example", "window", "first_row", "n_tokens")
        columns = [table.column(name).to_numpy().astype(np.int64) for name in names]
        return cls(example_S=columns[0], window_S=columns[1], first_row_S=columns[2], n_tokens_S=columns[3])

    def __len__(self) -> int:
        return len(self.example_S)

    @property
    def n_examples(self) -> int:
        return int(self.example_S[-1]) + 1 if len(self) else 0

    def slice(self, first: int, end: int) -> "SequenceIndex":
        """Sequences `first` to `end`."""
        return SequenceIndex(
            example_S=self.example_S[first:end],
            window_S=self.window_S[first:end],
            first_row_S=self.first_row_S[first:end],
            n_tokens_S=self.n_tokens_S[first:end],
        )

    def within_rows(self, first_row: int, end_row: int) -> "SequenceIndex":
        """The sequences that begin in a range of rows (a shard: none straddles its end)."""
        first, end = np.searchsorted(self.first_row_S, [first_row, end_row])
        return self.slice(int(first), int(end))

    def of_examples(self, first: int, end: int) -> "SequenceIndex":
        """The sequences of examples `first` to `end`."""
        low, high = np.searchsorted(self.example_S, [first, end])
        return self.slice(int(low), int(high))

    def by_example(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The examples [N] and where each begins among the used rows, and their end [N + 1]."""
        example_N, begin_N = np.unique(self.example_S, return_index=True)
        token_S1 = np.concatenate([[0], np.cumsum(self.n_tokens_S)])
        return example_N, np.concatenate([token_S1[begin_N], token_S1[-1:]]).astype(np.int64)

    def rows(self) -> npt.NDArray[np.int64]:
        """Every used row, in order: [T]."""
        ends_S = np.cumsum(self.n_tokens_S)
        total = int(ends_S[-1]) if len(self) else 0
        shift_S = self.first_row_S - (ends_S - self.n_tokens_S)
        row_T: npt.NDArray[np.int64] = np.repeat(shift_S, self.n_tokens_S)
        row_T += np.arange(total, dtype=np.int64)
        return row_T

    def without(self, examples: set[int] | frozenset[int]) -> "SequenceIndex":
        """All sequences but those of the given examples."""
        if not examples:
            return self
        keep_S = ~np.isin(self.example_S, list(examples))
        return SequenceIndex(
            example_S=self.example_S[keep_S],
            window_S=self.window_S[keep_S],
            first_row_S=self.first_row_S[keep_S],
            n_tokens_S=self.n_tokens_S[keep_S],
        )
