"""What a word-probing result shows: accuracy, selectivity and usable information, layer by layer."""

from typing import Any

import pyarrow as pa

from actstore.schema.tables import RESULTS
from analyses.figures.probe_curves import Panel, probe_curves
from analyses.report import layer_tables
from jobs.probing import Shown

METRICS = {
    "accuracy": "Accuracy",
    "control_accuracy": "Accuracy on the control task",
    "selectivity": "Selectivity",
    "i_v_bits": "Usable information (bits)",
    "i_given_bits": "Usable information beyond the given layer (bits)",
}
"""What is drawn where it was measured, and how it is called."""


def shown_of(name: str, probes: pa.Table) -> Shown:
    """Tables and figures of a result; `probes`: rows of PROBES."""
    rows = probes.to_pylist()
    panels = [
        panel for metric, title in METRICS.items() if (panel := _panel(rows, metric, title)) is not None
    ]
    task, n_words = rows[0]["task"], rows[0]["n_words"]
    figure = probe_curves(
        panels,
        title=f"Word probes: {task}, layer by layer",
        subtitle=f"test set, {n_words:,} words; the most frequent label alone has {rows[0]['majority']:.3f}",
    )
    texts = layer_tables([(panel.title, panel.points) for panel in panels], f"{task}, {n_words:,} words")
    return Shown(
        table=probes.select(RESULTS["word_probe"].names), texts=tuple(texts), figures=figure.files(name)
    )


def _panel(rows: list[dict[str, Any]], metric: str, title: str) -> Panel | None:
    """A line for each checkpoint and kind."""
    several = len({row["kind"] for row in rows}) > 1
    points = tuple(
        {
            "line": f"{row['checkpoint']} ({row['kind']})" if several else row["checkpoint"],
            "x": row["layer"],
            "value": row[metric],
        }
        for row in rows
        if row[metric] is not None
    )
    return Panel(title=title, points=points) if points else None
