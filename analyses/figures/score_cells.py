"""Cells of a table of tasks by checkpoints: means over seeds, and differences to the first column."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from analyses.statistics.welch import Difference, against_one, welch

Row = dict[str, Any]
NOTHING = "–"  # noqa: RUF001


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A checkpoint probed in one mode, or replicates of one: checkpoints that differ by seed alone."""

    title: str
    checkpoints: tuple[str, ...]
    mode: str

    def values(self, rows: Sequence[Row], task: str, metric: str) -> list[float]:
        """A score for each seed of the probe; of replicates one for each, the mean over such seeds."""
        mine = [row for row in rows if (row["task"], row["mode"]) == (task, self.mode)]
        of_each = [
            [row[metric] for row in mine if row["checkpoint"] == checkpoint]
            for checkpoint in self.checkpoints
        ]
        return of_each[0] if len(of_each) == 1 else [fmean(values) for values in of_each if values]


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
    alone = len(first) == 1 and len(columns[at].checkpoints) > 1
    found = against_one(values, first[0]) if alone else welch(values, first)
    star = "*" if found.is_significant else ""
    sign = "+" if found.value >= 0 else "−"  # noqa: RUF001
    within = (
        "" if found.low is None or found.high is None else f" [{100 * found.low:.1f}, {100 * found.high:.1f}]"
    )
    spread = _spread(values) if len(columns[at].checkpoints) > 1 else ""
    text = f"{sign}{100 * abs(found.value):.1f}{star}{spread}"
    return text, f"{absolute}, {100 * found.value:+.1f}{within}", found


def _percent(values: Sequence[float]) -> str:
    return f"{100 * fmean(values):.1f}{_spread(values)}"


def _spread(values: Sequence[float]) -> str:
    return f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
