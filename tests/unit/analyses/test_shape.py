"""Shape metrics: by definition, Procrustes at one end, canonical correlations at the other, and a metric."""

import math
from itertools import permutations

import numpy as np
import pytest

from actstore.errors import RequestError, WorkError
from analyses.similarity.cca import cca
from analyses.similarity.procrustes import procrustes
from analyses.similarity.shape import shape
from tests.support.sums import moments


def clouds() -> list[np.ndarray]:
    rs = np.random.RandomState(0)
    x, mix, noise = rs.randn(50, 8), rs.randn(8, 6), rs.randn(50, 6)
    return [x, x @ mix + 0.5 * noise, rs.randn(50, 7)]


def by_definition(x: np.ndarray, y: np.ndarray, alpha: float) -> float:
    """Whiten in part, scale to the size it had, turn onto the other, take the angle."""
    sides = []
    for value in (x, y):
        centred = value - value.mean(0)
        size, axes = np.linalg.eigh(centred.T @ centred)
        scale = alpha + (1 - alpha) / np.sqrt(np.maximum(size, 1e-7))
        made = centred @ (axes * scale) @ axes.T
        sides.append(made * np.linalg.norm(centred) / np.linalg.norm(made))
    turn = np.linalg.svd(sides[0].T @ sides[1], compute_uv=False).sum()
    return math.acos(turn / np.linalg.norm(sides[0]) / np.linalg.norm(sides[1]))


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_is_its_definition(alpha):
    x, y, _ = clouds()
    assert shape(moments(x, y), alpha)["shape-angle"] == pytest.approx(by_definition(x, y, alpha), abs=1e-9)


def test_between_procrustes_and_canonical_correlations():
    x, y, _ = clouds()
    found = moments(x, y)
    assert shape(found, 1.0)["shape-angle"] == pytest.approx(procrustes(found)["procrustes-angle"], abs=1e-12)
    same_width = moments(x[:, :6], y)
    assert shape(same_width, 0.0)["shape"] == pytest.approx(cca(same_width)["cca"], abs=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_is_a_metric(alpha):
    for x, y, z in permutations(clouds()):
        xy, yz, xz = (shape(moments(*pair), alpha)["shape-angle"] for pair in ((x, y), (y, z), (x, z)))
        assert xz <= xy + yz
        assert xy == pytest.approx(shape(moments(y, x), alpha)["shape-angle"], abs=1e-9)
        assert shape(moments(x, x), alpha)["shape"] == pytest.approx(1.0, abs=1e-9)


def test_what_can_not_be():
    x, y, _ = clouds()
    with pytest.raises(RequestError, match=r"shape of 8 tokens with 8 and 6 units: .* it needs 9 tokens"):
        shape(moments(x[:8], y[:8]), 0.5)
    shape(moments(x[:8], y[:8]), 1.0)
    with pytest.raises(WorkError, match="second run are constant"):
        shape(moments(x, np.ones((50, 3))))
