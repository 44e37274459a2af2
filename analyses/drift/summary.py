"""Means of a drift table by pair, corpus and layer: streamed, so that the table may be of any size."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from actstore.schema.tables import RESULTS

KEYS = ("corpus", "checkpoint_a", "checkpoint_b", "layer")
COLUMNS = (*KEYS, "cosine", "relative_l2")
"""Columns of the table `drift` that a summary reads."""
SUMMARY = pa.schema(
    [("corpus", pa.string()), ("checkpoint_a", pa.string()), ("checkpoint_b", pa.string()),
     ("layer", pa.int32()), ("n_tokens", pa.int64()), ("mean_cosine", pa.float64()),
     ("least_cosine", pa.float64()), ("mean_relative_l2", pa.float64())]
)  # fmt: skip


def as_curves(summary: pa.Table, name: str) -> pa.Table:
    """The mean cosines as rows of the table `similarity` (measure "drift"), to be drawn as layer curves."""
    rows = [
        {
            "name": name,
            "measure": "drift",
            **{key: row[key] for key in ("corpus", "checkpoint_a", "checkpoint_b", "n_tokens")},
            "layer_a": row["layer"],
            "layer_b": row["layer"],
            "value": row["mean_cosine"],
        }
        for row in summary.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=RESULTS["similarity"])


def summarise(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """One row (SUMMARY) a corpus, pair and layer, in the order in which they come."""
    sums: dict[tuple[str, str, str, int], list[float]] = {}
    for batch in batches:
        for row in _grouped(batch):
            key = (row["corpus"], row["checkpoint_a"], row["checkpoint_b"], row["layer"])
            found = sums.setdefault(key, [0, 0.0, 1.0, 0.0])
            found[0] += row["cosine_count"]
            found[1] += row["cosine_sum"]
            found[2] = min(found[2], row["cosine_min"])
            found[3] += row["relative_l2_sum"]
    rows = [
        dict(zip(SUMMARY.names, (*key, n, total / n, least, moved / n), strict=True))
        for key, (n, total, least, moved) in sums.items()
    ]
    return pa.Table.from_pylist(rows, schema=SUMMARY)


def _grouped(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    asked = [("cosine", "sum"), ("cosine", "count"), ("cosine", "min"), ("relative_l2", "sum")]
    grouped = pa.Table.from_batches([batch]).group_by(list(KEYS), use_threads=False).aggregate(asked)
    rows: list[dict[str, Any]] = grouped.to_pylist()
    return rows
