"""Mutual nearest neighbours equal their definition, tile by tile, on any array namespace."""

import array_api_strict
import numpy as np
import pytest

from actstore.errors import RequestError, WorkError
from analyses.similarity import neighbours
from analyses.similarity.neighbours import mutual_neighbours
from analyses.statistics.held import HeldRows


def held(pair: tuple[np.ndarray, np.ndarray]) -> HeldRows:
    return HeldRows(x_TD=pair[0], y_TE=pair[1])


def noisy_pair() -> tuple[np.ndarray, np.ndarray]:
    rs = np.random.RandomState(0)
    x, mix, noise = rs.randn(50, 8), rs.randn(8, 6), rs.randn(50, 6)
    return x, x @ mix + 0.5 * noise


INDEPENDENT = (np.random.RandomState(2).randn(100, 50), np.random.RandomState(3).randn(100, 50))


@pytest.mark.parametrize(("pair", "expected"), [(noisy_pair(), 0.594), (INDEPENDENT, 0.114)])
def test_fixtures(pair, expected):
    assert mutual_neighbours(held(pair)) == pytest.approx(expected, abs=1e-12)


def test_tiles_change_nothing():
    x, y = (np.tile(value, (70, 1)) + np.random.default_rng(0).standard_normal((3500, 1)) for value in
            noisy_pair())  # fmt: skip
    x, y = x[:3000], y[:3000]
    assert neighbours.CELLS_PER_TILE < 3000 * 3000
    near = []
    for value in (x, y):
        unit = value / np.linalg.norm(value, axis=1, keepdims=True)
        cosines = unit @ unit.T
        np.fill_diagonal(cosines, -np.inf)
        near.append(np.argpartition(-cosines, 10, axis=1)[:, :10])
    common = [len(set(a) & set(b)) for a, b in zip(*map(np.ndarray.tolist, near), strict=True)]
    assert mutual_neighbours(held((x, y))) == pytest.approx(np.mean(common) / 10, abs=1e-4)


def test_strict_arrays_on_another_device():
    device = array_api_strict.Device("device1")
    there = tuple(array_api_strict.asarray(v.astype(np.float32), device=device) for v in noisy_pair())
    assert mutual_neighbours(held(there)) == pytest.approx(0.594, abs=0.003)


def test_equal_cosines_rank_by_row():
    same = np.repeat(np.eye(2), 20, axis=0)
    assert mutual_neighbours(held((same, 3.0 * same))) == 1.0


def test_what_can_not_be():
    x, y = noisy_pair()
    with pytest.raises(RequestError, match="11 tokens"):
        mutual_neighbours(held((x[:11], y[:11])))
    with pytest.raises(WorkError, match="second run: row 4 is zero"):
        mutual_neighbours(held((x, np.where(np.arange(50)[:, None] == 4, 0.0, y))))
