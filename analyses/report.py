"""Report: results as tables of text, for a terminal and for Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import pyarrow as pa

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """A titled table of text cells; the first column names the rows."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table in Markdown, numbers to the right, with its title as a paragraph above."""
        head = [self.headers, ("---", *("---:" for _ in self.headers[1:]))]
        lines = ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in (*head, *self.rows)]
        return "\n".join([self.title, "", *lines]) + "\n"


def similarity_table(table: pa.Table, *, digits: int = 4, unit: str = "token") -> list[TextTable]:
    """One table a measure: layers as rows, a column for each pair and corpus.

    `table`: rows of the table `similarity`. A cell is a value, a value with its interval, or where there are
    several samples their mean ± standard deviation; a dash where there is none. `unit`: 'token' or 'word'.
    """
    rows = table.to_pylist()
    measures = dict.fromkeys(row["measure"] for row in rows)
    return [
        _measure_table(name, [row for row in rows if row["measure"] == name], digits, unit)
        for name in measures
    ]


def drift_table(summary: pa.Table, *, digits: int = 4) -> TextTable:
    """Layers as rows, a column for each pair and corpus: mean cosine, and mean relative change in brackets.

    `summary`: rows of `analyses.drift.summary.SUMMARY`.
    """
    rows = summary.to_pylist()
    columns = list(dict.fromkeys(_column(row) for row in rows))
    cells = {
        (
            row["layer"],
            _column(row),
        ): f"{row['mean_cosine']:.{digits}f} ({row['mean_relative_l2']:.{digits}f})"
        for row in rows
    }
    counts = sorted({row["n_tokens"] for row in rows})
    tokens = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    return TextTable(
        title=f"mean cosine and mean relative change ({tokens} tokens)",
        headers=("layer", *(f"{a} : {b} on {corpus}" for a, b, corpus in columns)),
        rows=tuple(
            (str(layer), *(cells.get((layer, column), "–") for column in columns))  # noqa: RUF001
            for layer in sorted({row["layer"] for row in rows})
        ),
    )


def layer_tables(
    panels: Sequence[tuple[str, Sequence[Mapping[str, Any]]]], about: str, *, digits: int = 4
) -> list[TextTable]:
    """A table for each score: layers as rows, a column for each line, mean ± deviation where there are seeds.

    `panels`: a title with its points (line, x, value); `about`: said after the title.
    """
    out = []
    for title, points in panels:
        cells: dict[tuple[float, str], list[float]] = {}
        for point in points:
            cells.setdefault((point["x"], str(point["line"])), []).append(point["value"])
        lines = list(dict.fromkeys(line for _, line in cells))
        rows = tuple(
            (str(x), *(_mean(cells.get((x, line), []), digits) for line in lines))
            for x in sorted({x for x, _ in cells})
        )
        out.append(TextTable(title=f"{title} ({about})", headers=("layer", *lines), rows=rows))
    return out


def code_table(rows: Sequence[Row], unit: str) -> TextTable:
    """Code lengths: a row for each task, checkpoint, mode, layer and code, seeds as mean ± deviation.

    `rows`: of the table `mdl_probe` with `accuracy`; `unit`: what lengths are counted in.
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        layer = "–" if row["layer"] is None else str(row["layer"])  # noqa: RUF001  a mix has no layer
        key = (row["task"], row["checkpoint"], row["mode"], layer, row["code"])
        groups.setdefault(key, []).append(row)
    lines = [
        (
            *key,
            f"{mine[0]['n_targets']:,}",
            f"{fmean(row['uniform_bits'] for row in mine) / 1000:,.2f}",
            _mean([row["codelength_bits"] / 1000 for row in mine], 2),
            _mean([row["compression"] for row in mine], 2),
            _mean([row["accuracy"] for row in mine], 4),
        )
        for key, mine in groups.items()
    ]
    return TextTable(
        title=f"code lengths in 1,000 {unit}",
        headers=("task", "checkpoint", "mode", "layer", "code", "targets", "uniform", "length", "compression",
                 "accuracy"),
        rows=tuple(lines),
    )  # fmt: skip


def replicate_table(table: pa.Table, *, digits: int = 4) -> list[TextTable]:
    """The mean over replicates of each comparison, a table a measure; none where there are no replicates.

    `table`: rows of analyses.similarity.replicates. A cell is mean ± deviation, and an interval where one is.
    """
    rows = table.to_pylist()
    out = []
    for measure in dict.fromkeys(row["measure"] for row in rows):
        mine = [row for row in rows if row["measure"] == measure]
        columns = list(dict.fromkeys(_alike(row) for row in mine))
        cells = {((row["layer_a"], row["layer_b"]), _alike(row)): row for row in mine}
        layers = sorted({layer for layer, _ in cells})
        headers = (f"{a} : {b} on {corpus} ({n})" for a, b, corpus, n in columns)
        out.append(
            TextTable(
                title=f"{measure}, mean ± deviation over replicates (their number)"
                + ("" if mine[0]["low"] is None else ", and interval over them and examples"),
                headers=("layer", *headers),
                rows=tuple(
                    (_layer(layer), *(_spread(cells.get((layer, column)), digits) for column in columns))
                    for layer in layers
                ),
            )
        )
    return out


def _alike(row: Row) -> tuple[str, str, str, int]:
    return row["checkpoints_a"], row["checkpoints_b"], row["corpus"], row["n_replicates"]


def _spread(row: Row | None, digits: int) -> str:
    if row is None:
        return "–"  # noqa: RUF001  a dash is an empty cell
    low, high = row["low"], row["high"]
    interval = "" if low is None else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{row['mean']:.{digits}f} ± {row['deviation']:.{digits}f}{interval}"


def _measure_table(measure: str, rows: Sequence[Row], digits: int, unit: str) -> TextTable:
    columns = list(dict.fromkeys(_column(row) for row in rows))
    layers = sorted({(row["layer_a"], row["layer_b"]) for row in rows})
    cells: dict[tuple[Any, Any], list[Row]] = {}
    for row in rows:
        cells.setdefault(((row["layer_a"], row["layer_b"]), _column(row)), []).append(row)
    counts = sorted({row["n_tokens"] for row in rows})
    tokens = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    return TextTable(
        title=f"{measure} ({tokens} {unit}s)",
        headers=("layer", *(f"{a} : {b} on {corpus}" for a, b, corpus in columns)),
        rows=tuple(
            (_layer(pair), *(_cell(cells.get((pair, column), []), digits) for column in columns))
            for pair in layers
        ),
    )


def _mean(values: Sequence[float], digits: int) -> str:
    if not values:
        return "–"  # noqa: RUF001  a dash is an empty cell
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{fmean(values):.{digits}f}{spread}"


def _column(row: Row) -> tuple[str, str, str]:
    return row["checkpoint_a"], row["checkpoint_b"], row["corpus"]


def _layer(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} : {pair[1]}"


def _cell(rows: Sequence[Row], digits: int) -> str:
    values = [row["value"] for row in rows if row["value"] is not None]
    if not values:
        return "–"  # noqa: RUF001  a dash is an empty cell
    if len(values) > 1:
        return f"{fmean(values):.{digits}f} ± {stdev(values):.{digits}f}"
    low, high = rows[0]["low"], rows[0]["high"]
    interval = "" if low is None or high is None else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{values[0]:.{digits}f}{interval}"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
