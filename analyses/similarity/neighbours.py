"""Mutual nearest neighbours: how many of a token's k nearest by cosine are the same in both runs.

Huh et al. 2024, without their clipping of large values. Chance level: k / (n - 1).
"""

from array_api_compat import array_namespace, device

from actstore.errors import RequestError
from analyses.similarity.rsa import FIRST, SECOND
from analyses.statistics.centred import Array
from analyses.statistics.held import HeldRows
from analyses.statistics.rows import row_lengths, steps

K = 10
CELLS_PER_TILE = 8_000_000
"""Cosines that are in memory at once, for each run."""
MAX_TOKENS = 100_000


def mutual_neighbours(held: HeldRows, k: int = K) -> float:
    """Mean share of common neighbours; a token is none of its own, equal cosines rank by row.

    Raises RequestError for too few tokens to have k neighbours among more, or too many to hold.
    """
    if not k + 1 < held.n <= MAX_TOKENS:
        raise RequestError(
            f"neighbours of {held.n} tokens: it needs {k + 2} to {MAX_TOKENS:,}, for {k} neighbours are "
            "sought among all pairs; ask for another number of tokens"
        )
    x_TD = _unit(held.x_TD, row_lengths(held.x_TD, FIRST))
    y_TE = _unit(held.y_TE, row_lengths(held.y_TE, SECOND))
    xp = array_namespace(x_TD)
    common = 0
    for rows in steps(held.n, max(1, CELLS_PER_TILE // held.n)):
        both = _nearest(x_TD, rows, k) & _nearest(y_TE, rows, k)
        common += int(xp.sum(xp.astype(both, xp.int64)))
    return common / (held.n * k)


def _unit(value_TD: Array, length_T: Array) -> Array:
    xp = array_namespace(value_TD)
    return value_TD * xp.astype(1.0 / length_T, value_TD.dtype)[:, None]


def _nearest(unit_TD: Array, rows: slice, k: int) -> Array:
    """Which rows are among the k nearest of the tile's rows, [tile, T]."""
    xp = array_namespace(unit_TD)
    number_T = xp.arange(unit_TD.shape[0], device=device(unit_TD))
    cosines = unit_TD[rows, :] @ xp.matrix_transpose(unit_TD)
    taken = number_T[None, :] == number_T[rows][:, None]
    gone = xp.asarray(-xp.inf, dtype=cosines.dtype, device=device(unit_TD))
    cosines = xp.where(taken, gone, cosines)
    near = xp.zeros_like(taken)
    for _ in range(k):
        taken = number_T[None, :] == xp.argmax(cosines, axis=1)[:, None]
        near = near | taken
        cosines = xp.where(taken, gone, cosines)
    return near
