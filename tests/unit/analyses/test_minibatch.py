"""Minibatch CKA is its definition over its batches, and debiased CKA where there is one."""

import array_api_strict
import numpy as np
import pytest

from actstore.errors import RequestError, WorkError
from analyses.similarity.minibatch import minibatch_cka
from analyses.statistics.held import HeldRows
from tests.support import oracles


def noisy_pair(n: int = 50) -> tuple[np.ndarray, np.ndarray]:
    rs = np.random.RandomState(0)
    x, mix, noise = rs.randn(n, 8), rs.randn(8, 6), rs.randn(n, 6)
    return x, x @ mix + 0.5 * noise


def held(x: np.ndarray, y: np.ndarray) -> HeldRows:
    return HeldRows(x_TD=x, y_TE=y)


def test_one_batch_is_the_debiased_fixture():
    assert minibatch_cka(held(*noisy_pair())) == pytest.approx(0.7172035587, abs=5e-11)


@pytest.mark.parametrize("mean", [0.0, 30.0])
def test_batches_hold_each_row_once_and_their_estimates_are_averaged(mean):
    x, y = (value + mean for value in noisy_pair(103))
    batches = np.array_split(np.random.default_rng(0).permutation(103), 5)
    sums = np.zeros(3)
    for batch in batches:
        k, m = (value[batch] @ value[batch].T for value in (x, y))
        sums += [oracles.hsic_unbiased(*pair) for pair in ((k, m), (k, k), (m, m))]
    expected = sums[0] / np.sqrt(sums[1] * sums[2])
    assert minibatch_cka(held(x, y), rows_per_batch=20) == pytest.approx(expected, abs=1e-8)


def test_independent_sides_are_not_alike():
    x, y = np.random.RandomState(2).randn(400, 50), np.random.RandomState(3).randn(400, 50)
    assert abs(minibatch_cka(held(x, y), rows_per_batch=50)) < 0.05


def test_strict_arrays_on_another_device():
    x, y = (value.astype(np.float32) for value in noisy_pair(90))
    device = array_api_strict.Device("device1")
    there = held(*(array_api_strict.asarray(value, device=device) for value in (x, y)))
    expected = minibatch_cka(held(x.astype(float), y.astype(float)), rows_per_batch=30)
    assert minibatch_cka(there, rows_per_batch=30) == pytest.approx(expected, abs=1e-6)


def test_what_can_not_be():
    x, y = noisy_pair()
    with pytest.raises(RequestError, match="3 tokens"):
        minibatch_cka(held(x[:3], y[:3]))
    with pytest.raises(WorkError, match="not above 0"):
        minibatch_cka(held(x, np.ones((50, 3))))
    with pytest.raises(WorkError, match="second run: row 9 is not finite"):
        minibatch_cka(held(x, np.where(np.arange(50)[:, None] == 9, np.inf, y)))
