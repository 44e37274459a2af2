"""Store: what `actstore.open()` returns for a place on this machine or an object store."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from actstore.errors import IncomparableRunsError, NotFoundError
from actstore.query.candidates import asks_other_tables
from actstore.query.limits import LOCAL, Limits
from actstore.query.nearest import nearest
from actstore.query.select import answer, select
from actstore.query.tables import ask, connect
from actstore.schema.query import Nearest, Query
from actstore.schema.refs import layer_site
from actstore.schema.spec import RunSpec
from actstore.session.questions import Questions
from actstore.session.reading import LocalReader
from actstore.session.run import Run
from actstore.store import catalog, names
from actstore.store.known import KnownRuns
from actstore.store.objects import Objects

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Readers(Protocol):
    """Opens runs: each anew, or from a cache."""

    def __call__(self, run_id: str, *, allow_partial: bool = False) -> LocalReader: ...


class Store(Questions):
    """An open store."""

    def __init__(self, objects: Objects, limits: Limits = LOCAL, readers: Readers | None = None) -> None:
        self.objects, self.limits = objects, limits
        self.readers = readers or partial(LocalReader, objects)
        self._known = KnownRuns(objects)

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
    ) -> Run:
        """The run of a checkpoint over a corpus.

        Raises NotFoundError, AmbiguousRunError (name one with `run`), IncompleteRunError (unless
        `allow_partial`, which gives the finished shards).
        """
        found = self._find([checkpoint], corpus, runs=() if run is None else (run,))
        return Run(self.readers(found[checkpoint], allow_partial=allow_partial), checkpoint, corpus)

    def ask(self, query: Query) -> pa.RecordBatchReader:
        """As `query`, for a Query."""
        readers, sites_of = self._readers(query, allow_partial=query.allow_partial)
        with self._tables_of(query) as connection:
            selected = select(connection, query, list(readers.values()), limits=self.limits)
        return answer(query, selected, readers.__getitem__, sites_of, limits=self.limits)

    def ask_nearest(self, asked: Nearest) -> pa.Table:
        """As `nearest`, for a Nearest."""
        readers, sites_of = self._readers(asked, allow_partial=False)
        with self._tables_of(asked) as connection:
            return nearest(connection, asked, readers, sites_of, limits=self.limits)

    def _tables_of(self, asked: Query | Nearest) -> "AbstractContextManager[DuckDBPyConnection]":
        """The tables a question looks into: of its corpus, or all where its predicate says SELECT."""
        corpus = None if asks_other_tables(asked.where) else asked.corpus
        return connect(self.objects, self.limits, corpus=corpus)

    def _readers(
        self, asked: Query | Nearest, *, allow_partial: bool
    ) -> tuple[dict[str, LocalReader], Callable[[RunSpec], Sequence[str]]]:
        """A reader of each checkpoint's run, of one tokenisation; and which sites of it are asked for."""
        wanted = tuple(layer_site(layer) for layer in asked.layers or ()) + asked.sites
        found = self._find(asked.checkpoints, asked.corpus, sites=wanted, runs=asked.runs)
        readers = {name: self.readers(run_id, allow_partial=allow_partial) for name, run_id in found.items()}
        specs = [reader.spec for reader in readers.values()]
        if len({spec.tokens_id for spec in specs}) > 1:
            raise IncomparableRunsError(
                f"the runs of {', '.join(asked.checkpoints)} differ in tokens_id "
                f"({', '.join(spec.tokens_id for spec in specs)}): rows are not the same tokens; ask for "
                "each checkpoint alone, or for runs of one tokenizer and max_length"
            )

        def sites_of(spec: RunSpec) -> Sequence[str]:
            return wanted or [site for site in spec.sites if site[1:].isdigit()]

        return readers, sites_of

    def sql(self, statement: str) -> pa.Table:
        """The answer to a SELECT over the store's tables (docs/format.md lists them).

        Raises RequestError for SQL that is wrong or would write.
        """
        with connect(self.objects, self.limits) as connection:
            return ask(connection, statement, limits=self.limits)

    def _find(
        self,
        checkpoints: Sequence[str],
        corpus: str,
        *,
        sites: tuple[str, ...] = (),
        runs: tuple[str, ...] = (),
    ) -> dict[str, str]:
        """The run id of each checkpoint over a corpus; every id in `runs` has to be one of them."""
        trunks = {names.checkpoint(self.objects, name).trunk_sha256 for name in checkpoints}
        text = names.corpus(self.objects, corpus).text_id
        every = self._known.of_pairs({(trunk, text) for trunk in trunks})
        unknown = sorted(set(runs) - self._known.ids()) if runs else []
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
