"""Reading: what a Run reads through, whether the store lies here or is served."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.plan.sequences import SequenceIndex
from actstore.query.fidelity import fidelity
from actstore.query.labelled import dataset
from actstore.schema.query import Block
from actstore.schema.spec import RunSpec
from actstore.store.reader import RunReader
from actstore.store.tokens import read_tokens

Step = tuple[npt.NDArray[np.int64], npt.NDArray[Any]]


class Reader(Protocol):
    """One run, opened. Implementations: LocalReader, and the client's."""

    run_id: str
    spec: RunSpec

    @property
    def sequences(self) -> SequenceIndex: ...

    def examples(self, site: str, first: int, end: int, *, out: npt.NDArray[Any] | None = None) -> Block: ...

    def gather(
        self,
        site: str,
        row_T: npt.NDArray[np.int64],
        *,
        out: npt.NDArray[Any] | None = None,
        check: bool | None = None,
    ) -> npt.NDArray[Any]: ...

    def scan(
        self,
        site: str,
        *,
        rows_per_step: int | None = None,
        shards: Sequence[int] | None = None,
        read_ahead: int = 3,
    ) -> Iterator[Step]: ...

    def shuffled(self, site: str, *, seed: int, rows_per_step: int = 4096) -> Iterator[Step]: ...

    def tokens(self, columns: Sequence[str]) -> pa.Table: ...

    def fidelity(self) -> pa.Table: ...

    def to_xarray(self) -> Any: ...


class LocalReader(RunReader):
    """A run of a store that this process can reach, with the tables beside its values."""

    def tokens(self, columns: Sequence[str]) -> pa.Table:
        return read_tokens(self.objects, self.spec.text_id, self.spec.tokens_id, columns)

    def fidelity(self) -> pa.Table:
        return fidelity(self)

    def to_xarray(self) -> Any:
        return dataset(self)
