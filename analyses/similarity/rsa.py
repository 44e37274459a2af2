"""RSA with a cosine kernel: the Pearson correlation of two sets of pairwise cosines, from moments.

The measure of Merchant et al. 2020, section 5.1. With unit rows u_i = m + c_i (m the mean) a cosine is
|m|^2 + m.c_i + m.c_j + c_i.c_j, and sums of products of two such terms over all pairs close in the centred
moments: no pair is ever formed, and no two large terms cancel.
"""

import math

import numpy as np

from actstore.errors import RequestError, WorkError
from analyses.similarity.arrays import ROWS_PER_STEP, paired_sums
from analyses.similarity.device import to_host
from analyses.statistics.moments import CrossMoments, Moments
from analyses.statistics.prepared import Array, Form
from analyses.statistics.rows import numbered

MIN_SPREAD = 1e-7
"""Standard deviation of the cosines below which it is rounding, not geometry."""
UNIT = Form(unit=True)
FIRST, SECOND = numbered("first run"), numbered("second run")


def cosine_rsa(unit: Moments) -> float:
    """RSA of the pairs (i < j) from the moments of unit rows.

    Raises RequestError for fewer than three tokens, WorkError where all cosines of a side are equal.
    """
    if unit.n < 3:
        raise RequestError(
            f"RSA of {unit.n:.0f} tokens: it needs at least 3, whose pairs can vary; ask for more"
        )
    spread_x, spread_y = math.fsum(np.diag(_host(unit.xx))), math.fsum(np.diag(_host(unit.yy)))
    xx = _pair_covariance(unit.xx, spread_x, spread_x)
    yy = _pair_covariance(unit.yy, spread_y, spread_y)
    for side, value in (("first", xx), ("second", yy)):
        if not value > MIN_SPREAD**2:
            raise WorkError(
                f"RSA: all cosines between the {unit.n:.0f} tokens of the {side} run are equal (the rows are "
                "constant but for their lengths), so that no correlation exists; compare another layer or run"
            )
    value = _pair_covariance(unit.xy, spread_x, spread_y) / math.sqrt(xx) / math.sqrt(yy)
    return min(1.0, max(-1.0, value))


def rsa(x_TD: Array, y_TE: Array, *, rows_per_step: int = ROWS_PER_STEP) -> float:
    """RSA of two arrays [T, D], [T, E] of the same tokens; float32 or float64.

    Raises RequestError, WorkError, the latter naming a row that is zero or not finite.
    """
    return cosine_rsa(paired_sums(x_TD, y_TE, UNIT, rows_per_step=rows_per_step).moments(0, 1))


def _pair_covariance(part: CrossMoments, spread_x: float, spread_y: float) -> float:
    """Covariance over pairs i < j of x_i.x_j and y_i.y_j, for unit rows with centred moments.

    (2n m_x' C m_y + |C|_F^2 - tr C_xx tr C_yy / (n - 1)) / (n (n - 1)).
    """
    n, cross_DE = part.n, _host(part)
    around_mean = 2.0 * n * float(to_host(part.mean_x_D) @ cross_DE @ to_host(part.mean_y_E))
    total = around_mean + float(np.vdot(cross_DE, cross_DE)) - spread_x * spread_y / (n - 1)
    return total / (n * (n - 1.0))


def _host(part: CrossMoments) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return to_host(part.cross_DE)
