"""The multibootstrap agrees with its authors' on their kind of data, and covers what it should."""

import numpy as np
import pytest

from actstore.errors import RequestError
from analyses.statistics.multibootstrap import multibootstrap, share_not_above, spread
from analyses.statistics.resampling import example_weights, percentile_interval


def right_answers() -> np.ndarray:
    """[condition, seed, example]: five seeds, 80 % right, and 85 % after an intervention."""
    rs = np.random.RandomState(0)
    labels = rs.randint(0, 2, 200)
    right = np.zeros((2, 5, 200))
    for seed in range(5):
        for condition, rate in enumerate((0.80, 0.85)):
            correct = rs.rand(200) < rate
            predicted = np.where(correct, labels, 1 - labels)
            right[condition, seed] = predicted == labels
    return right


def test_the_reference_run():
    right = right_answers()
    assert right.mean(axis=(1, 2)) == pytest.approx([0.782, 0.837], abs=1e-12)
    weight_TR = example_weights(np.arange(200), 1000, seed=0)
    scores = right @ weight_TR / 200.0
    delta_R = multibootstrap(scores[1] - scores[0])
    assert percentile_interval(delta_R) == pytest.approx((0.0040, 0.106), abs=0.01)
    assert share_not_above(delta_R) == pytest.approx(0.021, abs=0.01)


def test_values_of_one_seed_are_their_own_resamples():
    value_1R = np.random.default_rng(0).standard_normal((1, 50))
    np.testing.assert_array_equal(multibootstrap(value_1R), value_1R[0])
    found = spread(np.array([0.3]), value_1R)
    assert (found.mean, found.deviation, found.n_seeds) == (0.3, 0.0, 1)


def test_is_wider_than_examples_or_seeds_alone():
    rng = np.random.default_rng(0)
    of_seed, of_examples = rng.standard_normal(8), rng.standard_normal(4000)
    both = multibootstrap(of_seed[:, None] + of_examples[None, :]).std()
    seeds = multibootstrap(np.repeat(of_seed[:, None], 4000, axis=1)).std()
    assert seeds == pytest.approx(of_seed.std() / np.sqrt(8), rel=0.05)
    assert both == pytest.approx(np.sqrt(seeds**2 + of_examples.var()), rel=0.05)


def test_the_interval_lies_around_the_mean():
    value_S = np.array([0.8, 0.82, 0.84])
    drawn = value_S[:, None] + 0.1 + 0.01 * np.random.default_rng(0).standard_normal((3, 2000))
    found = spread(value_S, drawn)
    assert found.low < found.mean < found.high
    assert found.mean == pytest.approx(0.82)
    assert found.deviation == pytest.approx(0.02)
    assert (found.low + found.high) / 2 == pytest.approx(0.82, abs=0.005)


def test_covers_the_mean_of_all_seeds_and_examples():
    covered = 0
    for run in range(200):
        rng = np.random.default_rng(run)
        of_seed, of_example = 0.1 * rng.standard_normal(10), rng.standard_normal(100)
        weight_TR = example_weights(np.arange(100), 200, seed=run)
        value_SR = of_seed[:, None] + (of_example @ weight_TR / 100.0)[None, :]
        found = spread(of_seed + of_example.mean(), value_SR, seed=run)
        covered += found.low <= 0.0 <= found.high
    assert 175 <= covered <= 199


def test_the_share_has_a_floor():
    assert share_not_above(np.ones(500)) == 1 / 500
    with pytest.raises(RequestError, match="0 seeds"):
        multibootstrap(np.zeros((0, 10)))
