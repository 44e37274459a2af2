"""What an ablation shows: its table as text and Markdown, its figure, itself as JSON."""

from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import pyarrow as pa

from actstore.schema.tables import RESULTS
from actstore.store.results import ResultWriter
from analyses.figures.ablation_curves import FREEZE, ablation_curves
from analyses.report import TextTable
from jobs.console import Console
from jobs.similarity_files import file_lines
from jobs.task_score import MAIN

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedAblation:
    """A finished result; implements FinishedAnalysis."""

    name: str
    result_id: str
    table: pa.Table
    texts: tuple[TextTable, ...]
    figures: tuple[str, ...]
    markdown: str
    n_computed: int
    kind: str = "ablation"

    def show(self, console: Console) -> None:
        """The table and the figures' names."""
        for text in self.texts:
            console.table(text.headers, text.rows, title=f"ablation {self.name}: {text.title}")
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


def finished(writer: ResultWriter, points: pa.Table, n_base_layers: int, n_computed: int) -> FinishedAblation:
    """A result with its table and figure, drawn where they are not there yet. `points`: rows of POINTS."""
    rows: Rows = points.to_pylist()
    first = rows[0]
    metrics = MAIN[first["task"]]
    about = f"base {first['base']}, {n_base_layers} layers"
    figure = ablation_curves(rows, metrics=metrics, subtitle=about)
    text = ablation_table(rows, metrics)
    return FinishedAblation(
        name=writer.name,
        result_id=writer.result_id,
        table=points.select(RESULTS["ablation"].names),
        texts=(text,),
        figures=tuple(writer.put_file(name, data) for name, data in figure.files(writer.name).items()),
        markdown=writer.put_file("table.md", text.markdown().encode()),
        n_computed=n_computed,
    )


def ablation_table(rows: Rows, metrics: tuple[str, ...]) -> TextTable:
    """A row for each number of layers: scores as mean ± deviation over seeds, and what training took."""
    kind, task = rows[0]["kind"], rows[0]["task"]
    numbers = list(dict.fromkeys(row["n_layers"] for row in rows))
    lines = []
    for number in numbers:
        mine = [row for row in rows if row["n_layers"] == number]
        of_metric = {name: [row["value"] for row in mine if row["metric"] == name] for name in metrics}
        costs = [row for row in mine if row["metric"] == metrics[0]]
        lines.append(
            (
                "none" if number is None else str(number),
                *(_spread(of_metric[name]) for name in metrics),
                f"{fmean(row['loss'] for row in costs):.4f}",
                f"{fmean(row['seconds'] for row in costs):,.0f}",
                f"{len(costs)}",
            )
        )
    column = "frozen layers" if kind == FREEZE else "kept layers"
    return TextTable(
        title=f"{task}, {kind}, base {rows[0]['base']}",
        headers=(column, *metrics, "training loss", "seconds", "seeds"),
        rows=tuple(lines),
    )


def _spread(values: list[float]) -> str:
    return f"{fmean(values):.4g}" + (f" ± {stdev(values):.2g}" if len(values) > 1 else "")
