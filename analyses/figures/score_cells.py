"""Cells of a table of tasks by checkpoints: means over seeds, and differences to the first column."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from analyses.statistics.welch import Difference, welch

Row = dict[str, Any]
NOTHING = "–"  # noqa: RUF001


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A checkpoint probed in one mode."""

    title: str
    checkpoint: str
    mode: str

    def values(self, rows: Sequence[Row], task: str, metric: str) -> list[float]:
        """A score for each seed."""
        return [
            row[metric]
            for row in rows
            if (row["task"], row["checkpoint"], row["mode"]) == (task, self.checkpoint, self.mode)
        ]


def text_cells(rows: Sequence[Row], columns: Sequence[Column], metric: str) -> list[tuple[str, ...]]:
    """A line for each task: its name and targets, the first column in percent, differences behind it."""
    out = []
    for task in dict.fromkeys(row["task"] for row in rows):
        cells = [_cell(rows, columns, at, task, metric)[0] for at in range(len(columns))]
        n_targets = max(row["n_targets"] for row in rows if row["task"] == task)
        out.append((task, f"{n_targets:,}", *cells))
    return out


def grid_cells(rows: Sequence[Row], columns: Sequence[Column], metric: str) -> list[dict[str, Any]]:
    """The same for a figure: row, column, text, difference in points, told."""
    out = []
    for task in dict.fromkeys(row["task"] for row in rows):
        for at, column in enumerate(columns):
            text, told, difference = _cell(rows, columns, at, task, metric)
            out.append(
                {
                    "row": task,
                    "column": column.title,
                    "text": text.split(" ±")[0],
                    "told": told,
                    "difference": None if difference is None else 100 * difference.value,
                }
            )
    return out


def _cell(
    rows: Sequence[Row], columns: Sequence[Column], at: int, task: str, metric: str
) -> tuple[str, str, Difference | None]:
    """(text, what a tooltip says, difference to the first column)."""
    values, first = columns[at].values(rows, task, metric), columns[0].values(rows, task, metric)
    if not values:
        return NOTHING, "", None
    absolute = _percent(values)
    if at == 0 or not first:
        return absolute, absolute, None
    found = welch(values, first)
    star = "*" if found.is_significant else ""
    sign = "+" if found.value >= 0 else "−"  # noqa: RUF001
    within = (
        "" if found.low is None or found.high is None else f" [{100 * found.low:.1f}, {100 * found.high:.1f}]"
    )
    return f"{sign}{100 * abs(found.value):.1f}{star}", f"{absolute}, {100 * found.value:+.1f}{within}", found


def _percent(values: Sequence[float]) -> str:
    spread = f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * fmean(values):.1f}{spread}"
