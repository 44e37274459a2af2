"""Mutual nearest neighbours: how many of a token's k nearest by cosine are the same in both runs.

Huh et al. 2024, without their clipping of large values. Chance level: k / (n - 1).
"""

from array_api_compat import array_namespace, device

from actstore.errors import RequestError
from analyses.similarity.rsa import FIRST, SECOND
from analyses.statistics.centred import Array
from analyses.statistics.held import HeldRows
from analyses.statistics.rows import RowName, row_lengths, steps

K = 10
CELLS_PER_TILE = 8_000_000
"""Cosines that are in memory at once."""
MAX_TOKENS = 100_000


def nearest(value_TD: Array, name: RowName, k: int = K) -> Array:
    """Each row's k nearest by cosine: [T, k] row numbers, in order of the rows.

    A row is none of its own, equal cosines rank by row. Raises RequestError for too few tokens to have k
    neighbours among more, or too many to hold; WorkError naming a bad row.
    """
    n = int(value_TD.shape[0])
    if not k + 1 < n <= MAX_TOKENS:
        raise RequestError(
            f"neighbours of {n} tokens: it needs {k + 2} to {MAX_TOKENS:,}, for {k} neighbours are sought "
            "among all pairs; ask for another number of tokens"
        )
    xp = array_namespace(value_TD)
    unit_TD = value_TD * xp.astype(1.0 / row_lengths(value_TD, name), value_TD.dtype)[:, None]
    return xp.concat([_nearest(unit_TD, rows, k) for rows in steps(n, max(1, CELLS_PER_TILE // n))], axis=0)


def common_share(x_TK: Array, y_TK: Array) -> float:
    """Mean share of the neighbours that both have."""
    xp = array_namespace(x_TK)
    common = xp.sum(xp.astype(x_TK[:, :, None] == y_TK[:, None, :], xp.int64))
    return int(common) / int(x_TK.shape[0] * x_TK.shape[1])


def mutual_neighbours(held: HeldRows, k: int = K) -> float:
    """Mean share of common neighbours of two runs."""
    return common_share(nearest(held.x_TD, FIRST, k), nearest(held.y_TE, SECOND, k))


def _nearest(unit_TD: Array, rows: slice, k: int) -> Array:
    """The k nearest of the tile's rows, [tile, k]: those above the k-th largest cosine, then its equals."""
    xp = array_namespace(unit_TD)
    number_T = xp.arange(unit_TD.shape[0], device=device(unit_TD))
    cosines = unit_TD[rows, :] @ xp.matrix_transpose(unit_TD)
    gone = xp.asarray(-xp.inf, dtype=cosines.dtype, device=device(unit_TD))
    cosines = xp.where(number_T[None, :] == number_T[rows][:, None], gone, cosines)
    least = xp.sort(cosines, axis=1, stable=False)[:, -k][:, None]
    near, equal = cosines > least, cosines == least
    room = k - xp.sum(xp.astype(near, xp.int64), axis=1)
    near = near | (equal & (xp.cumulative_sum(xp.astype(equal, xp.int64), axis=1) <= room[:, None]))
    return xp.reshape(xp.nonzero(near)[1], (-1, k))
