"""What an ablation shows: its table as text and Markdown, and its figure."""

from statistics import fmean, stdev
from typing import Any

import pyarrow as pa

from actstore.schema.tables import RESULTS
from actstore.store.results import ResultWriter
from analyses.figures.ablation_curves import FREEZE, ablation_curves
from analyses.report import TextTable
from jobs.finished import FinishedTables
from jobs.task_score import MAIN

Rows = list[dict[str, Any]]


def finished(writer: ResultWriter, points: pa.Table, n_base_layers: int, n_computed: int) -> FinishedTables:
    """A result with its table and figure, drawn where they are not there yet. `points`: rows of POINTS."""
    rows: Rows = points.to_pylist()
    first = rows[0]
    metrics = MAIN[first["task"]]
    about = f"base {first['base']}, {n_base_layers} layers"
    figure = ablation_curves(rows, metrics=metrics, subtitle=about)
    text = ablation_table(rows, metrics)
    return FinishedTables(
        kind=writer.kind,
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
