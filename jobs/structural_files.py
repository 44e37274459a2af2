"""What a structural-probing result shows: its table as text and Markdown, its figures, itself as JSON."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actstore.schema.tables import RESULTS
from actstore.store.results import ResultWriter
from analyses.figures.probe_curves import Panel, probe_curves
from analyses.report import TextTable, layer_tables
from jobs.console import Console
from jobs.similarity_files import file_lines

METRICS = {
    ("distance", "spearman"): "Distance Spearman",
    ("distance", "uuas"): "UUAS",
    ("depth", "spearman"): "Depth Spearman",
    ("depth", "root_acc"): "Root accuracy",
}
"""What each kind of probe is measured by, as figures and tables call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedStructural:
    """A finished result; implements FinishedAnalysis."""

    name: str
    result_id: str
    table: pa.Table
    texts: tuple[TextTable, ...]
    figures: tuple[str, ...]
    markdown: str
    n_computed: int
    kind: str = "structural_probe"

    def show(self, console: Console) -> None:
        """The tables and the figures' names."""
        for text in self.texts:
            console.table(text.headers, text.rows, title=f"structural_probe {self.name}: {text.title}")
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


def finished(writer: ResultWriter, probes: pa.Table, n_computed: int) -> FinishedStructural:
    """A result with its tables and figures, drawn where they are not there yet. `probes`: rows of PROBES."""
    rows = [row for row in probes.to_pylist() if row["split"] == "test"]
    ranks = sorted({row["rank"] for row in rows})
    over_layers = [_panel(rows, kind, metric, title) for (kind, metric), title in METRICS.items()]
    panels = [panel for panel in over_layers if panel]
    n_sentences = sorted({row["n_sentences"] for row in rows})
    about = f"test set, {' / '.join(f'{n:,}' for n in n_sentences)} sentences"
    files: dict[str, bytes] = {}
    if panels:
        figure = probe_curves(panels, title="Structural probes, layer by layer", subtitle=about)
        files |= figure.files(writer.name)
    if panels and len(ranks) > 1:
        swept = [_by_rank(rows, kind, metric, title) for (kind, metric), title in METRICS.items()]
        figure = probe_curves(
            [panel for panel in swept if panel],
            title="Structural probes by the rank of their map",
            subtitle=about,
            x_title="Rank",
            powers=True,
        )
        files |= figure.files(f"{writer.name}-ranks")
    texts = tuple(layer_tables([(panel.title, panel.points) for panel in panels], about))
    return FinishedStructural(
        name=writer.name,
        result_id=writer.result_id,
        table=probes.select(RESULTS["structural_probe"].names),
        texts=texts,
        figures=tuple(writer.put_file(name, data) for name, data in files.items()),
        markdown=writer.put_file("table.md", "\n".join(text.markdown() for text in texts).encode()),
        n_computed=n_computed,
    )


def _panel(rows: list[dict[str, Any]], kind: str, metric: str, title: str) -> Panel | None:
    """A line for each checkpoint (and rank, where there are several) over the layers."""
    several = len({row["rank"] for row in rows}) > 1
    points = [
        {
            "line": f"{row['checkpoint']}, rank {row['rank']}" if several else row["checkpoint"],
            "x": row["layer"],
            "value": row[metric],
        }
        for row in rows
        if row["kind"] == kind and row[metric] is not None
    ]
    return Panel(title=title, points=tuple(points)) if points else None


def _by_rank(rows: list[dict[str, Any]], kind: str, metric: str, title: str) -> Panel | None:
    """A line for each checkpoint over the ranks, at the layer that is best at the highest rank."""
    points = []
    for checkpoint in dict.fromkeys(row["checkpoint"] for row in rows):
        mine = [
            row
            for row in rows
            if row["kind"] == kind and row["checkpoint"] == checkpoint and row[metric] is not None
        ]
        if not mine:
            continue
        highest = [row for row in mine if row["rank"] == max(other["rank"] for other in mine)]
        best = max(highest, key=lambda row: row[metric])["layer"]
        points += [
            {"line": f"{checkpoint}, layer {best}", "x": row["rank"], "value": row[metric]}
            for row in mine
            if row["layer"] == best
        ]
    return Panel(title=title, points=tuple(points)) if points else None
