"""PlannedProbes: the probes of a block, whatever their kind: handed out, a part a probe stored, one table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pyarrow as pa

from actstore.schema.ports import Executor, Outcome, Resources, Unit, Work
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from analyses.report import TextTable
from jobs.asked import ask_again, made_by
from jobs.console import Console
from jobs.finished import FinishedTables
from jobs.units import carry_out

PROBES_FILE = "probes.parquet"


class Keyed(Protocol):
    """A probe."""

    @property
    def key(self) -> str:
        """The name of its part."""
        ...


class Finished(Protocol):
    """A trained probe, as workers return it."""

    @property
    def probe(self) -> Keyed: ...

    @property
    def rows(self) -> pa.Table: ...

    @property
    def predictions(self) -> pa.Table | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a result shows: its rows of the contract's table, tables of text, figures by file name."""

    table: pa.Table
    texts: tuple[TextTable, ...]
    figures: dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedProbes:
    """A block with its stored runs and its probes; implements PlannedAnalysis."""

    work: Work
    probes: Sequence[Keyed]
    units_left: Callable[[set[str]], Sequence[Unit]]
    """Units for the probes without a part, by the parts that are there."""
    schema: pa.Schema
    """Of a part."""
    memory_bytes: int
    """Of a worker, beyond its libraries."""
    writer: ResultWriter
    device: str
    analysis_version: int
    provenance: Callable[[], dict[str, Any]]
    """What the kind says about a result."""
    shown_of: Callable[[str, pa.Table], Shown]
    """Tables and figures of a result, by its name and the rows of its parts."""
    store: Objects
    study: str

    @property
    def name(self) -> str:
        return self.writer.name

    @property
    def kind(self) -> str:
        return self.writer.kind

    def run(self, executor: Executor, resources: Resources, console: Console) -> FinishedTables:
        """Train the probes that have no part yet, then store table, provenance and figures.

        Raises UnitsFailedError when a unit fails; the probes of the others are kept.
        """
        if self.writer.provenance() is not None:
            ask_again(self.writer)
            return self.shown()
        n_computed = self._compute(executor, resources, console)
        parts = self.writer.read_parts([probe.key for probe in self.probes], self.schema)
        self.writer.put_table(PROBES_FILE, parts)
        made = made_by(self.study, self.store, self.analysis_version)
        self.writer.finish(parts, made | self.provenance())
        return self._finished(parts, n_computed)

    def shown(self) -> FinishedTables:
        return self._finished(self.writer.read_table(PROBES_FILE), 0)

    def _compute(self, executor: Executor, resources: Resources, console: Console) -> int:
        units = self.units_left(self.writer.done_units())
        resources = replace(resources, memory_bytes=self.memory_bytes)
        return carry_out(self.work, [units], executor, resources, console, self.writer, self._keep)

    def _keep(self, outcome: Outcome) -> None:
        """Predictions first: a part says that all of its probe is there."""
        trained: Sequence[Finished] = outcome.result
        for one in trained:
            if one.predictions is not None:
                self.writer.put_table(f"predictions/{one.probe.key}.parquet", one.predictions)
            self.writer.put_part(one.probe.key, one.rows)

    def _finished(self, parts: pa.Table, n_computed: int) -> FinishedTables:
        found = self.shown_of(self.name, parts)
        markdown = "\n".join(text.markdown() for text in found.texts)
        return FinishedTables(
            kind=self.kind,
            name=self.name,
            result_id=self.writer.result_id,
            table=found.table,
            texts=found.texts,
            figures=tuple(self.writer.put_file(name, data) for name, data in found.figures.items()),
            markdown=self.writer.put_file("table.md", markdown.encode()),
            n_computed=n_computed,
        )
