"""What an edge-probing result shows: the table of tasks, curves over layers, mixes, confusion of labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from actstore.schema.tables import RESULTS
from analyses.figures.confusion import confusion_map
from analyses.figures.probe_curves import Panel, probe_curves
from analyses.figures.score_cells import Column, grid_cells, text_cells
from analyses.figures.score_grid import score_grid
from analyses.probes.edge.rows import expected_layer
from analyses.report import TextTable, layer_tables
from jobs.probing import Shown

Row = dict[str, Any]
LAYERED = ("each-layer", "cumulative")
METRICS = {"micro_f1_all": "micro-F1", "micro_f1_clean": "micro-F1, clean labels"}
ONE_LABEL = 0.95
"""Labels are confused where at least so many targets have exactly one."""


def shown_of(name: str, probes: pa.Table, *, groups: Mapping[str, str] | None = None) -> Shown:
    """Tables and figures of a result; `probes`: rows of PROBES.

    `groups`: what checkpoints that differ by seed alone are called together: one column, one colour.
    """
    groups = groups or {}
    rows = [row for row in probes.to_pylist() if row["split"] == "test"]
    whole = [row for row in rows if row["mode"] not in LAYERED]
    layered = [row for row in rows if row["mode"] in LAYERED]
    figures: dict[str, bytes] = {}
    texts: list[TextTable] = []
    if whole:
        columns, single = _columns(whole, groups), _columns(whole, {})
        if columns != single:
            texts += _scores(whole, columns, ": replicates together, mean ± deviation")
        texts += _scores(whole, single)
        cells = grid_cells(whole, columns, "micro_f1_all")
        about = f"{columns[0].title} in percent; the others as points they gain or lose; * beyond the seeds"
        figures |= score_grid(cells, title="Edge probes: micro-F1", subtitle=about).files(name)
    if layered:
        panels = _panels(layered)
        figures |= probe_curves(
            panels, title="Edge probes, layer by layer", subtitle="micro-F1 on the test set", groups=groups
        ).files(f"{name}-layers")
        texts += layer_tables([(panel.title, panel.points) for panel in panels], "micro-F1, test set")
        texts += _expected(layered)
    texts += _mixes(whole)
    if any(row["mode"] == "mix" for row in whole):
        figures |= _weights(whole, groups).files(f"{name}-mix")
    figures |= _confusions(name, whole or rows)
    return Shown(table=probes.select(RESULTS["edge_probe"].names), texts=tuple(texts), figures=figures)


def _scores(rows: Sequence[Row], columns: Sequence[Column], about: str = "") -> list[TextTable]:
    headers = ("task", "targets", *(column.title for column in columns))
    return [
        TextTable(
            title=f"{title}, test set{about}", headers=headers, rows=tuple(text_cells(rows, columns, metric))
        )
        for metric, title in METRICS.items()
    ]


def _columns(rows: Sequence[Row], groups: Mapping[str, str]) -> list[Column]:
    """Checkpoints or groups of them by mode, in order; the others are compared with the first."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        called = groups.get(row["checkpoint"], row["checkpoint"])
        found.setdefault((called, row["mode"]), {})[row["checkpoint"]] = None
    several = len({mode for _, mode in found}) > 1
    return [
        Column(
            title=(called if len(there) == 1 else f"{called} ({len(there)})")
            + (f" ({mode})" if several else ""),
            checkpoints=tuple(there),
            mode=mode,
        )
        for (called, mode), there in found.items()
    ]


def _panels(rows: Sequence[Row]) -> list[Panel]:
    several = len({row["mode"] for row in rows}) > 1
    return [
        Panel(
            title=task,
            points=tuple(
                {
                    "line": f"{row['checkpoint']} ({row['mode']})" if several else row["checkpoint"],
                    "x": row["layer"],
                    "value": row["micro_f1_all"],
                }
                for row in rows
                if row["task"] == task
            ),
        )
        for task in dict.fromkeys(row["task"] for row in rows)
    ]


def _expected(rows: Sequence[Row]) -> list[TextTable]:
    """The expected layer of each task, of cumulative mixes."""
    scores: dict[tuple[str, str, int], dict[int, float]] = {}
    for row in rows:
        if row["mode"] == "cumulative":
            key = (row["task"], row["checkpoint"], row["seed"])
            scores.setdefault(key, {})[row["layer"]] = row["micro_f1_all"]
    if not scores:
        return []
    lines = []
    for key, by_layer in scores.items():
        found = expected_layer(by_layer)
        lines.append((*map(str, key), "none" if found is None else f"{found:.2f}"))
    headers = ("task", "checkpoint", "seed", "expected layer")
    return [TextTable(title="expected layer (of cumulative mixes)", headers=headers, rows=tuple(lines))]


def _mixes(rows: Sequence[Row]) -> list[TextTable]:
    lines = tuple(
        (
            row["task"], row["checkpoint"], str(row["seed"]), f"{row['centre_of_gravity']:.2f}",
            f"{row['kl_bits']:.3f}", f"{row['gamma']:.3f}",
            " ".join(f"{share:.3f}" for share in row["mix_weights"]),
            " ".join(f"{norm:.1f}" for norm in row["layer_norms"]),
        )
        for row in rows
        if row["mode"] == "mix"
    )  # fmt: skip
    headers = ("task", "checkpoint", "seed", "centre of gravity", "bits from uniform", "gamma",
               "weights by layer", "norms by layer")  # fmt: skip
    return [TextTable(title="mixes of layers", headers=headers, rows=lines)] if lines else []


def _weights(rows: Sequence[Row], groups: Mapping[str, str]) -> Any:
    mixes = [row for row in rows if row["mode"] == "mix"]
    panels = [
        Panel(
            title=f"{task}: weight",
            points=tuple(
                {"line": row["checkpoint"], "x": layer, "value": share}
                for row in mixes
                if row["task"] == task
                for layer, share in zip(row["mix_layers"], row["mix_weights"], strict=True)
            ),
        )
        for task in dict.fromkeys(row["task"] for row in mixes)
    ]
    return probe_curves(
        panels,
        title="Which layers the mixes take",
        subtitle="weights add up to 1; norms of layers differ",
        groups=groups,
    )


def _confusions(name: str, rows: Sequence[Row]) -> dict[str, bytes]:
    """A map for each task, of the first checkpoint and mode, all seeds together."""
    files: dict[str, bytes] = {}
    for task in dict.fromkeys(row["task"] for row in rows):
        mine = [row for row in rows if row["task"] == task]
        same = [
            row for row in mine if all(row[key] == mine[0][key] for key in ("checkpoint", "mode", "layer"))
        ]
        labels = same[0]["labels"]
        count_KK = sum(np.array(row["confusion"]).reshape(len(labels), -1) for row in same)
        if np.sum(count_KK) < ONE_LABEL * sum(row["n_targets"] for row in same):
            continue
        about = f"{same[0]['checkpoint']}, {same[0]['mode']}, test set; percent of each label"
        drawn = confusion_map(
            np.asarray(count_KK), labels, title=f"What {task} labels are taken for", subtitle=about
        )
        files |= drawn.files(f"{name}-confusion-{task}")
    return files
