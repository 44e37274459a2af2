"""Confusion map: which label is taken for which, as shares of the targets of each label."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt

from analyses.figures.figure import Figure, figure
from analyses.figures.theme import INK

MOST_LABELS = 24
CELL, LABELLED_CELL, MAX_LABELLED = 22, 34, 12
LEAST_TOLD = 0.005


def confusion_map(
    count_KK: npt.NDArray[np.int64], labels: Sequence[str], *, title: str, subtitle: str
) -> Figure:
    """Labels down, what is said of them across; the most frequent ones where there are many.

    `count_KK`: targets of each label (row) by the label with the highest score (column).
    """
    order = np.argsort(-count_KK.sum(axis=1), kind="stable")
    shown = [int(at) for at in order if count_KK[at].sum() or count_KK[:, at].sum()][:MOST_LABELS]
    names = [labels[at] for at in shown]
    cells: list[dict[str, Any]] = []
    for row in shown:
        total = max(1, int(count_KK[row].sum()))
        for column in shown:
            share = count_KK[row, column] / total
            told = f"{int(count_KK[row, column]):,} of {total:,}"
            text = f"{100 * share:.0f}" if share >= LEAST_TOLD else ""
            cells.append(
                {"row": labels[row], "column": labels[column], "share": share, "told": told, "text": text}
            )
    more = len(labels) - len(shown)
    lines = [subtitle, *([f"the {len(shown)} most frequent of {len(labels)} labels"] if more else [])]
    return figure(_map(cells, names, alt.TitleParams(title, subtitle=lines)))


def _map(cells: list[dict[str, Any]], names: list[str], heading: Any) -> Any:
    few = len(names) <= MAX_LABELLED
    side = (LABELLED_CELL if few else CELL) * len(names)
    axis = alt.Axis(labelAngle=-60, labelLimit=160, labelOverlap=False)
    base = alt.Chart(alt.InlineData(values=cells)).encode(
        y=alt.Y("row:N", sort=names, title="Label", axis=alt.Axis(labelLimit=160, labelOverlap=False)),
        x=alt.X("column:N", sort=names, title="Said", axis=axis),
    )
    colour = alt.Color(
        "share:Q",
        scale=alt.Scale(scheme="blues", domain=[0, 1]),
        legend=alt.Legend(title="Share of the label", format=".0%", gradientLength=min(200, max(80, side))),
    )
    tooltip = [
        alt.Tooltip("row:N", title="Label"),
        alt.Tooltip("column:N", title="Said"),
        alt.Tooltip("told:N", title="Targets"),
    ]
    ink = alt.condition("datum.share > 0.55", alt.value("white"), alt.value(INK))
    drawn = [base.mark_rect().encode(color=colour, tooltip=tooltip)]
    drawn.append(base.mark_text(fontSize=10 if few else 8).encode(text="text:N", color=ink))
    return alt.layer(*drawn).properties(width=side, height=side, title=heading)
