"""An ActivationSource of arrays in memory: examples of one length, their first and last tokens special."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True)
class ArraySource:
    """Runs by id, then site. `read`: rows that were read of each."""

    values: Mapping[str, Mapping[str, npt.NDArray[np.float16]]]
    length: int
    read: Counter = field(default_factory=Counter)
    all_eligible: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Mapping[str, np.ndarray]], length: int) -> "ArraySource":
        """Arrays of any float type, no token special."""
        halves = {
            run: {site: v.astype(np.float16) for site, v in sites.items()} for run, sites in values.items()
        }
        return cls(halves, length, all_eligible=True)

    @property
    def n_rows(self) -> int:
        return len(next(iter(next(iter(self.values.values())).values())))

    def tokens(self, tokens_id: str, columns: Sequence[str]) -> pa.Table:
        n_examples = self.n_rows // self.length
        position = np.tile(np.arange(self.length), n_examples)
        table = {
            "example": np.repeat(np.arange(n_examples), self.length),
            "token": position,
            "row": np.arange(self.n_rows),
            "special": ((position == 0) | (position == self.length - 1)) & (not self.all_eligible),
            "window": np.zeros_like(position),
            "best_context": np.ones_like(position, dtype=bool),
        }
        return pa.table({name: table[name] for name in columns})

    def gather(self, run_id: str, site: str, row_T: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
        self.read[run_id, site] += len(row_T)
        return self.values[run_id][site][row_T]

    def scan(
        self, run_id: str, site: str, *, rows_per_step: int
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float16]]]:
        raise AssertionError("samples are gathered")
