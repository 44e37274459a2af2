"""RTD: representation topology divergence, how unlike two clouds of points are in their holes and clusters.

Barannikov et al. 2022, section 2. A distance: 0 for clouds of one shape, whatever their scale. The only
measure that needs a library of its own, ripser, which has no GPU path.
"""

import importlib
import importlib.util
from typing import Any

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace

from actstore.errors import RequestError, WorkError
from analyses.similarity.device import to_host
from analyses.similarity.pairwise import kernels_of
from analyses.statistics.held import HeldRows

Floats = npt.NDArray[np.float64]
BATCHES, ROWS_PER_BATCH = 10, 500
QUANTILE = 0.9
"""Of a cloud's distances: its unit of length."""


def rtd(
    held: HeldRows, *, batches: int = BATCHES, rows_per_batch: int = ROWS_PER_BATCH, seed: int = 0
) -> float:
    """Mean over random batches of rows of both directions' mean; all rows at once where there are no more.

    Raises RequestError for fewer than 4 tokens or without ripser, WorkError where a batch's distances are 0.
    """
    ripser = _ripser()
    if held.n < 4:
        raise RequestError(f"rtd of {held.n} tokens: it needs 4 or more; ask for more")
    a, b = kernels_of(held, "euclidean")
    rng = np.random.default_rng(seed)
    size = min(held.n, rows_per_batch)
    found = []
    for _ in range(batches if held.n > size else 1):
        row_K = rng.choice(held.n, size, replace=False)
        sides = [_distances(side.rows_TD, row_K) for side in (a, b)]
        found += [_bars(ripser, *sides), _bars(ripser, *reversed(sides))]
    return float(np.mean(found))


def cross_barcode(x_KD: Floats, y_KE: Floats) -> float:
    """Total length of the bars of dimension 1 of one direction, for all rows of two clouds."""
    row_K = np.arange(len(x_KD))
    return _bars(_ripser(), _distances(x_KD, row_K), _distances(y_KE, row_K))


def _bars(ripser: Any, near_KK: Floats, other_KK: Floats) -> float:
    """The graph: copies without distance of one cloud's points, joined by the shorter of both distances."""
    joined = np.block([[np.zeros_like(near_KK), near_KK], [near_KK.T, np.minimum(near_KK, other_KK)]])
    born_died = ripser.ripser(joined, distance_matrix=True, maxdim=1)["dgms"][1]
    return float((born_died[:, 1] - born_died[:, 0]).sum())


def _distances(value_TD: Any, row_K: npt.NDArray[np.int64]) -> Floats:
    """Distances between some rows over their 0.9 quantile, float64."""
    xp = array_namespace(value_TD)
    chosen = xp.asarray(row_K, device=value_TD.device)
    rows = to_host(xp.take(value_TD, chosen, axis=0)).astype(np.float64)
    rows -= rows.mean(axis=0)
    square_K = np.einsum("kd,kd->k", rows, rows)
    squares = np.maximum(square_K[:, None] + square_K[None, :] - 2.0 * (rows @ rows.T), 0.0)
    np.fill_diagonal(squares, 0.0)
    distances: Floats = np.sqrt(squares)
    unit = float(np.quantile(distances, QUANTILE))
    if not unit > 0.0:
        raise WorkError(
            "rtd: most rows of a batch are equal, so that it has no shape; compare another layer or run"
        )
    return distances / unit


def check_ripser() -> None:
    """Raise RequestError where ripser is not installed."""
    if importlib.util.find_spec("ripser") is None:
        raise RequestError("measure 'rtd' needs ripser: pip install 'actstore[topology]'")


def _ripser() -> Any:
    check_ripser()
    return importlib.import_module("ripser")
