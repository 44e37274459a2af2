"""Store and Run: what `actstore.open()` returns."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import IncomparableRunsError, NotFoundError, RequestError
from actstore.query.fidelity import fidelity
from actstore.query.select import answer, select
from actstore.query.tables import ask, connect
from actstore.schema.query import Block, Query
from actstore.schema.refs import layer_site, site_layer
from actstore.schema.spec import RunSpec
from actstore.store import catalog
from actstore.store.objects import Objects
from actstore.store.reader import RunReader
from actstore.store.tokens import read_tokens


class Store:
    """An open store."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects

    def __repr__(self) -> str:
        return f"Store({self.objects.url!r})"

    @property
    def checkpoints(self) -> pa.Table:
        """The table `checkpoints`."""
        return catalog.checkpoint_table(self.objects)

    @property
    def corpora(self) -> pa.Table:
        """The table `corpora`."""
        return catalog.corpus_table(self.objects)

    @property
    def runs(self) -> pa.Table:
        """The table `runs`."""
        return catalog.run_table(self.objects)

    def run(
        self, checkpoint: str, corpus: str, *, run: str | None = None, allow_partial: bool = False
    ) -> "Run":
        """The run of a checkpoint over a corpus.

        Raises NotFoundError, AmbiguousRunError (name one with `run`), IncompleteRunError (unless
        `allow_partial`, which gives the finished shards).
        """
        found = self._find([checkpoint], corpus, runs=() if run is None else (run,))
        return Run(self.objects, found[checkpoint], checkpoint, corpus, allow_partial=allow_partial)

    def query(  # noqa: PLR0917  one argument a part of a query, all by name in practice
        self,
        checkpoints: Sequence[str],
        corpus: str,
        layers: Sequence[int] | None = None,
        sites: Sequence[str] = (),
        where: str | None = None,
        unit: str = "token",
        pool: str = "mean",
        limit: int | None = None,
        sample: int | None = None,
        seed: int = 0,
        run: str | Sequence[str] = (),
        allow_partial: bool = False,
    ) -> pa.RecordBatchReader:
        """Stored activations with their tokens, streamed in batches of bounded size.

        Columns: checkpoint, corpus, example, token (or word), text, layer, site, activation.
        """
        asked = Query(
            checkpoints=(checkpoints,) if isinstance(checkpoints, str) else tuple(checkpoints),
            corpus=corpus,
            layers=None if layers is None else tuple(layers),
            sites=tuple(sites),
            where=where,
            unit=unit,
            pool=pool,
            limit=limit,
            sample=sample,
            seed=seed,
            runs=(run,) if isinstance(run, str) else tuple(run),
        )
        return self.ask(asked, allow_partial=allow_partial)

    def ask(self, query: Query, *, allow_partial: bool = False) -> pa.RecordBatchReader:
        """As `query`, for a Query."""
        wanted = tuple(layer_site(layer) for layer in query.layers or ()) + query.sites
        found = self._find(query.checkpoints, query.corpus, sites=wanted, runs=query.runs)
        readers = {
            name: RunReader(self.objects, run_id, allow_partial=allow_partial)
            for name, run_id in found.items()
        }
        specs = [reader.spec for reader in readers.values()]
        if len({spec.tokens_id for spec in specs}) > 1:
            raise IncomparableRunsError(
                f"the runs of {', '.join(query.checkpoints)} differ in tokens_id "
                f"({', '.join(spec.tokens_id for spec in specs)}): rows are not the same tokens; ask for "
                "each checkpoint alone, or for runs of one tokenizer and max_length"
            )

        def sites_of(spec: RunSpec) -> Sequence[str]:
            return wanted or [site for site in spec.sites if site[1:].isdigit()]

        with connect(self.objects) as connection:
            selected = select(connection, query, list(readers.values()))
        return answer(query, selected, readers.__getitem__, sites_of)

    def sql(self, statement: str) -> pa.Table:
        """The answer to a SELECT over the store's tables (docs/format.md lists them).

        Raises RequestError for SQL that is wrong or would write.
        """
        with connect(self.objects) as connection:
            return ask(connection, statement)

    def _find(
        self,
        checkpoints: Sequence[str],
        corpus: str,
        *,
        sites: tuple[str, ...] = (),
        runs: tuple[str, ...] = (),
    ) -> dict[str, str]:
        """The run id of each checkpoint over a corpus; every id in `runs` has to be one of them."""
        every = catalog.list_runs(self.objects)
        unknown = sorted(set(runs) - {info.run_id for info in every})
        if unknown:
            raise NotFoundError(
                f"no run {', '.join(unknown)} in {self.objects.url}; `actstore ls` lists the runs"
            )
        found = {
            name: catalog.find_run(every, self.objects, name, corpus, sites=sites, runs=runs).run_id
            for name in checkpoints
        }
        unused = sorted(set(runs) - set(found.values()))
        if unused:
            raise NotFoundError(
                f"run {', '.join(unused)} is none of {', '.join(checkpoints)} over {corpus} that fits; "
                "`actstore ls` lists the runs"
            )
        return found


class Run:
    """One checkpoint over one corpus."""

    def __init__(
        self, objects: Objects, run_id: str, checkpoint: str, corpus: str, *, allow_partial: bool = False
    ) -> None:
        self.objects, self.run_id, self.checkpoint, self.corpus = objects, run_id, checkpoint, corpus
        self.reader = RunReader(objects, run_id, allow_partial=allow_partial)

    def __repr__(self) -> str:
        return f"Run({self.checkpoint!r}, {self.corpus!r}, {self.run_id})"

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
        columns = ["example", "token", "row", "token_id", "piece", "segment", "special", "char_start",
                   "char_end", "window", "best_context"]  # fmt: skip
        return read_tokens(self.objects, self.spec.text_id, self.spec.tokens_id, columns)

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
        rows = np.asarray(row_T, dtype=np.int64)
        return self.reader.gather(self._site(layer, site), rows, out=out, check=check)

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
        return fidelity(self.reader)

    def to_xarray(self) -> Any:
        """The layers as a lazy xarray Dataset with the dimensions token and unit (extra: xarray)."""
        from actstore.query.labelled import dataset

        return dataset(self.reader)

    def _site(self, layer: int | None, site: str | None) -> str:
        if (layer is None) == (site is None):
            raise RequestError("name either a layer (0 is the embeddings) or a site, not both")
        name = site if site is not None else layer_site(layer or 0)
        site_layer(name)
        return name
