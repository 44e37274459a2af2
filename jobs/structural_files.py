"""What a structural-probing result shows: its table as text, curves over layers and over ranks."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from actstore.schema.tables import RESULTS
from analyses.figures.probe_curves import Panel, probe_curves
from analyses.report import layer_tables
from jobs.probing import Shown

METRICS = {
    ("distance", "spearman"): "Distance Spearman",
    ("distance", "uuas"): "UUAS",
    ("depth", "spearman"): "Depth Spearman",
    ("depth", "root_acc"): "Root accuracy",
}
"""What each kind of probe is measured by, as figures and tables call it."""


def shown_of(name: str, probes: pa.Table, *, groups: Mapping[str, str] | None = None) -> Shown:
    """Tables and figures of a result; `probes`: rows of PROBES.

    `groups`: what checkpoints are called together that differ by seed alone: curves of one colour.
    """
    rows = [row for row in probes.to_pylist() if row["split"] == "test"]
    ranks = sorted({row["rank"] for row in rows})
    over_layers = [_panel(rows, kind, metric, title) for (kind, metric), title in METRICS.items()]
    panels = [panel for panel in over_layers if panel]
    n_sentences = sorted({row["n_sentences"] for row in rows})
    about = f"test set, {' / '.join(f'{n:,}' for n in n_sentences)} sentences"
    files: dict[str, bytes] = {}
    if panels:
        drawn = groups if len(ranks) == 1 else None  # lines of several ranks are named by rank too
        told = f"{about}; a line for each seed" if drawn else about
        figure = probe_curves(panels, title="Structural probes, layer by layer", subtitle=told, groups=drawn)
        files |= figure.files(name)
    if panels and len(ranks) > 1:
        swept = [_by_rank(rows, kind, metric, title) for (kind, metric), title in METRICS.items()]
        figure = probe_curves(
            [panel for panel in swept if panel],
            title="Structural probes by the rank of their map",
            subtitle=about,
            x_title="Rank",
            powers=True,
        )
        files |= figure.files(f"{name}-ranks")
    texts = tuple(layer_tables([(panel.title, panel.points) for panel in panels], about))
    return Shown(table=probes.select(RESULTS["structural_probe"].names), texts=texts, figures=files)


def _panel(rows: list[dict[str, Any]], kind: str, metric: str, title: str) -> Panel | None:
    """A line for each checkpoint (and rank, where there are several) over the layers."""
    several = len({row["rank"] for row in rows}) > 1
    points = [
        {
            "line": f"{row['checkpoint']}, rank {row['rank']}" if several else row["checkpoint"],
            "x": row["layer"],
            "value": row[metric],
        }
        for row in rows
        if row["kind"] == kind and row[metric] is not None
    ]
    return Panel(title=title, points=tuple(points)) if points else None


def _by_rank(rows: list[dict[str, Any]], kind: str, metric: str, title: str) -> Panel | None:
    """A line for each checkpoint over the ranks, at the layer that is best at the highest rank."""
    points = []
    for checkpoint in dict.fromkeys(row["checkpoint"] for row in rows):
        mine = [
            row
            for row in rows
            if row["kind"] == kind and row["checkpoint"] == checkpoint and row[metric] is not None
        ]
        if not mine:
            continue
        highest = [row for row in mine if row["rank"] == max(other["rank"] for other in mine)]
        best = max(highest, key=lambda row: row[metric])["layer"]
        points += [
            {"line": f"{checkpoint}, layer {best}", "x": row["rank"], "value": row[metric]}
            for row in mine
            if row["layer"] == best
        ]
    return Panel(title=title, points=tuple(points)) if points else None
