"""The jackknife's spread is the textbook's, its draws have that spread, and its interval covers."""

import itertools

import numpy as np
import pytest
from scipy.stats import bootstrap, t

from actstore.errors import RequestError
from analyses.similarity.cka import linear_cka
from analyses.similarity.rsa import rsa
from analyses.statistics.jackknife import example_edges, group_slices, jackknife_draws, widening
from analyses.statistics.resampling import percentile_interval
from tests.support.sums import moments


def left_out(value_T: np.ndarray, slices: list[slice]) -> np.ndarray:
    return np.array([np.delete(value_T, np.r_[group], axis=0).mean() for group in slices])


def test_the_spread_of_a_mean_is_that_of_its_groups():
    value_T = np.random.default_rng(0).standard_normal(200)
    slices = group_slices(np.arange(200))
    draws = jackknife_draws(value_T.mean(), left_out(value_T, slices), [10.0] * 20, 200_000, seed=0)
    by_groups = value_T.reshape(20, 10).mean(axis=1).std(ddof=1) / np.sqrt(20)
    assert draws.std() == pytest.approx(by_groups * widening(19), rel=0.01)
    assert draws.mean() == pytest.approx(value_T.mean(), abs=0.001)
    low, high = percentile_interval(draws)
    theirs = bootstrap((value_T,), np.mean, rng=np.random.default_rng(0)).confidence_interval
    assert high - low == pytest.approx(theirs.high - theirs.low, rel=0.25)


def test_groups_of_unequal_sizes_have_the_variance_of_busing():
    rng = np.random.default_rng(1)
    value_T = rng.standard_normal(150)
    edges = np.concatenate([[0], np.sort(rng.choice(np.arange(1, 150), 11, replace=False)), [150]])
    slices = [slice(a, b) for a, b in itertools.pairwise(edges)]
    size_G = np.diff(edges).astype(float)
    without_G = left_out(value_T, slices)
    h = 150 / size_G
    pseudo = h * value_T.mean() - (h - 1) * without_G
    centre = 12 * value_T.mean() - np.sum((1 - size_G / 150) * without_G)
    variance = np.mean((pseudo - centre) ** 2 / (h - 1))
    draws = jackknife_draws(value_T.mean(), without_G, size_G, 200_000, seed=0)
    assert draws.std() == pytest.approx(np.sqrt(variance) * widening(11), rel=0.05)


@pytest.mark.parametrize("degrees", [4, 9, 19])
def test_widening_is_students(degrees):
    assert widening(degrees) == pytest.approx(t.ppf(0.975, degrees) / t.ppf(0.975, 10**9), rel=3e-3)


def test_draws_are_shared():
    rng = np.random.default_rng(0)
    influence = rng.standard_normal(20)
    a, b = (jackknife_draws(value, value + influence / 100, [1.0] * 20, 50, seed=3) for value in (0.5, 0.7))
    np.testing.assert_allclose(b - a, 0.2, atol=1e-12)


def test_groups_hold_whole_examples_once():
    example_T = np.repeat(np.arange(40), np.random.default_rng(0).integers(1, 30, 40))
    slices = group_slices(example_T)
    assert slices[0].start == 0
    assert slices[-1].stop == len(example_T)
    assert [one.stop for one in slices[:-1]] == [one.start for one in slices[1:]]
    held = [set(example_T[one]) for one in slices]
    assert sum(map(len, held)) == 40
    assert len(group_slices(np.arange(7))) == 7
    with pytest.raises(RequestError, match=r"make 4 groups .* 5 or more"):
        group_slices(np.repeat(np.arange(4), 100))


def test_edges_move_to_the_next_example():
    example_T, row_T = np.array([3, 3, 5, 5, 5, 8]), np.array([10, 11, 14, 15, 16, 30])
    assert example_edges(example_T, row_T, [0, 10, 11, 14, 15, 17, 30, 31, 99]).tolist() == [
        0, 0, 2, 2, 5, 5, 5, 6, 6,
    ]  # fmt: skip


def drawn_pair(rng: np.random.Generator, n_examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Five tokens an example, which share most of what they are: fewer independent tokens than there are."""
    topic = np.repeat(rng.standard_normal((n_examples, 4)), 5, axis=0)
    x = topic + 0.5 * rng.standard_normal((5 * n_examples, 4)) + 0.5
    return x, x + np.repeat(0.6 * rng.standard_normal((n_examples, 4)), 5, axis=0)


@pytest.mark.parametrize("measure", [rsa, lambda x, y: linear_cka(moments(x, y))], ids=["rsa", "cka"])
def test_the_interval_covers_the_value_of_the_population(measure):
    truth = measure(*drawn_pair(np.random.default_rng(0), 40_000))
    covered = naive = 0
    for seed in range(1, 101):
        x, y = drawn_pair(np.random.default_rng(seed), 200)
        for example_T, by_example in ((np.repeat(np.arange(200), 5), True), (np.arange(1000), False)):
            order = np.arange(1000) if by_example else np.random.default_rng(seed).permutation(1000)
            slices = group_slices(example_T)
            without_G = np.array(
                [measure(*(np.delete(v[order], np.r_[one], axis=0) for v in (x, y))) for one in slices]
            )
            sizes = [one.stop - one.start for one in slices]
            low, high = percentile_interval(jackknife_draws(measure(x, y), without_G, sizes, 500, seed))
            covered += by_example and low <= truth <= high
            naive += not by_example and low <= truth <= high
    assert 90 <= covered <= 99
    assert naive < covered - 10
