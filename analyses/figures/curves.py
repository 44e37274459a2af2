"""Points of layer curves: the table `similarity` grouped into lines, replicates and samples into bands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import pyarrow as pa

from actstore.errors import RequestError

NO_BAND, INTERVAL, DEVIATION = "none", "interval", "deviation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Points to draw, in the order of the table."""

    points: tuple[dict[str, Any], ...]
    """line, corpus, layer, other (the other checkpoint's), value, low, high, n_tokens, n_values."""
    lines: tuple[str, ...]
    corpora: tuple[str, ...]
    reference: str | None
    """The checkpoint that all are compared with, None where there are several."""
    band: str
    """What low and high are: nothing, an interval of resamples, or mean +- deviation."""
    n_tokens: tuple[int, int]
    """Fewest and most tokens of a value."""

    @property
    def matched(self) -> bool:
        """Whether each layer stands beside the same layer of the other checkpoint."""
        return all(point["layer"] == point["other"] for point in self.points)


def curves(table: pa.Table, measure: str, labels: Mapping[str, str] | None = None) -> Curves:
    """Group the rows of a measure that `curve_rows` keeps; a point stands at the first checkpoint's layer.

    `labels`: what a checkpoint or corpus is called; checkpoints of one label (replicates) are one line, their
    mean. Raises RequestError where no row is left.
    """
    labels = labels or {}
    mine = [row for row in table.to_pylist() if row["measure"] == measure and row["value"] is not None]
    rows = curve_rows(mine)
    if not rows:
        raise RequestError(f"no row of measure {measure!r} compares equal layers; draw another measure")
    references = {labels.get(row["checkpoint_a"], row["checkpoint_a"]) for row in rows}
    reference = references.pop() if len(references) == 1 else None
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for row in rows:
        corpus = labels.get(row["corpus"], row["corpus"])
        groups.setdefault((_line(row, reference, labels), corpus, row["layer_a"]), []).append(row)
    band = _band(groups)
    points = tuple(_point(key, group, band) for key, group in groups.items())
    return Curves(
        points=points,
        lines=tuple(dict.fromkeys(point["line"] for point in points)),
        corpora=tuple(dict.fromkeys(point["corpus"] for point in points)),
        reference=reference,
        band=band,
        n_tokens=(min(row["n_tokens"] for row in rows), max(row["n_tokens"] for row in rows)),
    )


def curve_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that a curve can be drawn of: of a pair and corpus where each layer is compared with one other
    (`layers = "relative"`) all, else those of equal layers."""
    layers: dict[tuple[str, str, str], set[tuple[int, int]]] = {}
    for row in rows:
        layers.setdefault(_group(row), set()).add((row["layer_a"], row["layer_b"]))
    single = {
        group
        for group, pairs in layers.items()
        if len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    }
    return [row for row in rows if row["layer_a"] == row["layer_b"] or _group(row) in single]


def _group(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["checkpoint_a"], row["checkpoint_b"], row["corpus"]


def _line(row: dict[str, Any], reference: str | None, labels: Mapping[str, str]) -> str:
    name: str = labels.get(row["checkpoint_b"], row["checkpoint_b"])
    if reference is not None:
        return name
    return f"{labels.get(row['checkpoint_a'], row['checkpoint_a'])} – {name}"  # noqa: RUF001  a dash joins a pair


def _band(groups: Mapping[Any, list[dict[str, Any]]]) -> str:
    if any(len(group) > 1 for group in groups.values()):
        return DEVIATION
    has_interval = any(row["low"] is not None for group in groups.values() for row in group)
    return INTERVAL if has_interval else NO_BAND


def _point(key: tuple[str, str, int], group: list[dict[str, Any]], band: str) -> dict[str, Any]:
    values = [row["value"] for row in group]
    mean = fmean(values)
    low, high = group[0]["low"], group[0]["high"]
    if band == DEVIATION:
        deviation = stdev(values) if len(values) > 1 else 0.0
        low, high = mean - deviation, mean + deviation
    line, corpus, layer = key
    return {
        "line": line,
        "corpus": corpus,
        "layer": layer,
        "other": group[0]["layer_b"],
        "value": mean,
        "low": low,
        "high": high,
        "n_tokens": min(row["n_tokens"] for row in group),
        "n_values": len(values),
    }
