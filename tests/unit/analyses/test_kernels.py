"""Measures over all pairs equal their definitions: fixtures, oracles, tiles, and other array namespaces."""

import array_api_strict
import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr
from sklearn.metrics.pairwise import rbf_kernel

from actstore.errors import RequestError, WorkError
from analyses.similarity.measures import Options, measures_of
from analyses.similarity.pairwise import kernel_cka, kernel_rsa
from analyses.similarity.ranks import spearman_rsa
from analyses.statistics.held import HeldRows
from tests.support.oracles import hsic_unbiased

TIES = 5e-3
"""Products are of rows less their pivot: equal ones may differ in the last bit."""
KERNELS = ["cosine", "linear", "euclidean", "rbf"]


def noisy_pair(n: int = 50, mean: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rs = np.random.RandomState(0)
    x, mix, noise = rs.randn(n, 8), rs.randn(8, 6), rs.randn(n, 6)
    return x + mean, x @ mix + 0.5 * noise - mean


def held(pair: tuple[np.ndarray, np.ndarray]) -> HeldRows:
    return HeldRows(x_TD=pair[0], y_TE=pair[1])


def by_definition(value: np.ndarray, kernel: str) -> np.ndarray:
    if kernel == "cosine":
        value = value / np.linalg.norm(value, axis=1, keepdims=True)
    if kernel in ("cosine", "linear"):
        return value @ value.T
    if kernel == "euclidean":
        return squareform(pdist(value))
    spread = np.unique(np.linspace(0, len(value) - 1, min(len(value), 1000)).astype(int))
    return rbf_kernel(value, gamma=1.0 / (2.0 * np.median(pdist(value[spread]) ** 2)))


def upper(pair: tuple[np.ndarray, np.ndarray], kernel: str) -> list[np.ndarray]:
    at = np.triu_indices(len(pair[0]), 1)
    return [by_definition(value, kernel)[at] for value in pair]


def test_spearman_fixture():
    assert spearman_rsa(held(noisy_pair()), "cosine") == pytest.approx(0.7097978898, abs=5e-11)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("mean", [0.0, 20.0])
@pytest.mark.parametrize("rows_per_tile", [1024, 33])
def test_rsa_is_the_correlation_over_pairs(kernel, mean, rows_per_tile):
    tiles = {"rows_per_tile": rows_per_tile}
    pair = noisy_pair(100, mean)
    a, b = upper(pair, kernel)
    assert kernel_rsa(held(pair), kernel, **tiles) == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)
    found = spearman_rsa(held(pair), kernel, **tiles)
    assert found == pytest.approx(spearmanr(a, b).statistic, abs=1e-9)


@pytest.mark.parametrize("n", [50, 130])
def test_rbf_cka_is_the_ratio_of_hsic(n):
    pair = noisy_pair(n)
    k, m = (by_definition(value, "rbf") for value in pair)
    centre = np.eye(n) - 1.0 / n
    biased = [np.trace(a @ centre @ b @ centre) for a, b in ((k, m), (k, k), (m, m))]
    assert kernel_cka(held(pair), "rbf", debiased=False, rows_per_tile=64) == pytest.approx(
        biased[0] / np.sqrt(biased[1] * biased[2]), abs=1e-10
    )
    unbiased = [hsic_unbiased(a, b) for a, b in ((k, m), (k, k), (m, m))]
    assert kernel_cka(held(pair), "rbf", debiased=True, rows_per_tile=64) == pytest.approx(
        unbiased[0] / np.sqrt(unbiased[1] * unbiased[2]), abs=1e-10
    )


def test_euclidean_rsa_agrees_with_rsatoolbox():
    rsatoolbox = pytest.importorskip("rsatoolbox")
    pair = noisy_pair()
    rdms = [rsatoolbox.rdm.calc_rdm(rsatoolbox.data.Dataset(value), method="euclidean") for value in pair]
    roots = [rsatoolbox.rdm.RDMs(np.sqrt(rdm.get_vectors())) for rdm in rdms]
    assert kernel_rsa(held(pair), "euclidean") == pytest.approx(
        rsatoolbox.rdm.compare(*roots, method="corr")[0, 0], abs=1e-9
    )
    assert spearman_rsa(held(pair), "euclidean") == pytest.approx(
        rsatoolbox.rdm.compare(*roots, method="spearman")[0, 0], abs=1e-9
    )


def test_equal_values_share_their_mean_rank():
    rng = np.random.default_rng(0)
    pair = tuple(rng.integers(0, 2, (40, 4)).astype(float) for _ in range(2))
    a, b = upper(pair, "linear")
    assert spearman_rsa(held(pair), "linear") == pytest.approx(
        spearmanr(a.round(9), b.round(9)).statistic, abs=5e-3
    )


@pytest.mark.parametrize("kernel", KERNELS)
def test_strict_arrays_on_another_device(kernel):
    pair = tuple(value.astype(np.float32) for value in noisy_pair(70))
    device = array_api_strict.Device("device1")
    there = held(tuple(array_api_strict.asarray(value, device=device) for value in pair))
    assert kernel_rsa(there, kernel) == pytest.approx(kernel_rsa(held(pair), kernel), abs=1e-6)
    assert spearman_rsa(there, kernel) == pytest.approx(spearman_rsa(held(pair), kernel), abs=1e-5)
    if kernel == "rbf":
        value = kernel_cka(there, kernel, debiased=True)
        assert value == pytest.approx(kernel_cka(held(pair), kernel, debiased=True), abs=1e-6)


@pytest.mark.parametrize("kernel", ["cosine", "linear", "euclidean"])
def test_float32_rows_give_the_digits_of_float64(kernel):
    pair = tuple(value.astype(np.float32) for value in noisy_pair(300, 30.0))
    exact = held(tuple(value.astype(np.float64) for value in pair))
    assert kernel_rsa(held(pair), kernel) == pytest.approx(kernel_rsa(exact, kernel), abs=2e-5)


def test_each_kind_is_stored_under_its_own_name():
    pair = noisy_pair(60)
    names = set()
    for options in (Options(), Options(compare="spearman"), *(Options(kernel=name) for name in KERNELS)):
        for measure in measures_of(("rsa", "cka", "cka-debiased"), options):
            if measure.form is None:
                names |= set(measure.finish(held(pair)))
    assert names == {"rsa-spearman", "rsa-linear", "rsa-euclidean", "rsa-rbf", "cka-rbf", "cka-debiased-rbf"}


def test_what_can_not_be():
    x, y = noisy_pair()
    with pytest.raises(RequestError, match="2 tokens"):
        kernel_rsa(held((x[:2], y[:2])), "euclidean")
    with pytest.raises(RequestError, match="2 tokens"):
        spearman_rsa(held((x[:2], y[:2])), "cosine")
    same = np.ones((50, 3))
    for kernel in ("euclidean", "linear", "cosine"):
        with pytest.raises(WorkError, match="second run"):
            kernel_rsa(held((x, same)), kernel)
    with pytest.raises(WorkError, match="second run"):
        spearman_rsa(held((x, same)), "euclidean")
    with pytest.raises(WorkError, match="no width"):
        kernel_rsa(held((x, same)), "rbf")
    with pytest.raises(WorkError, match="row 7 is not finite"):
        kernel_rsa(held((x, np.where(np.arange(50)[:, None] == 7, np.nan, y))), "euclidean")
