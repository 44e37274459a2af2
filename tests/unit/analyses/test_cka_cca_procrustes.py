"""CKA, CCA, SVCCA, PWCCA and Procrustes from moments: fixtures, identities, oracles and merging."""

import math

import array_api_strict
import numpy as np
import pytest
import scipy.linalg
import scipy.spatial
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cross_decomposition import CCA

from actstore.errors import RequestError, WorkError
from analyses.similarity.cca import (
    KEPT_VARIANCE,
    axes_of,
    canonical_correlations,
    cca,
    principal,
    pwcca,
    svcca,
)
from analyses.similarity.cka import debiased_cka, linear_cka
from analyses.similarity.procrustes import procrustes
from tests.support import oracles
from tests.support.sums import moments, norm_moments

TINY = (
    np.array([(1, 0, 0), (1, 1, 0), (0, 1, 1), (0, 0, 2)], dtype=float),
    np.array([(2, 1), (1, 1), (0, 1), (-1, 1)], dtype=float),
)
INDEPENDENT = (np.random.RandomState(2).randn(100, 50), np.random.RandomState(3).randn(100, 50))
SCALES = np.array([10, 5, 2, 1, 0.5, 0.1, 0.05, 0.01])


def noisy_pair() -> tuple[np.ndarray, np.ndarray]:
    rs = np.random.RandomState(0)
    x, mix, noise = rs.randn(50, 8), rs.randn(8, 6), rs.randn(50, 6)
    return x, x @ mix + 0.5 * noise


@pytest.mark.parametrize(
    ("pair", "biased", "debiased"),
    [
        (TINY, 0.8516583167, 0.8386278694),
        (noisy_pair(), 0.7402747157, 0.7172035587),
        (INDEPENDENT, 0.3237458028, -0.0137003057),
    ],
    ids=["F1", "F2", "F3"],
)
def test_cka_fixtures(pair, biased, debiased):
    assert linear_cka(moments(*pair)) == pytest.approx(biased, abs=5e-11)
    assert debiased_cka(norm_moments(*pair)) == pytest.approx(debiased, abs=5e-11)


@given(st.integers(0, 1000), st.integers(5, 40), st.sampled_from([0.0, 20.0]))
def test_debiased_cka_is_the_ratio_of_unbiased_hsic(seed, n, mean):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 4)) + mean
    y = x[:, :3] + rng.standard_normal((n, 3))
    assert debiased_cka(norm_moments(x, y)) == pytest.approx(oracles.cka_debiased(x, y), abs=1e-7)


def test_cka_identities():
    x, _ = noisy_pair()
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.standard_normal((8, 8)))
    assert linear_cka(moments(x, 3.0 * x @ turn + 7.0)) == pytest.approx(1.0, abs=1e-12)
    assert debiased_cka(norm_moments(x, 3.0 * x @ turn + 7.0)) == pytest.approx(1.0, abs=1e-12)
    assert linear_cka(moments(x, x @ rng.standard_normal((8, 8)))) < 0.99


def test_canonical_correlations_fixture_and_oracle():
    x, y = noisy_pair()
    expected = [0.9945322506, 0.9905586986, 0.9839837417, 0.9737650478, 0.9170416914, 0.8593682615]
    found = canonical_correlations(moments(x, y))
    np.testing.assert_allclose(found, expected, atol=5e-11)
    means = cca(moments(x, y))
    assert means["cca"] == pytest.approx(0.9532082819, abs=5e-11)
    assert means["cca-squared"] == pytest.approx(0.9110370963, abs=5e-11)
    u, v = CCA(n_components=6, scale=False, max_iter=20_000, tol=1e-12).fit_transform(x, y)
    oracle = [np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(6)]
    np.testing.assert_allclose(found, oracle, atol=1e-6)


def test_cca_identities():
    x, _ = noisy_pair()
    generic = np.random.default_rng(0).standard_normal((8, 8))
    np.testing.assert_allclose(canonical_correlations(moments(x, x @ generic + 2)), 1.0, atol=1e-9)
    doubled = np.hstack([x, x[:, :3]])
    np.testing.assert_allclose(canonical_correlations(moments(doubled, x)), 1.0, atol=1e-9)


def test_svcca_keeps_99_percent_of_the_variance():
    x, y = noisy_pair()
    scaled = moments(x * SCALES, y)
    assert svcca(scaled) == pytest.approx(0.8514226782, abs=5e-10)
    assert svcca(scaled, plain=True) == pytest.approx(0.8658049947, abs=5e-10)
    for plain, n_kept in ((False, (3, 6)), (True, (5, 6))):
        axes = [principal(axes_of(part), KEPT_VARIANCE, plain) for part in (scaled.xx, scaled.yy)]
        assert tuple(part.axis_DK.shape[1] for part in axes) == n_kept


def test_pwcca_fixture():
    x, y = noisy_pair()
    found = pwcca(moments(x, y))
    assert found["pwcca-a-to-b"] == pytest.approx(0.9532317912, abs=5e-10)
    assert found["pwcca-b-to-a"] == pytest.approx(0.9725609190, abs=5e-10)
    assert found["pwcca"] == pytest.approx(0.9628963551, abs=5e-10)
    other = pwcca(moments(y, x))
    assert other["pwcca-a-to-b"] == pytest.approx(found["pwcca-b-to-a"], abs=1e-10)


def test_procrustes_fixture_and_oracles():
    x, y = noisy_pair()
    found = procrustes(moments(x, y))
    assert found["procrustes"] == pytest.approx(0.8028521205, abs=5e-11)
    assert found["procrustes-angle"] == pytest.approx(0.6387323962, abs=5e-11)
    assert 2.0 - 2.0 * found["procrustes"] == pytest.approx(0.3942957590, abs=1e-10)
    assert 1.0 - found["procrustes"] ** 2 == pytest.approx(0.3554284726, abs=1e-10)
    both = moments(x, y)
    size_x, size_y = (float(np.trace(part.cross_DE)) for part in (both.xx, both.yy))
    unscaled = size_x + size_y - 2.0 * found["procrustes"] * math.sqrt(size_x * size_y)
    assert unscaled == pytest.approx(1017.8204087, abs=1e-6)
    padded = np.pad(y, ((0, 0), (0, 2)))
    a, b = (value - value.mean(0) for value in (x, padded))
    _, scale = scipy.linalg.orthogonal_procrustes(a / np.linalg.norm(a), b / np.linalg.norm(b))
    assert found["procrustes"] == pytest.approx(scale, abs=1e-12)
    disparity = scipy.spatial.procrustes(x, padded)[2]
    assert 1.0 - found["procrustes"] ** 2 == pytest.approx(disparity, abs=1e-12)


def test_float32_rows_and_strict_arrays_on_another_device():
    x, y = (value.astype(np.float32) for value in noisy_pair())
    device = array_api_strict.Device("device1")
    there = [array_api_strict.asarray(value, device=device) for value in (x, y)]
    total = norm_moments(*there)
    assert debiased_cka(total) == pytest.approx(0.7172035587, abs=1e-6)
    assert linear_cka(total.moments) == pytest.approx(0.7402747157, abs=1e-6)
    assert procrustes(total.moments)["procrustes"] == pytest.approx(0.8028521205, abs=1e-6)
    assert svcca(total.moments) == pytest.approx(svcca(moments(*noisy_pair())), abs=1e-5)


@pytest.mark.parametrize(
    ("measure", "sums", "n"),
    [
        (linear_cka, moments, 1),
        (debiased_cka, norm_moments, 3),
        (procrustes, moments, 1),
        (svcca, moments, 8),
    ],
)
def test_too_few_tokens(measure, sums, n):
    x, y = noisy_pair()
    with pytest.raises(RequestError, match=f"of {n} tokens"):
        measure(sums(x[:n], y[:n]))


@pytest.mark.parametrize(
    ("measure", "sums"),
    [(linear_cka, moments), (debiased_cka, norm_moments), (procrustes, moments), (svcca, moments)],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_rows(measure, sums, dtype):
    x, _ = (value.astype(dtype) for value in noisy_pair())
    same = np.full((50, 6), 0.1, dtype) * np.arange(1, 7, dtype=dtype)
    with pytest.raises(WorkError, match="second run are constant"):
        measure(sums(x, same))
    with pytest.raises(WorkError, match="first run are constant"):
        measure(sums(same, x))
