"""Targets of a label set as arrays: several labels, none, one span or two, labels that training has not."""

import pyarrow as pa
import pytest

from actstore.errors import WorkError
from actstore.schema.text import SPAN_LABELS
from analyses.readers.targets import targets_of, unseen_labels, vocabulary


def table(*rows: tuple[int, int, tuple[int, int], tuple[int, int] | None, str | None]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"example": example, "target": target, "span1_start": one[0], "span1_end": one[1],
             "span2_start": two and two[0], "span2_end": two and two[1], "label": label}
            for example, target, one, two, label in rows
        ],
        schema=SPAN_LABELS,
    )  # fmt: skip


SPR = table(
    (0, 0, (1, 2), (2, 5), "volition"),
    (0, 0, (1, 2), (2, 5), "awareness"),
    (0, 1, (1, 2), (0, 1), None),
    (4, 0, (3, 4), (0, 1), "volition"),
)


def test_a_target_has_all_of_its_labels() -> None:
    found = targets_of(SPR, vocabulary([SPR]))
    assert vocabulary([SPR]) == ("awareness", "volition")
    assert found.example_S.tolist() == [0, 0, 4]
    assert found.span1_S2.tolist() == [[1, 2], [1, 2], [3, 4]]
    assert found.span2_S2 is not None
    assert found.span2_S2.tolist() == [[2, 5], [0, 1], [0, 1]]
    assert found.label_SK.tolist() == [[True, True], [False, False], [False, True]]


def test_one_span_and_no_targets() -> None:
    tags = table((0, 0, (0, 1), None, "DT"), (0, 1, (1, 2), None, "NN"))
    assert targets_of(tags, ("DT", "NN")).span2_S2 is None
    assert targets_of(tags.slice(0, 0), ("DT",)).n_targets == 0


def test_targets_of_one_span_and_of_two_are_no_set() -> None:
    mixed = table((0, 0, (0, 1), (1, 2), "A"), (2, 1, (0, 1), None, "A"))
    with pytest.raises(WorkError, match="target 1 of example 2 has one span, others"):
        targets_of(mixed, ("A",))


def test_labels_that_training_has_not_are_counted_and_are_no_column() -> None:
    train, dev = (
        table((0, 0, (0, 1), None, "A")),
        table(*[(i, 0, (0, 1), None, x) for i, x in enumerate("BCBA")]),
    )
    assert unseen_labels(train, dev) == {"B": 2, "C": 1}
    assert vocabulary([train, dev]) == ("A", "B", "C")
    assert targets_of(dev, ("A",)).label_SK.tolist() == [[False], [False], [False], [True]]
