"""Scores of edge probes by the fixtures of the methods and by scikit-learn; the climb; templates."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from analyses.probes.edge.climb import Climb
from analyses.probes.edge.rule import EdgeTraining
from analyses.probes.edge.scores import f1, macro_f1, score
from analyses.probes.edge.tally import Tally, clean_labels

LOGITS = np.array([[2, -1, -3], [-0.5, 0.1, -2], [0.3, 0.2, -1], [-1, -2, -0.1]], dtype=np.float32)
GOLD = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]], dtype=bool)


def tally(logits: np.ndarray, gold: np.ndarray, clean: np.ndarray, n_sentences: int = 2) -> Tally:
    found = Tally.empty(n_sentences, clean, keeps=True)
    sentence = np.arange(len(gold)) * n_sentences // len(gold)
    # the second half first, as streamed pools may have it
    for part in (np.arange(len(gold) // 2, len(gold)), np.arange(len(gold) // 2)):
        found.add(logits[part], gold[part], sentence[part], part)
    return found


def test_counts_of_the_fixture() -> None:
    """Methods 3.9: TP 3, FP 1, FN 2."""
    found = tally(LOGITS, GOLD, np.array([True, True, True]))
    assert found.all_S3.sum(axis=0).tolist() == [3, 1, 2]
    assert found.label_K3.sum(axis=0).tolist() == [3, 1, 2]
    result = score(found.all_S3)
    assert (result.precision, result.recall) == (0.75, 0.6)
    assert result.f1 == pytest.approx(f1_score(GOLD, LOGITS >= 0, average="micro")) == pytest.approx(2 / 3)
    assert macro_f1(found.label_K3) == pytest.approx(0.4889, abs=5e-5)
    assert macro_f1(found.label_K3) == pytest.approx(
        f1_score(GOLD, LOGITS >= 0, average="macro", zero_division=0)
    )
    assert np.array_equal(found.all_logits(), LOGITS.astype(np.float16))


def test_scores_over_some_labels_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    logits, gold = rng.normal(size=(200, 5)).astype(np.float32), rng.random((200, 5)) < 0.3
    clean = np.array([True, False, True, True, False])
    result = score(tally(logits, gold, clean, 20).clean_S3)
    chosen, said = gold[:, clean], (logits >= 0)[:, clean]
    assert result.f1 == pytest.approx(f1_score(chosen, said, average="micro"))
    assert result.precision == pytest.approx(precision_score(chosen, said, average="micro"))
    assert result.recall == pytest.approx(recall_score(chosen, said, average="micro"))
    assert result.low is not None
    assert result.high is not None
    assert result.low < result.f1 < result.high


def test_accuracy_is_the_score_where_exactly_one_label_fires() -> None:
    """Methods 3.9: 90 % right; over all labels and over label 1 alone the scores differ."""
    rng = np.random.default_rng(0)
    gold = (rng.random(1000) < 0.25).astype(int)
    said = np.where(rng.random(1000) < 0.12, 1 - gold, gold)
    found = tally(
        np.eye(2, dtype=np.float32)[said] - 0.5, np.eye(2, dtype=bool)[gold], np.array([False, True])
    )
    assert score(found.all_S3).f1 == pytest.approx((gold == said).mean())
    assert score(found.clean_S3).f1 == pytest.approx(f1_score(gold, said))
    assert score(found.all_S3).f1 - score(found.clean_S3).f1 > 0.05
    assert np.array_equal(found.confusion_KK, confusion_matrix(gold, said))


def test_confusion_is_of_targets_with_one_label() -> None:
    found = tally(LOGITS, GOLD, np.array([True, True, True]))
    assert found.confusion_KK.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("labels", "clean"),
    [
        (("0", "1"), ("1",)),
        (("ARG0", "ARGA", "ARGM", "ARGM-TMP", "C-ARG1", "R-ARG0", "V"), ("ARG0", "ARGA", "ARGM", "ARGM-TMP")),
        (("Cause-Effect(e1,e2)", "Other", "_x"), ("Cause-Effect(e1,e2)",)),
        (("1", "2"), ("1", "2")),
        (("ADJ", "NOUN"), ("ADJ", "NOUN")),
    ],
)
def test_clean_labels(labels: tuple[str, ...], clean: tuple[str, ...]) -> None:
    assert tuple(label for label, kept in zip(labels, clean_labels(labels), strict=True) if kept) == clean


def test_half_width_is_that_of_the_reference() -> None:
    """1.96 sqrt(p (1 - p) / n) of precision (n = 400) and recall (n = 375), harmonic mean."""
    result = score(np.array([[300, 100, 75]]))
    half_p, half_r = 1.96 * np.sqrt(0.75 * 0.25 / 400), 1.96 * np.sqrt(0.8 * 0.2 / 375)
    assert result.half_width == pytest.approx(2 * half_p * half_r / (half_p + half_r))
    assert result.low is None


def test_the_interval_widens_with_the_spread_of_sentences() -> None:
    even = score(np.tile([8, 2, 2], (50, 1)))
    assert even.low == even.high == pytest.approx(0.8)
    uneven = score(np.concatenate([np.tile([16, 0, 0], (25, 1)), np.tile([0, 4, 4], (25, 1))]))
    assert uneven.f1 == pytest.approx(even.f1)
    assert uneven.high - uneven.low > 0.1


def test_nothing_to_find_and_nothing_found_is_zero() -> None:
    assert f1(np.zeros((2, 3), dtype=np.int64)).tolist() == [0, 0]


def test_the_climb_follows_the_rule() -> None:
    """The rate halves at the sixth look without a gain of 1e-4; the end is the 21st without a new best."""
    rule = EdgeTraining()
    climb = Climb(rule=rule, learning_rate=1e-4).after(0.5)
    rates = []
    while not climb.is_over:
        climb = climb.after(0.5)
        rates.append(climb.learning_rate)
    assert len(rates) == 21
    assert [rates.index(1e-4 / factor) for factor in (2, 4, 8)] == [5, 11, 17]
    assert climb.best_at == 0
    small = Climb(rule=rule, learning_rate=1e-4).after(0.5).after(0.50005)
    assert small.is_best
    assert small.n_bad == 1
    assert not small.after(float("nan")).is_best


def test_the_end_by_rate_and_templates() -> None:
    assert Climb(rule=EdgeTraining(), learning_rate=0.9e-6).after(1.0).is_over
    large, small = EdgeTraining().of(12_522), EdgeTraining().of(3_843)
    assert (large.steps, large.every, small.steps, small.every) == (250_000, 1000, 10_000, 100)
    cut = EdgeTraining(max_steps=3000).of(12_522)
    assert (cut.steps, cut.every) == (3000, 300)
