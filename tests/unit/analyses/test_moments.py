"""Moments of parts merge into the moments of the whole, in any split, order and array namespace."""

from itertools import pairwise

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.errors import RequestError
from analyses.similarity.device import to_host
from analyses.statistics.moments import CrossMoments, Moments, moments, no_moments


def rows(seed: int, n: int, width: int, mean: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, width)) + mean


def assert_equal(got: Moments, expected: Moments, tolerance: float) -> None:
    for part in ("xx", "yy", "xy"):
        a, b = getattr(got, part), getattr(expected, part)
        assert a.n == b.n
        scale = max(1.0, float(np.abs(b.cross_DE).max()))
        np.testing.assert_allclose(a.cross_DE, b.cross_DE, rtol=0, atol=tolerance * scale)
        np.testing.assert_allclose(a.mean_x_D, b.mean_x_D, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(a.mean_y_E, b.mean_y_E, rtol=tolerance, atol=tolerance)


def test_moments_are_the_centred_products():
    x, y = rows(0, 40, 5, mean=3.0), rows(1, 40, 3)
    got = moments(x, y)
    cx, cy = x - x.mean(0), y - y.mean(0)
    expected = Moments(
        xx=CrossMoments(n=40, mean_x_D=x.mean(0), mean_y_E=x.mean(0), cross_DE=cx.T @ cx),
        yy=CrossMoments(n=40, mean_x_D=y.mean(0), mean_y_E=y.mean(0), cross_DE=cy.T @ cy),
        xy=CrossMoments(n=40, mean_x_D=x.mean(0), mean_y_E=y.mean(0), cross_DE=cx.T @ cy),
    )
    assert_equal(got, expected, 1e-13)


def test_moments_of_rows_over_their_lengths():
    x, y = rows(0, 30, 4, mean=2.0), rows(1, 30, 4)
    length_x, length_y = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    got = moments(x, y, length_x_T=length_x, length_y_T=length_y)
    assert_equal(got, moments(x / length_x[:, None], y / length_y[:, None]), 1e-13)


@given(
    seed=st.integers(0, 10_000),
    cuts=st.lists(st.integers(0, 60), max_size=6),
    order=st.randoms(use_true_random=False),
    mean=st.sampled_from([0.0, 5.0, -300.0]),
)
def test_any_split_in_any_order_gives_the_same(seed, cuts, order, mean):
    x, y = rows(seed, 60, 4, mean), rows(seed + 1, 60, 3, -mean)
    bounds = [0, *sorted(cuts), 60]
    parts = [moments(x[a:b], y[a:b]) for a, b in pairwise(bounds)]
    order.shuffle(parts)
    while len(parts) > 1:
        at = order.randrange(len(parts) - 1)
        parts[at : at + 2] = [parts[at].merge(parts[at + 1])]
    assert_equal(parts[0], moments(x, y), 1e-10)


@given(seed=st.integers(0, 10_000), cut=st.integers(0, 400))
def test_a_split_of_float32_rows_differs_by_rounding_alone(seed, cut):
    x, y = rows(seed, 400, 6, 10.0).astype(np.float32), rows(seed + 1, 400, 6).astype(np.float32)
    merged = moments(x[:cut], y[:cut]).accumulate(x[cut:], y[cut:])
    assert_equal(merged, moments(x.astype(np.float64), y.astype(np.float64)), 2e-6)


def test_no_moments_change_nothing_and_no_argument_is_edited():
    x, y = rows(0, 20, 4), rows(1, 20, 3)
    some = moments(x, y)
    before = some.xy.cross_DE.copy()
    assert_equal(no_moments(4, 3).merge(some), some, 0.0)
    assert_equal(some.merge(no_moments(4, 3)), some, 0.0)
    some.accumulate(x, y)
    np.testing.assert_array_equal(some.xy.cross_DE, before)


def test_swapping_sides():
    x, y = rows(0, 20, 4), rows(1, 20, 3)
    assert_equal(moments(x, y).swapped(), moments(y, x), 1e-13)


def test_strict_arrays_on_another_device_give_the_same():
    x, y = rows(0, 700, 4, 3.0).astype(np.float32), rows(1, 700, 3).astype(np.float32)
    device = array_api_strict.Device("device1")
    there = [array_api_strict.asarray(value, device=device) for value in (x, y)]
    got = no_moments(4, 3, array_api_strict, device).accumulate(*there).accumulate(*there)
    assert got.xy.cross_DE.device == device
    expected = moments(x, y).accumulate(x, y)
    np.testing.assert_allclose(to_host(got.xy.cross_DE), expected.xy.cross_DE, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(to_host(got.yy.mean_x_D), expected.yy.mean_x_D, rtol=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "named"),
    [
        (np.ones((3, 2)), np.ones((4, 2)), r"\(3, 2\) and \(4, 2\)"),
        (np.ones(3), np.ones(3), r"give \[T, D\]"),
        (np.ones((3, 2), np.float16), np.ones((3, 2), np.float16), "float16"),
        (np.ones((3, 2), np.float32), np.ones((3, 2)), "float32 and float64"),
    ],
)
def test_rows_that_can_not_be_paired_are_refused(x, y, named):
    with pytest.raises(RequestError, match=named):
        moments(x, y)
