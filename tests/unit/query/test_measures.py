"""Cosine and relative change, row by row, against plain float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actstore.errors import RequestError
from actstore.query.measures import ROWS_PER_PASS, change, cosine

FLOATS = st.floats(-100, 100, width=32)
PAIRS = st.integers(1, 5).flatmap(
    lambda width: st.tuples(*[arrays(np.float32, (3, width), elements=FLOATS)] * 2)
)


def test_by_hand():
    x_ND = np.array([[3, 4], [1, 0], [1, 0], [0, 0], [2, 0]], np.float16)
    y_ND = np.array([[3, 4], [0, 2], [-1, 0], [1, 1], [0, 0]], np.float16)
    np.testing.assert_allclose(cosine(x_ND, y_ND), [1, 0, -1, np.nan, np.nan])
    np.testing.assert_allclose(change(x_ND, y_ND), [0, np.sqrt(5), 2, np.nan, 1])


@given(PAIRS)
def test_bounds_and_symmetries(pair):
    x_ND, y_ND = pair
    x_ND, y_ND = x_ND + np.float32(200), y_ND + np.float32(200)
    found_N = cosine(x_ND, y_ND)
    assert ((found_N >= -1) & (found_N <= 1)).all()
    np.testing.assert_array_equal(found_N, cosine(y_ND, x_ND))
    np.testing.assert_allclose(cosine(2 * x_ND, y_ND), found_N, rtol=1e-12)
    np.testing.assert_allclose(cosine(x_ND, x_ND), 1.0, rtol=1e-15)
    np.testing.assert_array_equal(change(x_ND, x_ND), 0.0)
    np.testing.assert_allclose(change(x_ND, 2 * x_ND), 1.0, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_many_rows_one_at_a_time(dtype):
    rng = np.random.default_rng(0)
    n = 2 * ROWS_PER_PASS + 7
    x_ND, y_ND = (rng.normal(size=(n, 6)).astype(dtype) for _ in range(2))
    for index in (0, ROWS_PER_PASS - 1, ROWS_PER_PASS, n - 1):
        x_D, y_D = x_ND[index].astype(np.float64), y_ND[index].astype(np.float64)
        expected = x_D @ y_D / np.linalg.norm(x_D) / np.linalg.norm(y_D)
        assert cosine(x_ND, y_ND)[index] == pytest.approx(expected, abs=1e-14)
        moved = np.linalg.norm(y_D - x_D) / np.linalg.norm(x_D)
        assert change(x_ND, y_ND)[index] == pytest.approx(moved, rel=1e-13)


def test_a_turn_that_float32_can_not_tell_is_told():
    x_ND = np.array([[1.0, 0.0]], np.float32)
    y_ND = np.array([[1.0, 1e-5]], np.float32)
    assert 1.0 - cosine(x_ND, y_ND)[0] == pytest.approx(5e-11, rel=1e-4)


def test_no_rows_and_rows_that_do_not_fit():
    assert cosine(np.empty((0, 3)), np.empty((0, 3))).shape == (0,)
    with pytest.raises(RequestError, match=r"rows of shapes \(1, 3\) and \(1, 2\): give as many"):
        change(np.ones((1, 3)), np.ones((1, 2)))
