"""Canonical correlations and what is made of them: CCA, SVCCA, PWCCA, from centred moments.

Raghu et al. 2017 (SVCCA), Morcos et al. 2018 (PWCCA).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actstore.errors import RequestError
from analyses.similarity.device import to_host
from analyses.similarity.varying import check_varying
from analyses.statistics.moments import CrossMoments, Moments

Floats = npt.NDArray[np.float64]
KEPT_VARIANCE = 0.99
"""Share of the variance (squared singular values) that SVCCA keeps of each side."""
TINY = 1e-11
"""Directions with less than this share of the largest variance are rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """Principal axes of a side, the one of most variance first."""

    axis_DK: Floats
    variance_K: Floats

    def whitening(self) -> Floats:
        """[D, K]: maps rows to coordinates of unit sum of squares."""
        return self.axis_DK / np.sqrt(self.variance_K)


def canonical_correlations(found: Moments) -> Floats:
    """All canonical correlations, highest first.

    Raises RequestError where there are no more tokens than units (the correlations would all be 1), WorkError
    where a side is constant.
    """
    x, y = _both_axes(found)
    return _correlate(found, x, y)[1]


def cca(found: Moments) -> dict[str, float]:
    """Mean canonical correlation, and mean of their squares."""
    correlation_M = canonical_correlations(found)
    return {"cca": float(correlation_M.mean()), "cca-squared": float((correlation_M**2).mean())}


def svcca(found: Moments, kept: float = KEPT_VARIANCE, *, plain: bool = False) -> float:
    """Mean canonical correlation of the principal axes that hold `kept` of each side's variance.

    `plain`: of the sum of singular values, not of their squares, as some implementations have it.
    """
    x, y = (principal(axes, kept, plain) for axes in _both_axes(found))
    return float(_correlate(found, x, y)[1].mean())


def pwcca(found: Moments) -> dict[str, float]:
    """Mean canonical correlation, weighted by how much of a side each canonical variable accounts for.

    Depends on whose variables weigh: both directions and their mean.
    """
    x, y = _both_axes(found)
    left_KM, correlation_M, right_LM = _correlate(found, x, y)
    forward = float(np.average(correlation_M, weights=_account(x, left_KM)))
    backward = float(np.average(correlation_M, weights=_account(y, right_LM)))
    return {"pwcca": (forward + backward) / 2, "pwcca-a-to-b": forward, "pwcca-b-to-a": backward}


def _account(axes: Axes, turn_KM: Floats) -> Floats:
    """Sum over units of |<h, unit>| for each canonical variable h, [M]."""
    unit_KD = np.sqrt(axes.variance_K)[:, None] * axes.axis_DK.T
    account_M: Floats = np.abs(turn_KM.T @ unit_KD).sum(axis=1)
    return account_M


def _correlate(found: Moments, x: Axes, y: Axes) -> tuple[Floats, Floats, Floats]:
    between = x.whitening().T @ to_host(found.xy.cross_DE) @ y.whitening()
    left_KM, correlation_M, right_ML = np.linalg.svd(between, full_matrices=False)
    return left_KM, np.clip(correlation_M, 0.0, 1.0), right_ML.T


def check_more_tokens_than_units(what: str, found: Moments) -> None:
    """Raise RequestError where there are no more tokens than units."""
    check_enough(what, found.n, [part.cross_DE.shape[0] for part in (found.xx, found.yy)])


def check_enough(what: str, n_tokens: float, widths: Sequence[int]) -> None:
    """Raise RequestError where so many tokens are no more than the units of a side."""
    if n_tokens <= max(widths):
        raise RequestError(
            f"{what} of {n_tokens:,.0f} tokens with {' and '.join(map(str, widths))} units: with no more "
            f"tokens than units all correlations are 1 whatever the models are; it needs {max(widths) + 1:,} "
            f"tokens at least, and ten a unit ({10 * max(widths):,}) to mean something"
        )


def _both_axes(found: Moments) -> tuple[Axes, Axes]:
    check_more_tokens_than_units("CCA", found)
    check_varying("CCA", found, 3)
    return axes_of(found.xx), axes_of(found.yy)


def axes_of(own: CrossMoments) -> Axes:
    """Principal axes of a side's own moments, without those whose variance is rounding."""
    cross_DD = to_host(own.cross_DE)
    variance_D, axis_DD = np.linalg.eigh((cross_DD + cross_DD.T) / 2)
    keep_D = variance_D > TINY * variance_D[-1]
    return Axes(axis_DK=axis_DD[:, keep_D][:, ::-1], variance_K=variance_D[keep_D][::-1])


def principal(axes: Axes, kept: float, plain: bool) -> Axes:
    """The first axes that hold `kept` of the variance; `plain`: of the sum of singular values."""
    size_K = np.sqrt(axes.variance_K) if plain else axes.variance_K
    share_K = np.cumsum(size_K) / size_K.sum()
    n_kept = int(np.searchsorted(share_K, kept - 1e-12)) + 1
    return Axes(axis_DK=axes.axis_DK[:, :n_kept], variance_K=axes.variance_K[:n_kept])
