"""PlannedProbes: the probes of a block, whatever their kind: handed out, a part a probe stored, one table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pyarrow as pa

from actstore import __version__
from actstore.schema.ports import Executor, Resources, Unit, Work
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from analyses.report import TextTable
from jobs.asked import ask_again, now, refuse_failures
from jobs.console import Console
from jobs.similarity_files import file_lines

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
class FinishedProbes:
    """A finished result; implements FinishedAnalysis."""

    kind: str
    name: str
    result_id: str
    table: pa.Table
    texts: tuple[TextTable, ...]
    figures: tuple[str, ...]
    markdown: str
    n_computed: int

    def show(self, console: Console) -> None:
        """The tables and the figures' names."""
        for text in self.texts:
            console.table(text.headers, text.rows, title=f"{self.kind} {self.name}: {text.title}")
        for figure in file_lines(self.figures):
            console.line(f"figure: {figure}")
        console.line(f"table: {self.markdown}")

    def told(self) -> dict[str, Any]:
        """The result as JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "result_id": self.result_id,
            "rows": self.table.to_pylist(),
            "figures": list(self.figures),
            "markdown": self.markdown,
            "n_computed": self.n_computed,
        }


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

    def run(self, executor: Executor, resources: Resources, console: Console) -> FinishedProbes:
        """Train the probes that have no part yet, then store table, provenance and figures.

        Raises UnitsFailedError when a unit fails; the probes of the others are kept.
        """
        if self.writer.provenance() is not None:
            ask_again(self.writer)
            return self.shown()
        n_computed = self._compute(executor, resources, console)
        parts = self.writer.read_parts([probe.key for probe in self.probes], self.schema)
        self.writer.put_table(PROBES_FILE, parts)
        self.writer.finish(
            parts,
            {
                "study": self.study,
                "finished": now(),
                "actstore": __version__,
                "store": self.store.url,
                **self.provenance(),
            },
        )
        return self._finished(parts, n_computed)

    def shown(self) -> FinishedProbes:
        return self._finished(self.writer.read_table(PROBES_FILE), 0)

    def _compute(self, executor: Executor, resources: Resources, console: Console) -> int:
        units = self.units_left(self.writer.done_units())
        resources = replace(resources, memory_bytes=self.memory_bytes)
        failures = []
        with console.progress(f"{self.kind} {self.name}", sum(unit.weight for unit in units)) as bar:
            for outcome in executor.map(self.work, units, resources) if units else ():
                if outcome.failure is None:
                    for done in outcome.result:
                        self._keep(done)
                else:
                    failures.append(outcome.failure)
                bar.advance(outcome.unit.weight)
        refuse_failures(f"{self.kind} {self.name!r}", failures, len(units))
        return len(units)

    def _keep(self, done: Finished) -> None:
        """Predictions first: a part says that all of its probe is there."""
        if done.predictions is not None:
            self.writer.put_table(f"predictions/{done.probe.key}.parquet", done.predictions)
        self.writer.put_part(done.probe.key, done.rows)

    def _finished(self, parts: pa.Table, n_computed: int) -> FinishedProbes:
        found = self.shown_of(self.name, parts)
        markdown = "\n".join(text.markdown() for text in found.texts)
        return FinishedProbes(
            kind=self.kind,
            name=self.name,
            result_id=self.writer.result_id,
            table=found.table,
            texts=found.texts,
            figures=tuple(self.writer.put_file(name, data) for name, data in found.figures.items()),
            markdown=self.writer.put_file("table.md", markdown.encode()),
            n_computed=n_computed,
        )
