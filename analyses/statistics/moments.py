"""Means and centred second moments of paired rows. Knows no measure, nor how they were summed."""

from dataclasses import dataclass
from typing import Any

Array = Any
"""An array of any array API namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossMoments:
    """n paired rows x [D], y [E]: their means and sum of (x - mean)(y - mean)', all float64.

    Centred sums keep their digits where the rows share a large mean, as activations do; sums of raw products
    lose them, in float32 down to the third.
    """

    n: float
    """Number of rows; the sum of their weights where they have some."""
    mean_x_D: Array
    mean_y_E: Array
    cross_DE: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """All second moments of paired rows: of each side with itself, and across."""

    xx: CrossMoments
    yy: CrossMoments
    xy: CrossMoments

    @property
    def n(self) -> float:
        """Number of rows."""
        return self.xy.n


@dataclass(frozen=True, slots=True, kw_only=True)
class NormMoments:
    """Moments, and with rows c, d less their means the sums of |c|^2 |d|^2 of each side and across."""

    moments: Moments
    joint_xx: float
    joint_yy: float
    joint_xy: float

    @property
    def n(self) -> float:
        """Number of rows."""
        return self.moments.n
