"""Heat maps: every layer with every other, every checkpoint with every other."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import altair as alt
import pyarrow as pa

from actstore.errors import RequestError
from analyses.figures.figure import Figure, figure
from analyses.figures.names import measure_name

CELL, MAX_SIDE = 34, 420
MAX_LABELLED = 13
"""Cells of a side up to which each says its value."""
SIDES = ("checkpoint_a", "checkpoint_b")
Row = dict[str, Any]


class _Panel(NamedTuple):
    """One map of a figure."""

    title: str
    down: str | None = None
    across: str | None = None


def layer_map(
    table: pa.Table,
    *,
    measure: str = "rsa",
    title: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """A map a pair and corpus: layers of one checkpoint against layers of the other.

    `table`: rows of the table `similarity`, with layers = "all". Raises RequestError without such rows.
    """
    labels = labels or {}
    cells: dict[tuple[_Panel, int, int], list[float]] = {}
    for row in _rows(table, measure):
        a, b, corpus = (_named(row, key, labels) for key in (*SIDES, "corpus"))
        panel = _Panel(f"{a} and {b} on {corpus}", f"Layer of {a} (0 = embeddings)", f"Layer of {b}")
        cells.setdefault((panel, row["layer_a"], row["layer_b"]), []).append(row["value"])
    if all(a == b for _, a, b in cells):
        raise RequestError(f"no row of measure {measure!r} compares different layers; use layers = 'all'")
    points = [
        {"panel": panel.title, "row": a, "column": b, "value": fmean(values)}
        for (panel, a, b), values in cells.items()
    ]
    order = [sorted({a for _, a, _ in cells}, reverse=True), sorted({b for _, _, b in cells})]
    heading = title or f"{measure_name(measure)} of every layer with every other"
    return _figure(points, order, heading, measure, list(dict.fromkeys(panel for panel, _, _ in cells)))


def checkpoint_map(
    table: pa.Table,
    *,
    measure: str = "rsa",
    layers: Sequence[int] | None = None,
    title: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """A map a layer and corpus: checkpoints against checkpoints, in the table's order.

    `layers`: which to draw, None for all. A pair compared in one direction fills both of its cells; a
    checkpoint with itself is 1. Raises RequestError where the table has nothing to draw.
    """
    labels = labels or {}
    rows = [
        row
        for row in _rows(table, measure)
        if row["layer_a"] == row["layer_b"] and (layers is None or row["layer_a"] in layers)
    ]
    if not rows:
        raise RequestError(f"no row of measure {measure!r} compares these layers; draw others")
    names = list(dict.fromkeys(_named(row, key, labels) for key in SIDES for row in rows))
    points = _mirrored(rows, names, labels)
    heading = title or f"{measure_name(measure)} of every checkpoint with every other"
    panels = [_Panel(title) for title in dict.fromkeys(point["panel"] for point in points)]
    return _figure(points, [names, names], heading, measure, panels)


def _mirrored(rows: Sequence[Row], names: Sequence[str], labels: Mapping[str, str]) -> list[Row]:
    """Cells of both directions of each pair, and 1 for each name with itself."""
    cells: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        a, b = (_named(row, key, labels) for key in SIDES)
        panel = f"layer {row['layer_a']} on {_named(row, 'corpus', labels)}"
        for pair in {(a, b), (b, a)}:
            cells.setdefault((panel, *pair), []).append(row["value"])
    for panel in {panel for panel, _, _ in cells}:
        for name in names:
            cells.setdefault((panel, name, name), [1.0])
    order = list(dict.fromkeys(f"layer {row['layer_a']} on {_named(row, 'corpus', labels)}" for row in rows))
    keys = sorted(cells, key=lambda key: (order.index(key[0]), names.index(key[1]), names.index(key[2])))
    return [
        {"panel": panel, "row": a, "column": b, "value": fmean(cells[panel, a, b])} for panel, a, b in keys
    ]


def _named(row: Row, key: str, labels: Mapping[str, str]) -> str:
    return labels.get(row[key], row[key])


def _rows(table: pa.Table, measure: str) -> list[Row]:
    rows = [row for row in table.to_pylist() if row["measure"] == measure and row["value"] is not None]
    if not rows:
        raise RequestError(f"no row of measure {measure!r}; draw another measure")
    return rows


def _figure(
    points: list[Row], order: list[list[Any]], title: str, measure: str, panels: Sequence[_Panel]
) -> Figure:
    """Maps side by side, each with its own axes, of one scale of colours."""
    lowest = min(0.0, math.floor(min(point["value"] for point in points) * 10) / 10)
    maps = [_map(panel, order, measure, lowest) for panel in panels]
    # Concatenated, not faceted: a facet draws the axes of panels that are not there.
    together = alt.concat(*maps, columns=min(3, len(maps)), data=alt.InlineData(values=points), spacing=24)
    return figure(together.resolve_scale(color="shared").properties(title=alt.TitleParams(title)))


def _map(panel: _Panel, order: list[list[Any]], measure: str, lowest: float) -> Any:
    sides = [min(MAX_SIDE, CELL * len(side)) for side in order]
    colour = alt.Color(
        "value:Q",
        scale=alt.Scale(scheme="viridis", domain=[lowest, 1.0]),
        legend=alt.Legend(title=measure_name(measure), gradientLength=max(120, sides[0] - 40)),
    )
    tooltip = [
        alt.Tooltip("row:O", title="Row"),
        alt.Tooltip("column:O", title="Column"),
        alt.Tooltip("value:Q", title=measure_name(measure), format=".4f"),
    ]
    down = alt.Y("row:O", sort=order[0], title=panel.down)
    angle = alt.Axis(labelAngle=_angle(order[1]))
    across = alt.X("column:O", sort=order[1], title=panel.across, axis=angle)
    base = alt.Chart(alt.Undefined).encode(y=down, x=across)
    layers = [base.mark_rect().encode(color=colour, tooltip=tooltip)]
    if max(map(len, order)) <= MAX_LABELLED:
        middle = lowest + 0.6 * (1.0 - lowest)
        ink = alt.condition(f"datum.value > {middle}", alt.value("#1a1a1a"), alt.value("white"))
        layers.append(base.mark_text(fontSize=10).encode(text=alt.Text("value:Q", format=".2f"), color=ink))
    heading = alt.TitleParams(panel.title, fontSize=13, anchor="middle", offset=8)
    chart = alt.layer(*layers).properties(height=sides[0], width=sides[1], title=heading)
    return chart.transform_filter(alt.FieldEqualPredicate(field="panel", equal=panel.title))


def _angle(names: Sequence[Any]) -> int:
    return -40 if any(len(str(name)) > 4 for name in names) else 0
