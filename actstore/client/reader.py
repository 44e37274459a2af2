"""RemoteReader: one run of a served store, read through its service."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.client.labelled import dataset
from actstore.client.source import FlightSource
from actstore.plan.sequences import SequenceIndex
from actstore.schema import requests
from actstore.schema.query import Block
from actstore.schema.spec import RunSpec
from actstore.session.reading import Step


class RemoteReader:
    """As LocalReader. Nothing is read before it is asked for."""

    def __init__(self, source: FlightSource, spec: RunSpec, *, allow_partial: bool = False) -> None:
        self.source, self.spec, self.run_id, self.allow_partial = source, spec, spec.run_id, allow_partial

    @cached_property
    def sequences(self) -> SequenceIndex:
        """The sequences with stored values."""
        asked = requests.Sequences(run_id=self.run_id, allow_partial=self.allow_partial)
        return SequenceIndex.from_table(self.source.connection.table(asked))

    def examples(self, site: str, first: int, end: int, *, out: npt.NDArray[Any] | None = None) -> Block:
        """Activations of examples `first` to `end`, every checksum checked by the service."""
        chosen = self.sequences.of_examples(first, end)
        values_TD = self.gather(site, chosen.rows(), out=out, check=True)
        example_N, offset_N1 = chosen.by_example()
        return Block(values_TD=values_TD, offset_N1=offset_N1, example_N=example_N)

    def gather(
        self,
        site: str,
        row_T: npt.NDArray[np.int64],
        *,
        out: npt.NDArray[Any] | None = None,
        check: bool | None = None,
    ) -> npt.NDArray[Any]:
        """Activations [T, D] of rows in any order, into `out` where given."""
        row_T = np.asarray(row_T, dtype=np.int64)
        if row_T.size and not 0 <= row_T.min() <= row_T.max() < self.spec.n_rows:
            raise IndexError(f"rows {row_T.min()} to {row_T.max()} asked of {self.spec.n_rows}")
        values_TD = self.source.gather(
            self.run_id, site, row_T, check=check, allow_partial=self.allow_partial
        )
        if out is None:
            return values_TD
        if out.shape != values_TD.shape or out.dtype != values_TD.dtype:
            raise ValueError(f"out is {out.dtype}{out.shape}, needed is {values_TD.dtype}{values_TD.shape}")
        out[:] = values_TD
        return out

    def scan(
        self,
        site: str,
        *,
        rows_per_step: int | None = None,
        shards: Sequence[int] | None = None,
        read_ahead: int = 3,
    ) -> Iterator[Step]:
        """Stored rows in order; Flight reads ahead by itself, so `read_ahead` says nothing here."""
        return self.source.scan(
            self.run_id, site, rows_per_step=rows_per_step, shards=shards, allow_partial=self.allow_partial
        )

    def shuffled(self, site: str, *, seed: int, rows_per_step: int = 4096) -> Iterator[Step]:
        """Every stored row once, in the permutation that LocalReader gives for the seed."""
        row_T = np.random.default_rng(seed).permutation(self.sequences.rows())
        for first in range(0, len(row_T), rows_per_step):
            rows = row_T[first : first + rows_per_step]
            yield rows, self.gather(site, rows, check=False)

    def tokens(self, columns: Sequence[str]) -> pa.Table:
        return self.source.tokens(self.spec.tokens_id, columns)

    def fidelity(self) -> pa.Table:
        return self.source.connection.table(requests.Fidelity(run_id=self.run_id))

    def to_xarray(self) -> Any:
        return dataset(self)
