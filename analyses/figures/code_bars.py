"""Code bars: description lengths by task and checkpoint, split into what labels and what the probe take."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import altair as alt

from analyses.figures.figure import Figure, figure
from analyses.figures.theme import COLOURS, INK

WIDTH, STEP = 340, 26
DATA, MODEL = "labels, by the final probe", "the probe"


def code_bars(rows: Sequence[Mapping[str, Any]], *, unit: str = "bits") -> Figure:
    """A panel for each task and code, a bar for each probe, with its compression behind it.

    `rows`: task, code, probe, data_bits, model_bits, codelength_bits, compression; several of one probe are
    seeds, of which the mean is drawn.
    """
    tasks = list(dict.fromkeys((str(row["task"]), str(row["code"])) for row in rows))
    charts = [_panel([row for row in rows if (row["task"], row["code"]) == key], *key) for key in tasks]
    heading = alt.TitleParams(
        "How long is the code?",
        subtitle=f"1,000 {unit}; shorter is easier to tell; behind each bar its compression",
    )
    return figure(alt.concat(*charts, columns=2).properties(title=heading))


def _panel(rows: Sequence[Mapping[str, Any]], task: str, code: str) -> Any:
    probes = list(dict.fromkeys(str(row["probe"]) for row in rows))
    bars, ends = [], []
    for probe in probes:
        mine = [row for row in rows if row["probe"] == probe]
        for order, (part, column) in enumerate(((DATA, "data_bits"), (MODEL, "model_bits"))):
            value = fmean(row[column] for row in mine) / 1000
            bars.append({"probe": probe, "part": part, "order": order, "value": value})
        total = fmean(row["codelength_bits"] for row in mine) / 1000
        ends.append(
            {"probe": probe, "total": total, "told": f"{fmean(row['compression'] for row in mine):.1f}x"}
        )
    y = alt.Y("probe:N", sort=probes, title=None, axis=alt.Axis(labelLimit=220))
    colour = alt.Color(
        "part:N",
        scale=alt.Scale(domain=[DATA, MODEL], range=list(COLOURS[:2])),
        legend=alt.Legend(title="Bits for", orient="bottom"),
    )
    drawn = (
        alt.Chart(alt.InlineData(values=bars))
        .mark_bar(height=16)
        .encode(
            y=y,
            x=alt.X("value:Q", stack="zero", title=f"{task}, {code} code"),
            color=colour,
            order=alt.Order("order:Q"),
            tooltip=["probe:N", "part:N", alt.Tooltip("value:Q", format=",.2f")],
        )
    )
    text = (
        alt.Chart(alt.InlineData(values=ends))
        .mark_text(align="left", dx=5, color=INK)
        .encode(y=y, x="total:Q", text="told:N")
    )
    return alt.layer(drawn, text).properties(width=WIDTH, height=alt.Step(STEP))
