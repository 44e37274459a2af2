"""Similarity measures by their definitions: n x n kernels, QR and SVD of the rows, other libraries."""

import numpy as np
import scipy.linalg
from scipy.spatial.distance import cdist

Rows = np.ndarray


def rsa(x: Rows, y: Rows) -> float:
    upper = np.triu_indices(len(x), 1)
    u, v = (value / np.linalg.norm(value, axis=1, keepdims=True) for value in (x, y))
    return float(np.corrcoef((u @ u.T)[upper], (v @ v.T)[upper])[0, 1])


def hsic_unbiased(k: Rows, m: Rows) -> float:
    """Song et al. 2012, equation 5, over n x n kernels."""
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    inner = np.sum(k * m) + k.sum() * m.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * k.sum(0) @ m.sum(0)
    return float(inner / (n * (n - 3)))


def cka(x: Rows, y: Rows) -> float:
    k, m = (value @ value.T for value in map(centred, (x, y)))
    return float(np.sum(k * m) / np.linalg.norm(k) / np.linalg.norm(m))


def cka_debiased(x: Rows, y: Rows) -> float:
    return cka_minibatch(x, y, [np.arange(len(x))])


def cka_minibatch(x: Rows, y: Rows, batches: list[Rows]) -> float:
    sums = np.zeros(3)
    for batch in batches:
        k, m = (value[batch] @ value[batch].T for value in (x, y))
        sums += [hsic_unbiased(*pair) for pair in ((k, m), (k, k), (m, m))]
    return float(sums[0] / np.sqrt(sums[1] * sums[2]))


def canonical(x: Rows, y: Rows) -> Rows:
    """Canonical correlations as cosines of the angles of both column spaces, highest first."""
    return np.sort(np.cos(scipy.linalg.subspace_angles(basis(x), basis(y))))[::-1]


def basis(x: Rows) -> Rows:
    """Orthonormal basis of the columns, without directions that are rounding: a layer norm takes one away."""
    u, s, _ = np.linalg.svd(centred(x), full_matrices=False)
    return u[:, s**2 > 1e-11 * s[0] ** 2]


def principal(x: Rows, kept: float = 0.99, *, plain: bool = False) -> Rows:
    """Coordinates of the rows on the axes that hold so much of the (plain: unsquared) singular values."""
    u, s, _ = np.linalg.svd(centred(x), full_matrices=False)
    share = np.cumsum(s if plain else s**2)
    return (u * s)[:, : int(np.searchsorted(share / share[-1], kept)) + 1]


def pwcca(x: Rows, y: Rows) -> float:
    q = basis(x)
    turn, rho, _ = np.linalg.svd(q.T @ basis(y), full_matrices=False)
    weight = np.abs((q @ turn).T @ centred(x)).sum(axis=1)
    return float(np.sum(weight * rho) / weight.sum())


def procrustes(x: Rows, y: Rows) -> float:
    width = max(x.shape[1], y.shape[1])
    a, b = (np.pad(value, ((0, 0), (0, width - value.shape[1]))) for value in map(centred, (x, y)))
    return float(scipy.linalg.orthogonal_procrustes(a / np.linalg.norm(a), b / np.linalg.norm(b))[1])


def neighbours(x: Rows, y: Rows, k: int = 10) -> float:
    """Cosines that are equal but for rounding rank by row: equal tokens have equal embeddings."""
    found = []
    for value in (x, y):
        unit = value / np.linalg.norm(value, axis=1, keepdims=True)
        far = -np.round(unit @ unit.T, 5)
        np.fill_diagonal(far, np.inf)
        found.append(np.argsort(far, axis=1, kind="stable")[:, :k])
    return float(
        np.mean([len(set(a) & set(b)) / k for a, b in zip(*map(np.ndarray.tolist, found), strict=True)])
    )


def rtd_one_direction(x: Rows, y: Rows) -> float:
    """Barannikov et al. 2022: the cross-barcode of two clouds, its bars of dimension 1 added up."""
    import ripser

    a, b = (cdist(value, value) for value in (x, y))
    a, b = a / np.quantile(a, 0.9), b / np.quantile(b, 0.9)
    joined = np.block([[np.zeros_like(a), a], [a.T, np.minimum(a, b)]])
    bars = ripser.ripser(joined, distance_matrix=True, maxdim=1)["dgms"][1]
    return float((bars[:, 1] - bars[:, 0]).sum())


def centred(x: Rows) -> Rows:
    return x - x.mean(axis=0)
