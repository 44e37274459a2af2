"""Ablation curves: a score over the layers that are frozen or kept (Merchant et al. 2020, figures 3 and 4).

Freezing is drawn on the paper's axis: x is the highest frozen layer counted from 0, the number of frozen
layers less one. At -1 the embeddings alone are frozen; where nothing is, the axis says "none".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from analyses.figures.figure import Figure
from analyses.figures.probe_curves import Panel, probe_curves

FREEZE = "freeze"
NOTHING_FROZEN = -2
"""Where the point stands at which nothing is frozen."""
X_TITLES = {
    "freeze": "Highest frozen layer, from 0",
    "truncate": "Layers kept",
    "truncate-frozen": "Layer below the head (all frozen)",
}
TITLES = {
    "freeze": "Fine-tuning with the first layers frozen",
    "truncate": "Fine-tuning the first layers alone",
    "truncate-frozen": "A head on a frozen layer",
}
METRICS = {
    "accuracy": "Accuracy",
    "f1": "F1 (%)",
    "exact_match": "Exact match (%)",
    "las": "LAS (%)",
    "uas": "UAS (%)",
}
"""Metrics that are drawn, and what they are called."""


def x_of(kind: str, n_layers: int | None) -> int:
    """Where a point stands; None: nothing is frozen."""
    if n_layers is None:
        return NOTHING_FROZEN
    return n_layers - 1 if kind == FREEZE else n_layers


def ablation_panels(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> list[Panel]:
    """A panel for each task and metric, a line for each base. `rows`: of the table `ablation`."""
    out = []
    for task in dict.fromkeys(row["task"] for row in rows):
        for metric in metrics:
            points = tuple(
                {"line": row["base"], "x": x_of(row["kind"], row["n_layers"]), "value": row["value"]}
                for row in rows
                if row["task"] == task and row["metric"] == metric
            )
            if points:
                out.append(Panel(title=f"{task}: {METRICS[metric]}", points=points))
    return out


def ablation_curves(
    rows: Sequence[Mapping[str, Any]], *, metrics: Sequence[str], subtitle: str = ""
) -> Figure:
    """The curves of one kind of ablation, tasks side by side."""
    kind = str(rows[0]["kind"])
    labels: dict[float, str] = (
        {NOTHING_FROZEN: "none"} if any(row["n_layers"] is None for row in rows) else {}
    )
    return probe_curves(
        ablation_panels(rows, metrics),
        title=TITLES[kind],
        subtitle=subtitle,
        x_title=X_TITLES[kind],
        columns=3,
        x_labels=labels,
    )
