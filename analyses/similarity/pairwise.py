"""Measures over all pairs of rows of kernels that have no moments: RSA and CKA, in bounded memory."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace

from actstore.errors import RequestError, WorkError
from analyses.similarity.device import to_host
from analyses.similarity.kernels import ROWS_PER_TILE, Kernel, kernel_of, off_diagonal, upper_tiles
from analyses.similarity.rsa import FIRST, MIN_SPREAD, SECOND
from analyses.statistics.held import HeldRows
from analyses.statistics.prepared import Array

Floats = npt.NDArray[np.float64]
MAX_TOKENS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSums:
    """Sums over i < j of two kernels a, b less constants, and each row's sums over all others."""

    n: int
    a: float
    b: float
    aa: float
    bb: float
    ab: float
    row_a_T: Floats
    row_b_T: Floats


def kernel_rsa(held: HeldRows, kernel: str, *, rows_per_tile: int = ROWS_PER_TILE) -> float:
    """Pearson correlation of the kernels over pairs i < j.

    Raises RequestError for too few or too many tokens, WorkError where a kernel's values are all equal.
    """
    sums = _pair_sums(held, kernel, "RSA", 3, rows_per_tile)
    n_pairs = sums.n * (sums.n - 1) / 2
    aa, bb = sums.aa - sums.a**2 / n_pairs, sums.bb - sums.b**2 / n_pairs
    for side, spread, mean_square in (("first", aa, sums.aa), ("second", bb, sums.bb)):
        if not spread > MIN_SPREAD**2 * max(mean_square, n_pairs * 1e-30):
            raise WorkError(
                f"RSA: the {kernel} kernel is the same for all pairs of tokens of the {side} run, so that no "
                "correlation exists; compare another layer or run"
            )
    return (sums.ab - sums.a * sums.b / n_pairs) / math.sqrt(aa) / math.sqrt(bb)


def kernel_cka(held: HeldRows, kernel: str, *, debiased: bool, rows_per_tile: int = ROWS_PER_TILE) -> float:
    """CKA of a kernel that is 1 on its diagonal (rbf): HSIC over centred kernels, or its unbiased estimate.

    Raises RequestError for too few or too many tokens, WorkError where a kernel does not vary.
    """
    sums = _pair_sums(held, kernel, "CKA", 4, rows_per_tile)
    ab = _hsic(sums, (sums.a, sums.b), sums.ab, (sums.row_a_T, sums.row_b_T), debiased)
    aa = _hsic(sums, (sums.a, sums.a), sums.aa, (sums.row_a_T, sums.row_a_T), debiased)
    bb = _hsic(sums, (sums.b, sums.b), sums.bb, (sums.row_b_T, sums.row_b_T), debiased)
    if not min(aa, bb) > 0.0:
        raise WorkError(f"CKA: the {kernel} kernel of a run does not vary over its {sums.n} tokens")
    return ab / math.sqrt(aa) / math.sqrt(bb)


def check_pairs(n_tokens: int, what: str, least: int, most: int) -> None:
    """Raise RequestError unless so many tokens can be compared pair by pair."""
    if not least <= n_tokens <= most:
        raise RequestError(
            f"{what} of {n_tokens} tokens: it needs {least} to {most:,}, for every pair is looked at; ask "
            "for another number of tokens"
        )


def kernels_of(held: HeldRows, kernel: str) -> tuple[Kernel, Kernel]:
    """The kernels of both sides."""
    return kernel_of(held.x_TD, kernel, FIRST), kernel_of(held.y_TE, kernel, SECOND)


def _hsic(sums: PairSums, totals: tuple[float, float], product: float, rows: Any, debiased: bool) -> float:
    """Song et al. 2012, equations 2 (times (n-1)^2) and 5 (times n(n-3)); kernels less their diagonal.

    With 1 on both diagonals the biased estimate is that of the kernels less 1, whose diagonals are 0.
    """
    n = sums.n
    total_a, total_b = 2.0 * totals[0], 2.0 * totals[1]
    across = float(rows[0] @ rows[1])
    if debiased:
        return 2.0 * product + total_a * total_b / ((n - 1) * (n - 2)) - 2.0 / (n - 2) * across
    return 2.0 * product + total_a * total_b / n**2 - 2.0 / n * across


def _pair_sums(held: HeldRows, kernel: str, what: str, least: int, rows_per_tile: int) -> PairSums:
    check_pairs(held.n, what, least, MAX_TOKENS)
    a, b = kernels_of(held, kernel)
    base_a, base_b = (1.0, 1.0) if kernel == "rbf" else (_typical(side) for side in (a, b))
    total_5 = np.zeros(5)
    rows = np.zeros((2, held.n))
    for down, across in upper_tiles(held.n, rows_per_tile):
        tile_a, tile_b, share = a.tile(down, across) - base_a, b.tile(down, across) - base_b, 1.0
        if down.start == across.start:
            other = off_diagonal(tile_a)
            tile_a, tile_b, share = tile_a * other, tile_b * other, 0.5
        total_5 += share * _sums(tile_a, tile_b)
        for side, tile in enumerate((tile_a, tile_b)):
            rows[side, down] += _along(tile, 1)
            if down.start != across.start:
                rows[side, across] += _along(tile, 0)
    names = ("a", "b", "aa", "bb", "ab")
    return PairSums(
        n=held.n, row_a_T=rows[0], row_b_T=rows[1], **dict(zip(names, total_5.tolist(), strict=True))
    )


def _typical(side: Kernel) -> float:
    """A value near the kernel's mean: taken off, it leaves the digits of the differences."""
    few = slice(0, min(64, int(side.rows_TD.shape[0])))
    tile = to_host(side.tile(few, few)).astype(np.float64)
    return float(tile[np.triu_indices(len(tile), 1)].mean())


def _sums(a: Array, b: Array) -> Floats:
    xp = array_namespace(a)
    terms = (a, b, a * a, b * b, a * b)
    return to_host(xp.stack([xp.sum(term, dtype=xp.float64) for term in terms]))


def _along(tile: Array, axis: int) -> Floats:
    xp = array_namespace(tile)
    return to_host(xp.sum(tile, axis=axis, dtype=xp.float64))
