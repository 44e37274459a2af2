"""RSA with Spearman's correlation: ranks of all pairs, equal values sharing their mean rank.

Without a rank function of any library: values are sorted, and looked up in order in the sorted values.
"""

import math

from array_api_compat import array_namespace

from actstore.errors import WorkError
from analyses.similarity.kernels import ROWS_PER_TILE, Kernel, upper_tiles
from analyses.similarity.pairwise import check_pairs, kernels_of
from analyses.statistics.held import HeldRows
from analyses.statistics.prepared import Array

MAX_TOKENS = 10_000
"""Memory: about 40 bytes a pair of tokens, 2 GB at the most."""


def spearman_rsa(held: HeldRows, kernel: str, *, rows_per_tile: int = ROWS_PER_TILE) -> float:
    """Spearman correlation of the kernels over pairs i < j.

    Raises RequestError for too few or too many tokens, WorkError where a kernel's values are all equal.
    """
    check_pairs(held.n, "RSA with ranks", 3, MAX_TOKENS)
    a, b = kernels_of(held, kernel)
    order_P, rank_a_P = _ranked(_pairs(a, held.n, rows_per_tile))
    other_P, rank_b_P = _ranked(_pairs(b, held.n, rows_per_tile))
    for side, rank_P in (("first", rank_a_P), ("second", rank_b_P)):
        if not float(rank_P @ rank_P) > 0.0:
            raise WorkError(
                f"RSA: the {kernel} kernel is the same for all pairs of tokens of the {side} run, so that no "
                "correlation exists; compare another layer or run"
            )
    xp = array_namespace(rank_a_P)
    # Where each pair of the order of the first run stands in that of the second.
    place_P = xp.take(xp.argsort(other_P, stable=False), order_P)
    across = float(rank_a_P @ xp.take(rank_b_P, place_P))
    return across / math.sqrt(float(rank_a_P @ rank_a_P)) / math.sqrt(float(rank_b_P @ rank_b_P))


def _pairs(side: Kernel, n_rows: int, rows_per_tile: int) -> Array:
    """The kernel's values over pairs i < j, tile by tile, [P]."""
    xp = array_namespace(side.rows_TD)
    parts = []
    for down, across in upper_tiles(n_rows, rows_per_tile):
        tile = side.tile(down, across)
        if down.start == across.start:
            for row in range(1, int(tile.shape[0])):
                parts.append(xp.asarray(tile[row, :row], copy=True))
        else:
            parts.append(xp.reshape(tile, (-1,)))
    return xp.concat(parts)


def _ranked(value_P: Array) -> tuple[Array, Array]:
    """The order that sorts the values, and in it their ranks less the mean rank, float64.

    Equal values have the mean of their ranks.
    """
    xp = array_namespace(value_P)
    order_P = xp.argsort(value_P, stable=False)
    sorted_P = xp.take(value_P, order_P)
    below = xp.searchsorted(sorted_P, sorted_P, side="left")
    upto = xp.searchsorted(sorted_P, sorted_P, side="right")
    return order_P, (xp.astype(below + upto, xp.float64) - float(value_P.shape[0])) / 2.0
