"""Sums of products of squared distances from the mean, of paired rows. They merge, as moments do."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from analyses.statistics.centred import Array, Centred, centred
from analyses.statistics.moments import CrossMoments, Moments, cross_moments


@dataclass(frozen=True, slots=True, kw_only=True)
class Norms:
    """With rows c, d less their means: sums that need both rows' squared lengths. All float64."""

    joint: Array
    """Sum of |c|^2 |d|^2."""
    pull_x_D: Array
    """Sum of |d|^2 c."""
    pull_y_E: Array
    """Sum of |c|^2 d."""

    def moved(
        self, part: CrossMoments, spread_x: Array, spread_y: Array, by_x_D: Array, by_y_E: Array
    ) -> "Norms":
        """The sums with every c + by_x and d + by_y in the place of c and d (whose sums are 0).

        `part`: moments of the same rows; `spread_x`, `spread_y`: sums of |c|^2 and |d|^2.
        """
        squared_x, squared_y = by_x_D @ by_x_D, by_y_E @ by_y_E
        cross_y_D = part.cross_DE @ by_y_E
        joint = self.joint + 2.0 * (by_y_E @ self.pull_y_E + by_x_D @ self.pull_x_D)
        joint = joint + squared_y * spread_x + squared_x * spread_y + 4.0 * (by_x_D @ cross_y_D)
        return Norms(
            joint=joint + part.n * squared_x * squared_y,
            pull_x_D=self.pull_x_D + (spread_y + part.n * squared_y) * by_x_D + 2.0 * cross_y_D,
            pull_y_E=self.pull_y_E
            + (spread_x + part.n * squared_x) * by_y_E
            + 2.0 * (by_x_D @ part.cross_DE),
        )

    def plus(self, other: "Norms") -> "Norms":
        """Sums about the same means added."""
        return Norms(
            joint=self.joint + other.joint,
            pull_x_D=self.pull_x_D + other.pull_x_D,
            pull_y_E=self.pull_y_E + other.pull_y_E,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NormMoments:
    """Moments of paired rows with the norm sums of each side and across."""

    moments: Moments
    xx: Norms
    yy: Norms
    xy: Norms

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.moments.n

    def merge(self, other: "NormMoments") -> "NormMoments":
        """Those of both sets of rows together."""
        total = self.moments.merge(other.moments)
        mine, theirs = _about(self, total), _about(other, total)
        return NormMoments(
            moments=total,
            xx=mine.xx.plus(theirs.xx),
            yy=mine.yy.plus(theirs.yy),
            xy=mine.xy.plus(theirs.xy),
        )


def norm_moments(x_TD: Array, y_TE: Array) -> NormMoments:
    """Moments and norm sums of paired rows [T, D], [T, E], both float32 or both float64."""
    x, y = centred(x_TD, None), centred(y_TE, None)
    found = Moments(xx=cross_moments(x, x), yy=cross_moments(y, y), xy=cross_moments(x, y))
    return NormMoments(moments=found, xx=_norms(x, x), yy=_norms(y, y), xy=_norms(x, y))


def _norms(x: Centred, y: Centred) -> Norms:
    xp = array_namespace(x.rows_TD)
    length_x_T, length_y_T = (xp.vecdot(side.rows_TD, side.rows_TD) for side in (x, y))
    return Norms(
        joint=xp.sum(xp.astype(length_x_T, xp.float64) * xp.astype(length_y_T, xp.float64)),
        pull_x_D=xp.astype(length_y_T @ x.rows_TD, xp.float64),
        pull_y_E=xp.astype(length_x_T @ y.rows_TD, xp.float64),
    )


def _about(part: NormMoments, total: Moments) -> NormMoments:
    """The norm sums of a part about the means of the whole."""
    own = part.moments
    xp = array_namespace(own.xy.cross_DE)
    spread_x, spread_y = (xp.linalg.trace(side.cross_DE) for side in (own.xx, own.yy))
    by_x_D, by_y_E = own.xy.mean_x_D - total.xy.mean_x_D, own.xy.mean_y_E - total.xy.mean_y_E
    return NormMoments(
        moments=own,
        xx=part.xx.moved(own.xx, spread_x, spread_x, by_x_D, by_x_D),
        yy=part.yy.moved(own.yy, spread_y, spread_y, by_y_E, by_y_E),
        xy=part.xy.moved(own.xy, spread_x, spread_y, by_x_D, by_y_E),
    )
