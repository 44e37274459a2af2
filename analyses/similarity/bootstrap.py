"""RSA of many bootstrap resamples at once: one pass over tiles of pairs, in bounded memory.

A resample is a weight for each token: how often it was drawn. Every pair of distinct tokens counts as
often as the product of their weights; the copies of one token make no pair among themselves, for their cosine
is 1 in both runs whatever these are, and such pairs would raise every resampled value.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace, device

from actstore.errors import WorkError
from analyses.similarity.device import to_device, to_host
from analyses.similarity.rsa import FIRST, MIN_SPREAD, SECOND
from analyses.statistics.centred import Array, centred
from analyses.statistics.rows import row_lengths, steps

ROWS_PER_TILE = 1024


def resampled_rsa(
    x_TD: Array, y_TE: Array, weight_TR: npt.NDArray[np.float32], *, rows_per_tile: int = ROWS_PER_TILE
) -> npt.NDArray[np.float64]:
    """RSA of each resample, [R]; rows float32. Memory: a few tiles beside the rows and weights.

    Raises WorkError where the cosines of a resample are all equal.
    """
    xp = array_namespace(x_TD)
    x, y = _sides(x_TD, y_TE)
    weights = to_device(weight_TR, xp, device(x_TD))
    total_5R = np.zeros((5, weight_TR.shape[1]))
    tiles = list(steps(x_TD.shape[0], rows_per_tile))
    for at, rows in enumerate(tiles):
        for columns in tiles[at:]:
            total_5R += to_host(_tile_sums(x, y, weights, rows, columns))
    return _correlations(total_5R, _pair_counts(weight_TR))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """Unit rows as mean + difference, so that a cosine less its mean is a sum of small terms."""

    rows_TD: Array
    along_T: Array
    """Product of each difference with the mean."""

    def tile(self, rows: slice, columns: slice) -> Array:
        """Cosines of the rows with the columns, less the squared length of the mean."""
        xp = array_namespace(self.rows_TD)
        product = self.rows_TD[rows, :] @ xp.matrix_transpose(self.rows_TD[columns, :])
        return product + self.along_T[rows][:, None] + self.along_T[columns][None, :]


def _sides(x_TD: Array, y_TE: Array) -> tuple[_Side, _Side]:
    found = []
    for value_TD, name in ((x_TD, FIRST), (y_TE, SECOND)):
        xp = array_namespace(value_TD)
        part = centred(value_TD, row_lengths(value_TD, name))
        along_T = part.rows_TD @ xp.astype(part.pivot_D, value_TD.dtype)
        found.append(_Side(rows_TD=part.rows_TD, along_T=along_T))
    return found[0], found[1]


def _tile_sums(x: _Side, y: _Side, weights: Array, rows: slice, columns: slice) -> Array:
    """Weighted sums over the tile's pairs of a, b, a^2, b^2 and ab, each pair once: [5, R] float64."""
    xp = array_namespace(weights)
    a, b = x.tile(rows, columns), y.tile(rows, columns)
    share = 1.0
    if rows.start == columns.start:
        other = 1.0 - xp.eye(a.shape[0], dtype=a.dtype, device=device(a))
        a, b, share = a * other, b * other, 0.5
    left, right = weights[rows, :], weights[columns, :]
    sums = [xp.sum(left * (term @ right), axis=0, dtype=xp.float64) for term in (a, b, a * a, b * b, a * b)]
    return share * xp.stack(sums)


def _pair_counts(weight_TR: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    exact_TR = weight_TR.astype(np.float64)
    counts: npt.NDArray[np.float64] = (exact_TR.sum(axis=0) ** 2 - (exact_TR**2).sum(axis=0)) / 2.0
    return counts


def _correlations(
    total_5R: npt.NDArray[np.float64], pairs_R: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    a, b, aa, bb, ab = total_5R / pairs_R
    spread_a, spread_b = aa - a * a, bb - b * b
    if min(spread_a.min(), spread_b.min()) <= MIN_SPREAD**2:
        raise WorkError(
            "RSA: all cosines of a resample are equal, so that no correlation exists; sample more examples, "
            "or set resamples = 0"
        )
    correlation_R: npt.NDArray[np.float64] = (ab - a * b) / np.sqrt(spread_a) / np.sqrt(spread_b)
    return correlation_R
