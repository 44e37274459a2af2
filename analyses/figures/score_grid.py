"""Score grid: tasks down, checkpoints across; the first column in percent, the others as what they differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from analyses.figures.figure import Figure, figure
from analyses.figures.theme import INK

ROW, COLUMN = 34, 96


def score_grid(cells: Sequence[Mapping[str, Any]], *, title: str, subtitle: str) -> Figure:
    """A cell for each row and column: its text, coloured by its difference to the first column.

    `cells`: row, column, text, difference (None in the first column), told (for the tooltip).
    """
    rows = list(dict.fromkeys(str(cell["row"]) for cell in cells))
    columns = list(dict.fromkeys(str(cell["column"]) for cell in cells))
    largest = max((abs(cell["difference"]) for cell in cells if cell["difference"] is not None), default=0.0)
    reach = max(largest, 1e-9)
    values = [{**cell, "difference": cell["difference"] or 0.0} for cell in cells]
    angle = -30 if any(len(column) > 12 for column in columns) else 0
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X(
            "column:N", sort=columns, title=None,
            axis=alt.Axis(orient="top", labelAngle=angle, labelLimit=200, domain=False, ticks=False),
        ),
        y=alt.Y(
            "row:N", sort=rows, title=None, axis=alt.Axis(labelLimit=200, domain=False, ticks=False)
        ),
    )  # fmt: skip
    colour = alt.Color(
        "difference:Q",
        scale=alt.Scale(scheme="redblue", domain=[-reach, reach], domainMid=0),
        legend=None,
    )
    strong = alt.condition(f"abs(datum.difference) > {0.6 * reach}", alt.value("white"), alt.value(INK))
    drawn = (
        base.mark_rect().encode(color=colour, tooltip=[alt.Tooltip("told:N", title="Score")]),
        base.mark_text(fontSize=12).encode(text="text:N", color=strong),
    )
    heading = alt.TitleParams(title, subtitle=subtitle)
    grid = alt.layer(*drawn).properties(width=COLUMN * len(columns), height=ROW * len(rows), title=heading)
    return figure(grid)
