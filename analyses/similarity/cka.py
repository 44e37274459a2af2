"""Linear CKA, biased and debiased, from centred moments (Kornblith et al. 2019; Song et al. 2012)."""

import math

import numpy as np

from actstore.errors import WorkError
from analyses.similarity.device import to_host
from analyses.similarity.varying import check_varying
from analyses.statistics.moments import CrossMoments, Moments, NormMoments


def linear_cka(found: Moments) -> float:
    """|C_xy|^2 / (|C_xx| |C_yy|). Too high where n is not well above the width: see `debiased_cka`.

    Raises RequestError for fewer than two tokens, WorkError where a side is constant.
    """
    check_varying("CKA", found, 2)
    xx, yy, xy = (_squared(part) for part in (found.xx, found.yy, found.xy))
    return xy / math.sqrt(xx) / math.sqrt(yy)


def debiased_cka(found: NormMoments) -> float:
    """CKA of the unbiased estimate of HSIC, that leaves a row's product with itself out. May be negative.

    Its centred sums equal those over the n x n kernel: t - n/(n-2) sum |x|^2|y|^2 + tr C_xx tr C_yy /
    ((n-1)(n-2)). Raises RequestError for fewer than four tokens, WorkError where a side
    does not vary.
    """
    parts = found.moments
    spread_x, spread_y = check_varying("debiased CKA", parts, 4)
    xx = _unbiased(parts.xx, found.joint_xx, spread_x, spread_x)
    yy = _unbiased(parts.yy, found.joint_yy, spread_y, spread_y)
    if not min(xx, yy) > 0.0:
        raise WorkError(
            f"debiased CKA: the estimated spread of a run's {found.n:.0f} rows is not above 0, so that no "
            "similarity exists; ask for more tokens"
        )
    return _unbiased(parts.xy, found.joint_xy, spread_x, spread_y) / math.sqrt(xx) / math.sqrt(yy)


def _unbiased(part: CrossMoments, joint: float, spread_x: float, spread_y: float) -> float:
    n = part.n
    return _squared(part) - n / (n - 2) * joint + spread_x * spread_y / ((n - 1) * (n - 2))


def _squared(part: CrossMoments) -> float:
    cross_DE = to_host(part.cross_DE)
    return float(np.vdot(cross_DE, cross_DE))
