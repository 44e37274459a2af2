"""RSA with Spearman's correlation: ranks of all pairs, equal values sharing their mean rank.

Without a rank function of any library: every value is looked up in the sorted values of its side.
"""

import math

from array_api_compat import array_namespace

from actstore.errors import WorkError
from analyses.similarity.kernels import ROWS_PER_TILE, Kernel, upper_tiles
from analyses.similarity.pairwise import check_pairs, kernels_of
from analyses.statistics.held import HeldRows
from analyses.statistics.prepared import Array
from analyses.statistics.rows import steps

MAX_TOKENS = 15_000
"""Memory: 16 bytes a pair of tokens, 1.8 GB at the most."""
PAIRS_PER_STEP = 1_000_000


def spearman_rsa(
    held: HeldRows,
    kernel: str,
    *,
    rows_per_tile: int = ROWS_PER_TILE,
    pairs_per_step: int = PAIRS_PER_STEP,
) -> float:
    """Spearman correlation of the kernels over pairs i < j.

    Raises RequestError for too few or too many tokens, WorkError where a kernel's values are all equal.
    """
    check_pairs(held.n, "RSA with ranks", 3, MAX_TOKENS)
    value_P = [_pairs(side, held.n, rows_per_tile) for side in kernels_of(held, kernel)]
    xp = array_namespace(value_P[0])
    sorted_P = [xp.sort(side_P) for side_P in value_P]
    n_pairs = int(value_P[0].shape[0])
    middle = (n_pairs + 1) / 2.0
    aa = bb = ab = 0.0
    for part in steps(n_pairs, pairs_per_step):
        a, b = (
            _mean_ranks(order_P, side_P[part]) - middle
            for order_P, side_P in zip(sorted_P, value_P, strict=True)
        )
        aa, bb, ab = aa + float(a @ a), bb + float(b @ b), ab + float(a @ b)
    for side, spread in (("first", aa), ("second", bb)):
        if not spread > 0.0:
            raise WorkError(
                f"RSA: the {kernel} kernel is the same for all pairs of tokens of the {side} run, so that no "
                "correlation exists; compare another layer or run"
            )
    return ab / math.sqrt(aa) / math.sqrt(bb)


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


def _mean_ranks(sorted_P: Array, value_P: Array) -> Array:
    """Rank from 1 of each value, the mean of the ranks of equal ones, float64."""
    xp = array_namespace(sorted_P)
    below = xp.searchsorted(sorted_P, value_P, side="left")
    upto = xp.searchsorted(sorted_P, value_P, side="right")
    return (xp.astype(below, xp.float64) + xp.astype(upto, xp.float64) + 1.0) / 2.0
