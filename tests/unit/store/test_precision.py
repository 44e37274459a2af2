import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from actstore.store import precision

FLOATS = hnp.arrays(np.float32, (5, 7), elements=st.floats(-1000, 1000, width=32))


@pytest.mark.parametrize(
    ("dtype", "bound"), [("float32", 0), ("float16", 5e-4), ("bfloat16", 4e-3), ("int8", 4e-3)]
)
@given(values=FLOATS)
def test_stored_values_are_within_the_profiles_rounding(dtype: str, bound: float, values: np.ndarray) -> None:
    encoded = precision.encode(values, dtype)
    decoded = precision.decode(encoded.values_TD, encoded.scale_T).astype(np.float32)
    assert decoded.dtype == np.float32
    scale = np.abs(values).max(axis=1, keepdims=True)
    assert (np.abs(decoded - values) <= bound * scale + 1e-7).all()


def test_reads_are_float16_for_float16_and_float32_for_all_others() -> None:
    values = np.ones((2, 3), np.float32)
    found = {}
    for dtype in precision.STORED:
        encoded = precision.encode(values, dtype)
        found[dtype] = precision.decode(encoded.values_TD, encoded.scale_T).dtype
        assert found[dtype] == precision.read_dtype(dtype)
    assert found == {"float32": np.float32, "float16": np.float16, "bfloat16": np.float32, "int8": np.float32}


def test_int8_keeps_zero_rows_and_the_sign_of_the_largest() -> None:
    values = np.array([[0, 0, 0], [-254, 127, 1]], np.float32)
    encoded = precision.encode(values, "int8")
    assert encoded.values_TD.tolist() == [[0, 0, 0], [-127, 64, 0]]
    assert precision.decode(encoded.values_TD, encoded.scale_T).tolist() == [[0, 0, 0], [-254, 128, 0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", list(precision.STORED))
def test_non_finite_values_are_found_in_every_profile(dtype: str, bad: float) -> None:
    values = np.zeros((4, 3), np.float32)
    assert precision.misfit(values, dtype) is None
    values[2, 1] = bad
    row, value = precision.misfit(values, dtype) or (None, None)
    assert row == 2
    assert np.isnan(value) if np.isnan(bad) else value == bad


def test_float16_overflow_is_found_and_the_dtype_that_holds_it_named() -> None:
    values = np.array([[1, 65504], [2, -70000]], np.float32)
    assert precision.misfit(values, "float16") == (1, -70000.0)
    assert precision.misfit(values, "bfloat16") is None
    assert precision.dtype_that_holds(-70000.0) == "bfloat16"


def test_rounding_sums_are_the_direct_ones_and_merge() -> None:
    rng = np.random.default_rng(3)
    values = (rng.standard_normal((50, 16)) * 3).astype(np.float32)
    encoded = precision.encode(values, "bfloat16")
    stored = encoded.values_TD.astype(np.float64)
    exact = values.astype(np.float64)
    relative = np.linalg.norm(stored - exact, axis=1) / np.linalg.norm(exact, axis=1)
    cosine = (stored * exact).sum(1) / np.linalg.norm(stored, axis=1) / np.linalg.norm(exact, axis=1)
    found = precision.rounding(values, encoded)
    assert found.relative_l2_max == pytest.approx(relative.max(), rel=1e-6)
    assert found.relative_l2_sum == pytest.approx(relative.sum(), rel=1e-6)
    assert found.cosine_loss_sum == pytest.approx((1 - cosine).sum(), rel=1e-4)
    halves = [
        precision.rounding(part, precision.encode(part, "bfloat16")) for part in (values[:20], values[20:])
    ]
    merged = halves[0].merge(halves[1])
    assert merged.n_rows == 50
    assert merged.relative_l2_sum == pytest.approx(found.relative_l2_sum)
