"""Means and centred second moments of paired rows: of parts, and merged into those of the whole.

Array API code: NumPy, CuPy or any other namespace, on whatever device the rows are. Knows no measure.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from actstore.errors import RequestError
from analyses.statistics.centred import Array, Centred, centred


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossMoments:
    """n paired rows x [D], y [E]: their means and sum of (x - mean)(y - mean)', all float64.

    Centred sums keep their digits where the rows share a large mean, as activations do; sums of raw products
    lose them, in float32 down to the third.
    """

    n: int
    mean_x_D: Array
    mean_y_E: Array
    cross_DE: Array

    def merge(self, other: "CrossMoments") -> "CrossMoments":
        """Moments of both sets of rows together (Chan, Golub and LeVeque 1979, for a pair of variables)."""
        if self.n == 0 or other.n == 0:
            return self if other.n == 0 else other
        n = self.n + other.n
        shift_x_D = other.mean_x_D - self.mean_x_D
        shift_y_E = other.mean_y_E - self.mean_y_E
        between = self.n * other.n / n
        return CrossMoments(
            n=n,
            mean_x_D=self.mean_x_D + shift_x_D * (other.n / n),
            mean_y_E=self.mean_y_E + shift_y_E * (other.n / n),
            cross_DE=self.cross_DE + other.cross_DE + (between * shift_x_D)[:, None] * shift_y_E[None, :],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """All second moments of paired rows: of each side with itself, and across."""

    xx: CrossMoments
    yy: CrossMoments
    xy: CrossMoments

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.xy.n

    def accumulate(self, x_TD: Array, y_TE: Array) -> "Moments":
        """Moments of these rows and further ones."""
        return self.merge(moments(x_TD, y_TE))

    def merge(self, other: "Moments") -> "Moments":
        """Moments of both sets of rows together."""
        return Moments(xx=self.xx.merge(other.xx), yy=self.yy.merge(other.yy), xy=self.xy.merge(other.xy))

    def swapped(self) -> "Moments":
        """The same rows with the sides exchanged."""
        xp = array_namespace(self.xy.cross_DE)
        crossed = CrossMoments(
            n=self.n,
            mean_x_D=self.xy.mean_y_E,
            mean_y_E=self.xy.mean_x_D,
            cross_DE=xp.matrix_transpose(self.xy.cross_DE),
        )
        return Moments(xx=self.yy, yy=self.xx, xy=crossed)


def moments(
    x_TD: Array, y_TE: Array, *, length_x_T: Array | None = None, length_y_T: Array | None = None
) -> Moments:
    """Moments of paired rows, each divided by its length where given (`rows.row_lengths`).

    Products in the rows' own dtype (float32 or float64), everything else in float64.
    Raises RequestError for rows that can not be paired or are of another dtype.
    """
    xp = array_namespace(x_TD, y_TE)
    if x_TD.ndim != 2 or y_TE.ndim != 2 or x_TD.shape[0] != y_TE.shape[0]:
        raise RequestError(f"shapes {x_TD.shape} and {y_TE.shape}: give [T, D] and [T, E] of the same tokens")
    if x_TD.dtype not in (xp.float32, xp.float64) or y_TE.dtype != x_TD.dtype:
        raise RequestError(f"dtypes {x_TD.dtype} and {y_TE.dtype}: give both as float32 or both as float64")
    x, y = centred(x_TD, length_x_T), centred(y_TE, length_y_T)
    return Moments(xx=cross_moments(x, x), yy=cross_moments(y, y), xy=cross_moments(x, y))


def no_moments(width_x: int, width_y: int, xp: Any = np, device: Any = None) -> Moments:
    """Moments of no rows: what merging starts from."""

    def none(n_x: int, n_y: int) -> CrossMoments:
        def zeros(*shape: int) -> Array:
            return xp.zeros(shape, dtype=xp.float64, device=device)

        return CrossMoments(n=0, mean_x_D=zeros(n_x), mean_y_E=zeros(n_y), cross_DE=zeros(n_x, n_y))

    return Moments(xx=none(width_x, width_x), yy=none(width_y, width_y), xy=none(width_x, width_y))


def cross_moments(x: Centred, y: Centred) -> CrossMoments:
    """Moments of two sides of centred rows."""
    xp = array_namespace(x.rows_TD)
    n = x.rows_TD.shape[0]
    product_DE = xp.astype(xp.matrix_transpose(x.rows_TD) @ y.rows_TD, xp.float64)
    left, right = [-n * x.missed_D], [y.missed_D]
    if x.rows_TD.dtype == xp.float32:
        along_x_D, along_y_E, missing_D, missing_E = _lost_along_means(product_DE, x, y)
        left, right = [*left, along_x_D, missing_D], [*right, missing_E, along_y_E]
    return CrossMoments(
        n=n,
        mean_x_D=x.pivot_D + x.missed_D,
        mean_y_E=y.pivot_D + y.missed_D,
        cross_DE=product_DE + xp.stack(left, axis=1) @ xp.stack(right, axis=0),
    )


def _lost_along_means(product_DE: Array, x: Centred, y: Centred) -> tuple[Array, Array, Array, Array]:
    """Directions a, b of the two means, and d, e: product + a e' + d b' is exact along both means.

    Rows of unit length hardly vary along their mean, so that this part is far smaller than the product's
    float32 rounding, and yet RSA's covariance weighs it with the mean's square.
    """
    xp = array_namespace(product_DE)
    along_x_D, along_y_E = _direction(x.pivot_D), _direction(y.pivot_D)
    score_x_T, score_y_T = _scores(x, along_x_D), _scores(y, along_y_E)
    missing_E = _weighted_sum(y, score_x_T) - along_x_D @ product_DE
    missing_D = _weighted_sum(x, score_y_T) - product_DE @ along_y_E
    corner = xp.sum(score_x_T * score_y_T) - along_x_D @ (product_DE @ along_y_E)
    missing_E = missing_E + (corner - missing_E @ along_y_E) * along_y_E
    missing_D = missing_D - (along_x_D @ missing_D) * along_x_D
    return along_x_D, along_y_E, missing_D, missing_E


def _direction(mean_D: Array) -> Array:
    """The mean's direction, of length 1; zeros where the mean is zero."""
    xp = array_namespace(mean_D)
    length = xp.sqrt(xp.sum(mean_D * mean_D))
    return mean_D / xp.where(length > 0.0, length, xp.ones_like(length))


def _scores(x: Centred, along_D: Array) -> Array:
    """Each row's component along a direction, [T] float64."""
    xp = array_namespace(x.rows_TD)
    return xp.astype(x.rows_TD @ xp.astype(along_D, x.rows_TD.dtype), xp.float64)


def _weighted_sum(x: Centred, weight_T: Array) -> Array:
    """Sum of the rows times a weight each, [D] float64."""
    xp = array_namespace(x.rows_TD)
    return xp.astype(xp.astype(weight_T, x.rows_TD.dtype) @ x.rows_TD, xp.float64)
