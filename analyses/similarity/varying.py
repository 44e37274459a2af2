"""Rows that do not vary have no similarity: told from their moments, and refused by name."""

import numpy as np

from actstore.errors import RequestError, WorkError
from analyses.similarity.device import to_host
from analyses.statistics.moments import CrossMoments, Moments

CONSTANT = 1e-13
"""Variance over squared mean below which rows are constant but for float32 rounding."""


def check_varying(measure: str, found: Moments, least: int) -> tuple[float, float]:
    """Both sides' sums of squared distances from the mean.

    Raises RequestError for fewer than `least` tokens, WorkError naming a side whose rows are constant.
    """
    if found.n < least:
        raise RequestError(f"{measure} of {found.n:.0f} tokens: it needs at least {least}; ask for more")
    spread_x, spread_y = _spread("first", measure, found.xx), _spread("second", measure, found.yy)
    return spread_x, spread_y


def _spread(side: str, measure: str, part: CrossMoments) -> float:
    mean_D = to_host(part.mean_x_D)
    spread = float(np.trace(to_host(part.cross_DE)))
    if spread <= CONSTANT * part.n * float(mean_D @ mean_D) or not spread > 0.0:
        raise WorkError(
            f"{measure}: the {part.n:.0f} rows of the {side} run are constant, so that no similarity exists; "
            "compare another layer or run"
        )
    return spread
