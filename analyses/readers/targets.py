"""Targets of a label set as arrays, its labels as numbers of a vocabulary. Pure tables.

A target has a row for each of its labels; one without labels (where a target may have several) has one row
whose label is null. The vocabulary is the sorted union over all splits, with no extra symbol (Tenney et al.
2019).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import WorkError

Ints = npt.NDArray[np.int64]
SPAN_COLUMNS = ("span1_start", "span1_end", "span2_start", "span2_end")


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """S targets in the order of examples; a second span is there for all of them or for none."""

    example_S: Ints
    span1_S2: Ints
    """First word and word after the last."""
    span2_S2: Ints | None
    label_SK: npt.NDArray[np.bool_]
    """Which labels of the vocabulary each target has."""

    @property
    def n_targets(self) -> int:
        return len(self.example_S)


def vocabulary(tables: Iterable[pa.Table]) -> tuple[str, ...]:
    """The sorted labels of all splits of a task."""
    found: set[str] = set()
    for table in tables:
        found.update(label for label in table.column("label").unique().to_pylist() if label is not None)
    return tuple(sorted(found))


def unseen_labels(train: pa.Table, other: pa.Table) -> Mapping[str, int]:
    """Labels of another split that training has not, with how often they come, most frequent first."""
    seen = set(train.column("label").unique().to_pylist())
    counts = Counter(label for label in other.column("label").to_pylist() if label not in seen)
    counts.pop(None, None)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def targets_of(table: pa.Table, labels: tuple[str, ...]) -> Targets:
    """The targets of a label set (columns of SPAN_LABELS, by example and target), labels as in `labels`.

    A label that is not in `labels` is no column. Raises WorkError where only some have two spans.
    """
    example_R, target_R = (table.column(name).to_numpy().astype(np.int64) for name in ("example", "target"))
    new_R = np.ones(len(example_R), dtype=bool)
    new_R[1:] = (np.diff(example_R) != 0) | (np.diff(target_R) != 0)
    target_of_R = np.cumsum(new_R) - 1
    spans_R = [table.column(name).fill_null(-1).to_numpy().astype(np.int64)[new_R] for name in SPAN_COLUMNS]
    number = {label: index for index, label in enumerate(labels)}
    label_R = np.array([number.get(label, -1) for label in table.column("label").to_pylist()], dtype=np.int64)
    label_SK = np.zeros((int(new_R.sum()), len(labels)), dtype=bool)
    has_R = label_R >= 0
    label_SK[target_of_R[has_R], label_R[has_R]] = True
    has_two_S = spans_R[2] >= 0
    two = bool(has_two_S.any())
    if two and not has_two_S.all():
        at = int(np.argmin(has_two_S))
        raise WorkError(
            f"target {target_R[new_R][at]} of example {example_R[new_R][at]} has one span, others of the "
            "label set have two; the targets of a set are alike: make two sets"
        )
    return Targets(
        example_S=example_R[new_R],
        span1_S2=np.stack(spans_R[:2], axis=1),
        span2_S2=np.stack(spans_R[2:], axis=1) if two else None,
        label_SK=label_SK,
    )
