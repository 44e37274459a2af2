"""Replicates: checkpoints that differ by seed alone, and what their comparisons say together. Pure."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from analyses.statistics.multibootstrap import Spread, spread

_SEED = re.compile(r"[-_.]?(?:seed|s|rep|replicate)?[-_.]?\d+$")
SCHEMA = pa.schema(
    [("measure", pa.string()), ("corpus", pa.string()), ("checkpoints_a", pa.string()),
     ("checkpoints_b", pa.string()), ("layer_a", pa.int32()), ("layer_b", pa.int32()), ("seed", pa.int32()),
     ("n_replicates", pa.int32()), ("mean", pa.float64()), ("deviation", pa.float64()),
     ("low", pa.float64()), ("high", pa.float64())]
)  # fmt: skip
Key = tuple[Any, ...]


def replicate_labels(replicates: Mapping[str, int | None]) -> dict[str, str]:
    """What two or more replicates are called together: their name without the number at its end.

    Where another checkpoint has that name they are told apart from it. Checkpoints of one number, such as
    steps of one seed, are no replicates of one another.

    `replicates`: each checkpoint's number among its replicates, None where it is none.
    """
    stems = {name: _SEED.sub("", name) for name, number in replicates.items() if number is not None}
    numbers: dict[str, list[int | None]] = {}
    for name, stem in stems.items():
        numbers.setdefault(stem, []).append(replicates[name])
    return {
        name: f"{stem} (seeds)" if stem in replicates else stem
        for name, stem in stems.items()
        if stem and len(numbers[stem]) == len(set(numbers[stem])) > 1
    }


def replicate_rows(rows: pa.Table, labels: Mapping[str, str]) -> pa.Table:
    """A row for each comparison that replicates make alike: mean, deviation and interval over them.

    `rows`: those of parts, with `resampled`; without resamples low and high are null. Comparisons of
    replicates with one another stay as they are: they share checkpoints, so that they are no sample.
    """
    groups: dict[Key, list[dict[str, Any]]] = {}
    for row in rows.to_pylist():
        sides = [labels.get(row[side], row[side]) for side in ("checkpoint_a", "checkpoint_b")]
        if sides[0] != sides[1] and row["value"] is not None:
            key = (row["measure"], row["corpus"], *sides, row["layer_a"], row["layer_b"], row["seed"])
            groups.setdefault(key, []).append(row)
    return pa.Table.from_pylist(
        [_row(key, group) for key, group in groups.items() if len(group) > 1], schema=SCHEMA
    )


def _row(key: Key, group: list[dict[str, Any]]) -> dict[str, Any]:
    value_S = np.array([row["value"] for row in group])
    drawn = [row["resampled"] for row in group]
    sure = all(values is not None for values in drawn)
    value_SR = np.array(drawn, dtype=np.float64) if sure else value_S[:, None]
    found: Spread = spread(value_S, value_SR, seed=key[-1])
    return {
        **dict(zip(SCHEMA.names[: len(key)], key, strict=True)),
        "n_replicates": found.n_seeds,
        "mean": found.mean,
        "deviation": found.deviation,
        "low": found.low if sure else None,
        "high": found.high if sure else None,
    }
