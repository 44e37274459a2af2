"""Resampled RSA equals its definition; its interval covers what it should."""

import array_api_strict
import numpy as np
import pytest

from actstore.errors import RequestError, WorkError
from analyses.similarity.bootstrap import resampled_rsa
from analyses.similarity.rsa import rsa
from analyses.statistics.resampling import example_weights, percentile_interval


def pair(n: int = 90, mean: float = 2.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6)) + mean
    y = x @ rng.standard_normal((6, 5)) + rng.standard_normal((n, 5))
    return x.astype(np.float32), y.astype(np.float32)


def by_definition(x: np.ndarray, y: np.ndarray, weight_T: np.ndarray) -> float:
    """Copy each token as often as it was drawn; leave out pairs of copies of one token; correlate."""
    index = np.repeat(np.arange(len(x)), weight_T.astype(int))
    u, v = (value / np.linalg.norm(value, axis=1, keepdims=True) for value in (x[index], y[index]))
    i, j = np.triu_indices(len(index), 1)
    keep = index[i] != index[j]
    a, b = (u @ u.T)[i, j][keep], (v @ v.T)[i, j][keep]
    return float(np.corrcoef(a, b)[0, 1])


@pytest.mark.parametrize("mean", [0.0, 2.0, 30.0])
@pytest.mark.parametrize("rows_per_tile", [1000, 90, 32])
def test_is_its_definition(mean, rows_per_tile):
    x, y = pair(mean=mean)
    weight_TR = example_weights(np.arange(90) // 3, 8, seed=1)
    got = resampled_rsa(x, y, weight_TR, rows_per_tile=rows_per_tile)
    expected = [by_definition(x.astype(float), y.astype(float), weight) for weight in weight_TR.T]
    np.testing.assert_allclose(got, expected, atol=2e-5)


def test_weights_of_one_give_rsa_itself():
    x, y = pair()
    got = resampled_rsa(x, y, np.ones((90, 2), np.float32), rows_per_tile=40)
    np.testing.assert_allclose(got, rsa(x, y), atol=1e-6)


def test_strict_arrays_on_another_device():
    x, y = pair()
    weight_TR = example_weights(np.arange(90) // 3, 4, seed=1)
    there = [array_api_strict.asarray(v, device=array_api_strict.Device("device1")) for v in (x, y)]
    got = resampled_rsa(*there, weight_TR, rows_per_tile=40)
    np.testing.assert_allclose(got, resampled_rsa(x, y, weight_TR), atol=1e-5)


def test_whole_examples_are_drawn():
    example_T = np.array([7, 7, 7, 9, 9, 12, 40, 40])
    weight_TR = example_weights(example_T, 500, seed=0)
    for example in np.unique(example_T):
        mine = weight_TR[example_T == example]
        assert (mine == mine[0]).all()
        assert mine[0].mean() == pytest.approx(1.0, abs=0.15)
    first = [0, 3, 5, 6]
    assert (weight_TR[first].sum(axis=0) == 4).all()
    np.testing.assert_array_equal(weight_TR, example_weights(example_T, 500, seed=0))


def test_the_interval_covers_the_value_of_the_population():
    value = rsa(*pair(4000, seed=5))
    covered = 0
    for seed in range(40):
        x, y = pair(4000, seed=5)
        rows = np.random.default_rng(seed).choice(4000, 150, replace=False)
        weight_TR = example_weights(np.arange(150), 200, seed=seed)
        low, high = percentile_interval(resampled_rsa(x[rows], y[rows], weight_TR))
        covered += low <= value <= high
    assert 33 <= covered <= 40


def test_one_example_has_no_interval():
    with pytest.raises(RequestError, match="2 or more"):
        example_weights(np.zeros(10, np.int64), 5, seed=0)


def test_constant_rows_are_refused():
    x, _ = pair()
    with pytest.raises(WorkError, match="resample"):
        resampled_rsa(x, np.ones_like(x), np.ones((90, 2), np.float32))


def test_percentiles():
    assert percentile_interval(np.arange(1001.0)) == pytest.approx((25.0, 975.0))
    assert percentile_interval(np.arange(1001.0), level=0.5) == pytest.approx((250.0, 750.0))
