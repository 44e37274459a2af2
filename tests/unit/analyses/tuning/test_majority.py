"""Majority baselines on corpora small enough to be counted by hand."""

import pyarrow as pa
import pytest

from analyses.tuning.majority import commonest, majority_answer, majority_arc, majority_label


def labels(*values: str | None) -> pa.Table:
    return pa.table({"example": list(range(len(values))), "label": pa.array(values, pa.string())})


def trees(*words: tuple[int, int, int, str, str]) -> pa.Table:
    """example, word, head (itself: the root), relation, form."""
    names = ("example", "word", "head", "deprel", "text")
    return pa.table({name: [word[i] for word in words] for i, name in enumerate(names)})


def test_equally_common_values_are_told_apart() -> None:
    assert commonest(["b", "a", "b", "a"]) == "a"
    assert commonest([3, -1, 3]) == 3


def test_the_commonest_label_of_the_training_corpus() -> None:
    train, test = (
        labels("neutral", None, "neutral", "entailment"),
        labels("neutral", "entailment", None, "neutral"),
    )
    assert majority_label(train, test) == {"accuracy": pytest.approx(2 / 3)}


def test_the_commonest_answer_suits_any_gold_answer() -> None:
    train = labels("Paris", "the Paris", "Paris")
    test = pa.table({"example": [0, 0, 1], "label": ["Rome", "Paris!", "in Paris"]})
    # exact: the first question by its second answer; F1 of the second: precision 1, recall 1/2
    assert majority_answer(train, test) == {"exact_match": 50.0, "f1": pytest.approx(100 * (1 + 2 / 3) / 2)}


def test_the_commonest_arc() -> None:
    train = trees((0, 0, 1, "det", "a"), (0, 1, 2, "det", "b"), (0, 2, 2, "root", "c"))
    test = trees(
        (0, 0, 1, "det", "a"), (0, 1, 1, "root", "b"), (0, 2, 1, "obj", "c"), (0, 3, 4, "nsubj", "d"),
        (0, 4, 1, "punct", "."),
    )  # fmt: skip
    found = majority_arc(train, test)  # every word under the next one, as det
    assert (found["uas"], found["las"]) == (40.0, 20.0)
    assert (found["uas_no_punct"], found["las_no_punct"]) == (50.0, 25.0)
