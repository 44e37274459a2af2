"""Section: one finished result as the page shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actstore.store.results import ResultWriter
from analyses.report import TextTable
from jobs.reporting.about import ABOUT

SVG = ".svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Tables, figures and provenance of one result."""

    kind: str
    name: str
    result_id: str
    rows: tuple[Mapping[str, Any], ...]
    """Of the result's table; of drift its means."""
    texts: tuple[TextTable, ...]
    figures: tuple[bytes, ...]
    """SVG."""
    provenance: Mapping[str, Any]

    @property
    def about(self) -> str:
        """What its kind is; an analysis of another package says it itself."""
        return str(self.provenance.get("about") or ABOUT.get(self.kind, ""))

    @property
    def runs(self) -> dict[str, str]:
        """The runs that were read, by what they are called."""
        found = self.provenance.get("runs", {})
        return {name: str(run["run_id"]) for name, run in found.items()}

    @property
    def made(self) -> str:
        """The code's version and the time."""
        found = self.provenance
        version = (
            f"actstore {found.get('actstore', '?')}, analysis version {found.get('analysis_version', '?')}"
        )
        seeds = ", ".join(map(str, self.seeds)) or "none of its own"
        return f"{version}, finished {found.get('finished', '?')}, seeds: {seeds}"

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted({row["seed"] for row in self.rows if row.get("seed") is not None}))


def section_of(writer: ResultWriter, told: Mapping[str, Any], texts: tuple[TextTable, ...]) -> Section:
    """A finished result from its folder. `told`: itself as JSON."""
    objects = writer.objects
    there = objects.children(writer.key("")[:-1])
    figures = tuple(objects.read(writer.key(name)) for name in there if name.endswith(SVG))
    rows = tuple(told.get("rows", ()))
    return Section(
        kind=writer.kind,
        name=writer.name,
        result_id=writer.result_id,
        rows=rows,
        texts=texts or _plain(rows),
        figures=figures,
        provenance=writer.provenance() or {},
    )


def figure_files(section: Section) -> list[tuple[str, bytes]]:
    """The figures with the names of their files beside the Markdown."""
    return [
        (f"{section.kind}-{section.name}-{at}{SVG}", figure)
        for at, figure in enumerate(section.figures, start=1)
    ]


def points_of(writer: ResultWriter) -> pa.Table | None:
    """What the points of an ablation cost, None for other kinds."""
    return writer.read_table("points.parquet") if writer.kind == "ablation" else None


def _plain(rows: tuple[Mapping[str, Any], ...]) -> tuple[TextTable, ...]:
    """The rows as they are, for kinds that have no table of their own."""
    if not rows:
        return ()
    cells = tuple(tuple(_cell(value) for value in row.values()) for row in rows)
    return (TextTable(title="rows", headers=tuple(rows[0]), rows=cells),)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "–" if value is None else str(value)  # noqa: RUF001
