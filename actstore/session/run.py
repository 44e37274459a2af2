"""Run: one checkpoint over one corpus, opened for reading."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import RequestError
from actstore.schema.query import Block
from actstore.schema.refs import layer_site, site_layer
from actstore.schema.spec import RunSpec
from actstore.schema.tokens import TOKENS
from actstore.session.reading import Reader


class Run:
    """One checkpoint over one corpus."""

    def __init__(self, reader: Reader, checkpoint: str, corpus: str) -> None:
        self.reader, self.checkpoint, self.corpus = reader, checkpoint, corpus

    def __repr__(self) -> str:
        return f"Run({self.checkpoint!r}, {self.corpus!r}, {self.run_id})"

    @property
    def run_id(self) -> str:
        return self.reader.run_id

    @property
    def spec(self) -> RunSpec:
        """What decides the run's values and their place."""
        return self.reader.spec

    @property
    def sites(self) -> tuple[str, ...]:
        """Stored sites."""
        return self.spec.sites

    @cached_property
    def tokens(self) -> pa.Table:
        """The token table of the run's tokenisation, in row order."""
        return self.reader.tokens(TOKENS.names)

    def read(
        self,
        layer: int | None = None,
        examples: slice | None = None,
        *,
        site: str | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> Block:
        """Activations of consecutive examples at one layer or site; every checksum is checked.

        values [T, D] float16 or float32 (into `out` where given), offsets [N + 1].
        """
        examples = slice(None) if examples is None else examples
        if not isinstance(examples, slice):
            raise RequestError(f"examples = {examples!r}: give a slice, as slice(3, 5) for examples 3 and 4")
        if examples.step not in (None, 1):
            raise RequestError(f"examples = {examples}: a step is not possible; read and index the block")
        first, end, _ = examples.indices(self.reader.sequences.n_examples)
        return self.reader.examples(self._site(layer, site), first, max(first, end), out=out)

    def rows(
        self,
        row_T: Sequence[int] | npt.NDArray[np.int64],
        layer: int | None = None,
        *,
        site: str | None = None,
        out: npt.NDArray[Any] | None = None,
        check: bool | None = None,
    ) -> npt.NDArray[Any]:
        """Activations [T, D] of any rows in any order (column `row` of the token table)."""
        rows = np.asarray(row_T)
        if rows.ndim != 1 or (rows.size and not np.issubdtype(rows.dtype, np.integer)):
            raise RequestError(
                f"rows of type {rows.dtype} and shape {rows.shape}: give a list of whole numbers, the column "
                "`row` of the token table"
            )
        return self.reader.gather(self._site(layer, site), rows.astype(np.int64), out=out, check=check)

    def scan(
        self,
        layer: int | None = None,
        *,
        site: str | None = None,
        shards: Sequence[int] | None = None,
        rows_per_step: int | None = None,
        read_ahead: int = 3,
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]]:
        """Every stored row in order, in steps of at most a block: (rows [T], values [T, D])."""
        return self.reader.scan(
            self._site(layer, site), shards=shards, rows_per_step=rows_per_step, read_ahead=read_ahead
        )

    def shuffled(
        self, layer: int | None = None, *, seed: int, site: str | None = None, rows_per_step: int = 4096
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]]:
        """Every stored row once, in one seeded uniform permutation over the whole run."""
        return self.reader.shuffled(self._site(layer, site), seed=seed, rows_per_step=rows_per_step)

    def fidelity(self) -> pa.Table:
        """What the stored dtype changed, a row a site, from the receipts (docs/format.md, rounding)."""
        return self.reader.fidelity()

    def to_xarray(self) -> Any:
        """The layers as a lazy xarray Dataset with the dimensions token and unit (extra: xarray)."""
        return self.reader.to_xarray()

    def _site(self, layer: int | None, site: str | None) -> str:
        if (layer is None) == (site is None):
            raise RequestError("name either a layer (0 is the embeddings) or a site, not both")
        name = site if site is not None else layer_site(0 if layer is None else layer)
        site_layer(name)
        return name
