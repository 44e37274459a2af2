"""Layer curves: how alike two models stay from layer to layer (Merchant et al. 2020, figures 2 and 5)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from analyses.figures.curves import DEVIATION, INTERVAL, NO_BAND, Curves, curves
from analyses.figures.facts import CorpusFacts
from analyses.figures.figure import Figure, figure
from analyses.figures.names import measure_name
from analyses.figures.theme import COLOURS, DASHES, SHAPES

WIDTH, HEIGHT, FACET_WIDTH, FACET_HEIGHT = 460, 300, 300, 240
MAX_OVERLAID = 6
"""Curves in one panel; more are drawn in a panel for each line."""
MODEL, MODELS, CORPUS = "Compared model", "Compared models", "Corpus"
BANDS = {
    INTERVAL: "bands: 95 % of resampled examples",
    DEVIATION: "bands: mean ± standard deviation over samples and replicates",
}


def layer_curves(
    table: pa.Table,
    *,
    measure: str = "rsa",
    title: str | None = None,
    subtitle: str | None = None,
    labels: Mapping[str, str] | None = None,
    facts: Sequence[CorpusFacts] = (),
    unit: str = "token",
) -> Figure:
    """A curve for each compared checkpoint (colour) and corpus (dash), over the layers.

    `table`: rows of the table `similarity`. `labels`: what checkpoints and corpora are called; checkpoints of
    one label are one curve. `facts`: told below the title where there are several corpora. `unit`: what was
    compared, 'token' or 'word'.
    Raises RequestError where the table has nothing to draw.
    """
    data = curves(table, measure, labels)
    name = measure_name(measure)
    what = f"{name} to {data.reference}" if data.reference else name
    overlaid = len(data.lines) * len(data.corpora) <= MAX_OVERLAID
    panels = _panel(data, what, overlaid, unit)
    heading = alt.TitleParams(
        title or f"{what}, layer by layer",
        subtitle=[subtitle or _subtitle(data, overlaid, unit), *_told(data, facts, labels or {})],
    )
    if overlaid:
        return figure(panels.properties(width=WIDTH, height=HEIGHT, title=heading))
    faceted = panels.properties(width=FACET_WIDTH, height=FACET_HEIGHT).facet(
        facet=alt.Facet("line:N", sort=list(data.lines), title=None),
        columns=min(3, len(data.lines)),
        data=alt.InlineData(values=_marked(data)),
    )
    return figure(faceted.properties(title=heading))


def _marked(data: Curves) -> list[dict[str, Any]]:
    """Points with the shape of their corpus: a scale's legend would merge with that of the dashes."""
    shapes = {corpus: SHAPES[at % len(SHAPES)] for at, corpus in enumerate(data.corpora)}
    return [{**point, "marker": shapes[point["corpus"]]} for point in data.points]


def _panel(data: Curves, what: str, overlaid: bool, unit: str) -> Any:
    """Bands, lines and points of one panel; colours tell models, or corpora where there is one model."""
    model = MODEL if data.reference else MODELS
    several = overlaid and len(data.lines) > 1
    field, values, heading = ("line", data.lines, model) if several else ("corpus", data.corpora, CORPUS)
    colour = _scale(alt.Color, field, values, COLOURS, heading)
    chosen = alt.selection_point(fields=["line", "corpus"], on="pointerover", nearest=False, empty=True)
    base = alt.Chart(alt.InlineData(values=_marked(data)) if overlaid else alt.Undefined).encode(
        x=_layer_axis(data), y=_value_axis(data, what), color=colour
    )
    dash = _scale(alt.StrokeDash, "corpus", data.corpora, DASHES, CORPUS)
    shown = alt.condition(chosen, alt.value(1.0), alt.value(0.25))
    line = base.mark_line(strokeWidth=2.5, clip=False).encode(strokeDash=dash, opacity=shown)
    points = (
        base.mark_point(filled=True, size=46, opacity=1)
        .encode(
            shape=alt.Shape("marker:N", scale=None, legend=None), opacity=shown, tooltip=_tooltip(data, unit)
        )
        .add_params(chosen)
    )
    layers = [line, points]
    if data.band != NO_BAND:
        band = base.mark_area(opacity=0.16, clip=True).encode(
            y=alt.Y("low:Q"), y2="high:Q", detail="corpus:N"
        )
        layers.insert(0, band)
    return alt.layer(*layers)


def _scale(channel: Any, field: str, values: tuple[str, ...], marks: tuple[Any, ...], title: str) -> Any:
    """A channel with a mark for each value; without a legend where there is nothing to tell apart."""
    domain = list(values)
    repeated = [marks[index % len(marks)] for index in range(len(domain))]
    legend = None
    if len(domain) > 1:
        legend = alt.Legend(title=title, symbolType="stroke", symbolOpacity=1, symbolSize=420)
    scale = alt.Scale(domain=domain, range=repeated)
    return channel(f"{field}:N", scale=scale, sort=domain, legend=legend)


def _layer_axis(data: Curves) -> Any:
    layers = sorted({point["layer"] for point in data.points})
    whose = "" if data.matched else f" of {data.reference or 'the first model'}"
    title = f"Layer{whose} (0 = embeddings)"
    axis = alt.Axis(values=layers, format="d", grid=False, title=title, labelOverlap=True)
    return alt.X(
        "layer:Q", axis=axis, scale=alt.Scale(domain=[layers[0], layers[-1]], padding=12, nice=False)
    )


def _value_axis(data: Curves, what: str) -> Any:
    return alt.Y("value:Q", title=what, scale=alt.Scale(domain=value_domain(data), nice=False, clamp=False))


def value_domain(data: Curves) -> list[float]:
    """From 0 (lower where values are) to 1, identity: the height of a curve is its similarity."""
    lowest = min(min(point["value"], point["low"] or point["value"]) for point in data.points)
    return [0.0 if lowest >= 0.0 else math.floor(lowest * 10) / 10, 1.0]


def _tooltip(data: Curves, unit: str) -> list[Any]:
    shown = [
        alt.Tooltip("line:N", title="Compared model"),
        alt.Tooltip("corpus:N", title="Corpus"),
        alt.Tooltip("layer:Q", title="Layer", format="d"),
        alt.Tooltip("value:Q", title="Value", format=".4f"),
        alt.Tooltip("n_tokens:Q", title=f"{unit.capitalize()}s", format=",d"),
    ]
    if not data.matched:
        shown.insert(3, alt.Tooltip("other:Q", title="Layer of the other", format="d"))
    if data.band != NO_BAND:
        shown[-1:-1] = [
            alt.Tooltip("low:Q", title="Low", format=".4f"),
            alt.Tooltip("high:Q", title="High", format=".4f"),
        ]
    return shown


def _told(data: Curves, facts: Sequence[CorpusFacts], labels: Mapping[str, str]) -> list[str]:
    """A line a corpus: curves over texts of other lengths, or with unknown pieces, may differ for that."""
    named = [(labels.get(item.corpus, item.corpus), item) for item in facts]
    return [item.sentence(name) for name, item in named if name in data.corpora and len(data.corpora) > 1]


def _subtitle(data: Curves, overlaid: bool, unit: str) -> str:
    few, many = data.n_tokens
    parts = [f"{few:,} {unit}s" if few == many else f"{few:,} to {many:,} {unit}s", "1 = same geometry"]
    if not data.matched:
        parts.append("layers as deep in both models")
    if data.band in BANDS:
        parts.append(BANDS[data.band])
    if len(data.lines) == 1 and overlaid:
        parts.insert(0, data.lines[0])
    if len(data.corpora) == 1:
        parts.insert(0, data.corpora[0])
    return "; ".join(parts)
