"""Scores of structural probes: fixtures, SciPy's Spearman and spanning trees, counts of what is left out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.stats import spearmanr

from analyses.probes.structural.ranks import spearman
from analyses.probes.structural.scores import Score, ScoreRule, Scores, add_depths, add_distances
from analyses.probes.structural.spanning import spanning_trees
from analyses.probes.structural.trees import depths, distances

HEADS = np.array([1, 1, 4, 4, 1, 1])
ALL = np.ones(6, dtype=bool)
GAP = np.abs(np.arange(6)[:, None] - np.arange(6)[None]).astype(np.float32)
DEPTH_GUESS = np.array([1.5, 0.2, 1.9, 0.1, 1.0, 1.1], dtype=np.float32)


def distance_score(predicted: np.ndarray, *, keep: np.ndarray = ALL, **rule: object) -> Score:
    scores = Scores(1, ScoreRule(**rule))
    add_distances(scores, predicted[None], distances(HEADS), keep)
    return scores.finish("distance")[0]


def depth_score(predicted: np.ndarray, *, keep: np.ndarray = ALL) -> Score:
    scores = Scores(1, ScoreRule())
    add_depths(scores, predicted[None], depths(HEADS), keep, HEADS)
    return scores.finish("depth")[0]


def test_fixture_of_distances() -> None:
    score = distance_score(GAP)
    assert score.spearman == pytest.approx(0.5207422213, abs=1e-10)
    assert score.uuas == pytest.approx(0.4)
    assert (score.n_sentences, score.n_of_length, score.n_undefined, score.root_acc) == (1, 1, 0, None)


def test_fixture_of_distances_without_the_word_itself() -> None:
    assert distance_score(GAP, self_distances=False).spearman == pytest.approx(0.1196800334, abs=1e-10)


def test_fixture_of_depths() -> None:
    score = depth_score(DEPTH_GUESS)
    assert score.spearman == pytest.approx(0.1851640200, abs=1e-10)
    assert score.root_acc == 0
    assert depth_score(DEPTH_GUESS, keep=np.array([1, 1, 1, 0, 1, 1], dtype=bool)).root_acc == 1
    assert depth_score(DEPTH_GUESS, keep=np.array([1, 0, 1, 0, 1, 1], dtype=bool)).root_acc == 0


def test_a_sentence_of_punctuation_has_no_root_to_find() -> None:
    score = depth_score(DEPTH_GUESS, keep=np.zeros(6, dtype=bool))
    assert (score.root_acc, score.n_punctuation_only) == (None, 1)


def test_gold_distances_are_perfect() -> None:
    score = distance_score(distances(HEADS))
    assert (score.spearman, score.uuas) == (pytest.approx(1), 1)
    score = depth_score(depths(HEADS))
    assert (score.spearman, score.root_acc) == (pytest.approx(1), 1)


def test_the_gold_tree_is_made_anew_without_punctuation() -> None:
    """Words 3 and 4 hang from 5: without it each has one edge to the nearest word that is left."""
    keep = np.array([1, 1, 1, 1, 0, 1], dtype=bool)
    gold = spanning_trees(distances(HEADS)[np.ix_(keep, keep)][None])[0]
    assert gold.sum() == 2 * 4
    assert distance_score(distances(HEADS), keep=keep).uuas == 1


def test_spearman_is_averaged_by_length_and_then_over_lengths() -> None:
    scores = Scores(1, ScoreRule())
    for n_words, rho in ((5, 1.0), (5, 0.0), (6, 0.2), (4, -1.0), (51, -1.0)):
        scores.add_correlations(np.full((1, n_words), rho), n_words)
    score = scores.finish("distance")[0]
    assert score.spearman == pytest.approx((0.5 + 0.2) / 2)
    assert (score.n_sentences, score.n_of_length) == (5, 3)


def test_undefined_correlations_are_counted_or_make_the_score_undefined() -> None:
    flat = GAP.copy()
    flat[2] = 0
    score = distance_score(flat)
    rows = [spearmanr(flat[i], distances(HEADS)[i]).statistic for i in (0, 1, 3, 4, 5)]
    assert score.n_undefined == 1
    assert score.spearman == pytest.approx(np.mean(rows))
    assert distance_score(flat, undefined="nan").spearman is None
    assert distance_score(GAP, undefined="nan").spearman == distance_score(GAP).spearman


def test_probes_are_scored_apart() -> None:
    scores = Scores(2, ScoreRule())
    flat = np.zeros_like(GAP)
    add_distances(scores, np.stack([flat, GAP]), distances(HEADS), ALL)
    first, second = scores.finish("distance")
    assert (first.spearman, first.n_undefined) == (None, 6)
    assert second == distance_score(GAP)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), min_size=6, max_size=6), min_size=2, max_size=2))
@pytest.mark.filterwarnings("ignore:An input array is constant")
def test_spearman_is_scipys(rows: list[list[int]]) -> None:
    a, b = (np.array(row, dtype=np.float32) for row in rows)
    expected = spearmanr(a, b).statistic
    assert spearman(a, b) == pytest.approx(expected, nan_ok=True)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(0, 2**31))
def test_spanning_trees_weigh_what_scipys_weigh(n_words: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    distance = rng.integers(1, 5, (3, n_words, n_words)).astype(np.float32)
    distance = np.triu(distance, 1) + np.triu(distance, 1).transpose(0, 2, 1)
    found = spanning_trees(distance)
    for one, edges in zip(distance, found, strict=True):
        assert edges.sum() == 2 * (n_words - 1)
        assert np.array_equal(edges, edges.T)
        assert (one * edges).sum() / 2 == minimum_spanning_tree(csr_array(one)).sum()


@settings(deadline=None)
@given(st.integers(2, 9), st.integers(0, 2**31))
def test_spanning_trees_without_ties_are_scipys(n_words: int, seed: int) -> None:
    half = np.triu(np.random.default_rng(seed).random((n_words, n_words)) + 0.1, 1)
    mine = spanning_trees((half + half.T)[None])[0]
    theirs = minimum_spanning_tree(csr_array(half)).toarray() > 0
    assert np.array_equal(np.triu(mine), np.triu(theirs | theirs.T))


def test_of_equal_distances_the_earlier_pair_is_taken() -> None:
    """Kruskal over a stable order of pairs: all ties, so the pairs of the first word."""
    edges = spanning_trees(np.ones((1, 4, 4)))[0]
    assert edges[0].tolist() == [False, True, True, True]
