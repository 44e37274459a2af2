"""RSA equals the correlation over all pairs: on fixtures, by identities, by an oracle, and in float32."""

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.errors import RequestError, WorkError
from analyses.similarity.rsa import rsa


def direct(x: np.ndarray, y: np.ndarray) -> float:
    """The definition: Pearson correlation of the strict upper triangles of both cosine matrices."""
    u, v = (value / np.linalg.norm(value, axis=1, keepdims=True) for value in (x, y))
    upper = np.triu_indices(len(x), 1)
    return float(np.corrcoef((u @ u.T)[upper], (v @ v.T)[upper])[0, 1])


def noisy_pair(n: int = 50) -> tuple[np.ndarray, np.ndarray]:
    rs = np.random.RandomState(0)
    x, mix, noise = rs.randn(n, 8), rs.randn(8, 6), rs.randn(n, 6)
    return x, x @ mix + 0.5 * noise


def shifted_pair(n: int = 2000, width: int = 64, mean: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    rs = np.random.RandomState(1)
    x = rs.randn(n, width) + mean
    return x, x + 0.3 * rs.randn(n, width)


TINY = (
    np.array([(1, 0, 0), (1, 1, 0), (0, 1, 1), (0, 0, 2)], dtype=float),
    np.array([(2, 1), (1, 1), (0, 1), (-1, 1)], dtype=float),
)
INDEPENDENT = (np.random.RandomState(2).randn(100, 50), np.random.RandomState(3).randn(100, 50))


@pytest.mark.parametrize(
    ("pair", "expected"),
    [(TINY, 0.8449864270), (noisy_pair(), 0.7242026185), (INDEPENDENT, -0.0147851360)],
    ids=["F1", "F2", "F3"],
)
def test_fixtures(pair, expected):
    assert rsa(*pair) == pytest.approx(expected, abs=5e-11)
    assert rsa(*pair) == pytest.approx(direct(*pair), abs=1e-13)


@given(st.integers(0, 1000), st.integers(3, 40), st.sampled_from([0.0, 3.0, 100.0]))
def test_is_the_correlation_over_pairs(seed, n, mean):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, 5)) + mean, rng.standard_normal((n, 4)) - mean
    assert rsa(x, y, rows_per_step=7) == pytest.approx(direct(x, y), abs=1e-7)


def test_invariances():
    x, _ = noisy_pair()
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.standard_normal((8, 8)))
    assert rsa(x, x @ turn) == pytest.approx(1.0, abs=1e-12)
    assert rsa(x, x * rng.uniform(0.1, 10.0, (50, 1))) == pytest.approx(1.0, abs=1e-12)
    assert rsa(x, np.pad(x, ((0, 0), (0, 5)))) == pytest.approx(1.0, abs=1e-12)
    assert rsa(x, x + 3.0) < 0.99
    assert rsa(x, x * np.arange(1, 9)) < 0.99


def test_agrees_with_rsatoolbox():
    rsatoolbox = pytest.importorskip("rsatoolbox")
    for x, y in (TINY, noisy_pair(), shifted_pair(200)):
        unit = [value / np.linalg.norm(value, axis=1, keepdims=True) for value in (x, y)]
        rdms = [rsatoolbox.rdm.calc_rdm(rsatoolbox.data.Dataset(value), method="euclidean") for value in unit]
        oracle = rsatoolbox.rdm.compare(*rdms, method="corr")[0, 0]
        assert rsa(x, y) == pytest.approx(oracle, abs=1e-10)


@pytest.mark.parametrize("mean", [0.0, 8.0, 50.0, 200.0])
def test_float32_rows_give_the_digits_of_float64(mean):
    x, y = (value.astype(np.float32) for value in shifted_pair(mean=mean))
    exact = rsa(x.astype(np.float64), y.astype(np.float64))
    assert rsa(x, y) == pytest.approx(exact, abs=3e-7)
    assert rsa(x, y, rows_per_step=128) == pytest.approx(exact, abs=3e-7)


def test_the_trap_float32_sums_fall_into():
    x, y = shifted_pair()
    assert rsa(x.astype(np.float32), y.astype(np.float32)) == pytest.approx(0.91842, abs=5e-6)


def test_strict_arrays_on_another_device_run_the_same_code():
    x, y = (value.astype(np.float32) for value in shifted_pair(600))
    device = array_api_strict.Device("device1")
    there = [array_api_strict.asarray(value, device=device) for value in (x, y)]
    assert rsa(*there, rows_per_step=256) == pytest.approx(rsa(x, y), abs=1e-7)


def test_too_few_tokens():
    x, y = noisy_pair()
    with pytest.raises(RequestError, match="2 tokens"):
        rsa(x[:2], y[:2])
    with pytest.raises(RequestError, match=r"\(0, 8\)"):
        rsa(x[:0], y[:0])


@pytest.mark.parametrize(("value", "why"), [(0.0, "zero"), (np.nan, "finite"), (np.inf, "finite")])
def test_a_bad_row_is_named(value, why):
    x, y = noisy_pair()
    y[41] = value
    with pytest.raises(WorkError, match=f"second run: row 41 .*{why}"):
        rsa(x, y, rows_per_step=10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_rows_have_no_correlation(dtype):
    x, y = (value.astype(dtype) for value in noisy_pair())
    same = np.outer(np.linspace(1, 2, 50), np.arange(1, 7)).astype(dtype)
    with pytest.raises(WorkError, match="first run are equal"):
        rsa(same, y)
    with pytest.raises(WorkError, match="second run are equal"):
        rsa(x, same)
