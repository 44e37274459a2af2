"""What an MDL result shows: code lengths as text, bars, curves over layers, learning curves."""

import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from actstore.schema.tables import RESULTS
from analyses.figures.code_bars import code_bars
from analyses.figures.probe_curves import Panel, probe_curves
from analyses.report import code_table
from jobs.probing import Shown

Row = dict[str, Any]


def shown_of(name: str, probes: pa.Table, units: str) -> Shown:
    """Tables and figures of a result; `probes`: rows of PROBES."""
    rows = probes.to_pylist()
    unit = "bits" if units == "bits" else "bits and nats as released in 2020"
    files = code_bars(_bars(rows), unit=unit).files(name)
    layered = [row for row in rows if row["mode"] in {"each-layer", "cumulative"}]
    if layered:
        figure = probe_curves(
            _panels(layered, "layer", "compression"),
            title="Compression, layer by layer",
            subtitle="uniform code over code length; higher is easier to tell",
        )
        files |= figure.files(f"{name}-layers")
    curves = _learning(rows)
    if curves:
        figure = probe_curves(
            curves,
            title="Learning curves of the online codes",
            subtitle="what a label of the next block takes, by the sentences trained on",
            x_title="Sentences trained on",
            powers=True,
        )
        files |= figure.files(f"{name}-learning")
    texts = (code_table(rows, unit),)
    return Shown(table=probes.select(RESULTS["mdl_probe"].names), texts=texts, figures=files)


def _bars(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Each checkpoint's code by task: of the mix where there is one, else of its shortest code."""
    out = []
    for key in dict.fromkeys((row["task"], row["checkpoint"], row["code"]) for row in rows):
        mine = [row for row in rows if (row["task"], row["checkpoint"], row["code"]) == key]
        mixes = [row for row in mine if row["mode"] == "mix"]
        if not mixes:
            best = min(mine, key=lambda row: row["codelength_bits"])
            mixes = [row for row in mine if (row["mode"], row["layer"]) == (best["mode"], best["layer"])]
        out += [{**row, "probe": _named(row)} for row in mixes]
    return out


def _named(row: Row) -> str:
    layer = "" if row["layer"] is None else f" {row['layer']}"
    return f"{row['checkpoint']} ({row['mode']}{layer})"


def _panels(rows: Sequence[Row], x: str, value: str) -> list[Panel]:
    """A panel for each task and code, a line for each checkpoint and mode."""
    several = len({row["mode"] for row in rows}) > 1
    return [
        Panel(
            title=f"{task}, {code} code",
            points=tuple(
                {
                    "line": f"{row['checkpoint']} ({row['mode']})" if several else row["checkpoint"],
                    "x": row[x],
                    "value": row[value],
                }
                for row in rows
                if (row["task"], row["code"]) == (task, code)
            ),
        )
        for task, code in dict.fromkeys((row["task"], row["code"]) for row in rows)
    ]


def _learning(rows: Sequence[Row]) -> list[Panel]:
    """Bits a target of each block, by the sentences before it, of what the bars show."""
    points: list[Row] = []
    for row in _bars([row for row in rows if row["code"] == "online"]):
        blocks = zip(row["block_sentences"], row["block_targets"][1:], row["block_nats"][1:], strict=False)
        points += [
            {"task": row["task"], "line": row["probe"], "x": n, "value": nats / n_targets / math.log(2)}
            for n, n_targets, nats in blocks
            if n_targets
        ]
    return [
        Panel(title=f"{task}: bits a label", points=tuple(point for point in points if point["task"] == task))
        for task in dict.fromkeys(point["task"] for point in points)
    ]
