"""Probe curves: a panel for each score, a line for each checkpoint over the layers, seeds as a band."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import altair as alt

from analyses.figures.figure import Figure, figure
from analyses.figures.theme import COLOURS, SHAPES

WIDTH, HEIGHT = 300, 220
NEAR_ZERO = 0.15
"""Of the values' range: an axis that begins so near to 0 begins at 0."""
LAYER = "Layer (0 = embeddings)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The points of one score; several of one line and x are seeds."""

    title: str
    points: tuple[Mapping[str, Any], ...]
    """line, x, value."""


def probe_curves(
    panels: Sequence[Panel],
    *,
    title: str,
    subtitle: str = "",
    x_title: str = LAYER,
    powers: bool = False,
    columns: int = 2,
    x_labels: Mapping[float, str] | None = None,
    groups: Mapping[str, str] | None = None,
) -> Figure:
    """Lines with a mark at each point; where there are seeds their mean, and mean ± deviation as a band.

    `powers`: the x axis is of powers of two, as ranks and sizes are. `x_labels`: what places of the x axis
    are called that are no plain number. `groups`: what lines are called together that share a colour and an
    entry of the legend, as checkpoints that differ by seed alone.
    """
    known = groups or {}
    lines = dict.fromkeys(str(point["line"]) for panel in panels for point in panel.points)
    named = {line: known.get(line, line) for line in lines}
    charts = [_panel(panel, named, x_title, powers, x_labels or {}) for panel in panels]
    n_seeds = max(point["n"] for panel in panels for point in means(panel.points))
    told = [subtitle, *([f"bands: mean ± standard deviation over {n_seeds} seeds"] if n_seeds > 1 else [])]
    heading = alt.TitleParams(title, subtitle=[line for line in told if line])
    return figure(alt.concat(*charts, columns=columns).properties(title=heading))


def means(points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One point for each line and x: mean, low and high (mean ± deviation), and how many values."""
    groups: dict[tuple[str, float], list[float]] = {}
    for point in points:
        groups.setdefault((str(point["line"]), point["x"]), []).append(point["value"])
    out = []
    for (line, x), values in groups.items():
        mean, spread, n = fmean(values), stdev(values) if len(values) > 1 else 0.0, len(values)
        out.append({"line": line, "x": x, "value": mean, "low": mean - spread, "high": mean + spread, "n": n})
    return out


def _panel(
    panel: Panel, named: Mapping[str, str], x_title: str, powers: bool, x_labels: Mapping[float, str]
) -> Any:
    """`named`: what each line is called in the legend."""
    entries = list(dict.fromkeys(named.values()))
    marks = {entry: SHAPES[at % len(SHAPES)] for at, entry in enumerate(entries)}
    values = [
        {**point, "entry": named[point["line"]], "marker": marks[named[point["line"]]]}
        for point in means(panel.points)
    ]
    legend = alt.Legend(title=None, symbolType="stroke", symbolOpacity=1) if len(entries) > 1 else None
    colours = [COLOURS[at % len(COLOURS)] for at in range(len(entries))]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=_x_axis(values, x_title, powers, x_labels),
        y=alt.Y("value:Q", title=panel.title, scale=_y_scale(values)),
        color=alt.Color(
            "entry:N", scale=alt.Scale(domain=entries, range=colours), sort=entries, legend=legend
        ),
        detail="line:N",
    )
    drawn = [
        base.mark_line(strokeWidth=2.5),
        base.mark_point(filled=True, size=46, opacity=1).encode(
            shape=alt.Shape("marker:N", scale=None, legend=None), tooltip=_tooltip(panel.title, x_title)
        ),
    ]
    if any(point["n"] > 1 for point in values):
        drawn.insert(0, base.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", title=panel.title), y2="high:Q"))
    return alt.layer(*drawn).properties(width=WIDTH, height=HEIGHT)


def _y_scale(values: list[dict[str, Any]]) -> alt.Scale:
    """Room below the lowest point, but none below 0 where no value is."""
    low, high = min(point["low"] for point in values), max(point["high"] for point in values)
    if 0 <= low < (high - low) * NEAR_ZERO:
        return alt.Scale(zero=True)
    return alt.Scale(zero=False, padding=8)


def _x_axis(values: list[dict[str, Any]], title: str, powers: bool, labels: Mapping[float, str]) -> Any:
    places = sorted({point["x"] for point in values})
    told = f"({json.dumps({str(place): label for place, label in labels.items()})})[datum.value]"
    axis = alt.Axis(
        values=places,
        format="d",
        grid=False,
        title=title,
        labelOverlap=True,
        labelExpr=f"{told} || datum.label" if labels else alt.Undefined,
    )
    if powers:
        return alt.X("x:Q", axis=axis, scale=alt.Scale(type="log", base=2, nice=False, padding=12))
    scale = alt.Scale(domain=[places[0], places[-1]], padding=12, nice=False)
    return alt.X("x:Q", axis=axis, scale=scale)


def _tooltip(what: str, x_title: str) -> list[Any]:
    return [
        alt.Tooltip("line:N", title="Line"),
        alt.Tooltip("x:Q", title=x_title, format="d"),
        alt.Tooltip("value:Q", title=what, format=".4f"),
        alt.Tooltip("low:Q", title="Low", format=".4f"),
        alt.Tooltip("high:Q", title="High", format=".4f"),
        alt.Tooltip("n:Q", title="Seeds"),
    ]
