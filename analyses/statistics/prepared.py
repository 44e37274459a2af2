"""Prepared rows: checked, divided by their lengths where asked, less a pivot, ready to be multiplied.

One pass in float64 over a few rows at a time, which stay in a CPU's cache; only the difference from the pivot
is rounded to the rows' dtype, because it is far smaller than its terms.
"""

from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from analyses.statistics.rows import ROWS_PER_PASS, RowName, check_rows, steps

Array = Any
"""An array of any array API namespace."""
PIVOT_ROWS = 512
"""Rows at the start whose mean is the pivot; every part of a whole takes the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How rows are prepared and what is summed."""

    unit: bool = False
    """Rows are divided by their lengths."""
    exact: bool = False
    """Products in float64, whatever the rows are."""
    norms: bool = False
    """Sums with the squared distances from the pivot too."""

    @property
    def corrected(self) -> bool:
        """Whether float32 products are made exact along the pivots: RSA's covariance weighs those most."""
        return self.unit and not self.exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Pivot:
    """A point near the mean of a side's rows, float64, and its direction (zeros where it is zero)."""

    point_D: Array
    along_D: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Rows less the pivot, and what their float64 differences sum to."""

    rows_TD: Array
    total_D: Array
    score_T: Array | None
    """Component along the pivot's direction; None unless the form is corrected."""
    square_T: Array | None
    """Squared length; None unless the form has norms."""


def pivot_of(value_TD: Array, form: Form, name: RowName) -> Pivot:
    """The mean of the first rows. Raises WorkError for a row that is not finite, or zero in a unit form."""
    xp = array_namespace(value_TD)
    exact_TD = _exact(value_TD[: min(PIVOT_ROWS, value_TD.shape[0]), :], form, name)
    return pivot_at(xp.mean(exact_TD, axis=0))


def pivot_at(point_D: Array) -> Pivot:
    """A given point as the pivot."""
    xp = array_namespace(point_D)
    length = xp.sqrt(xp.sum(point_D * point_D))
    return Pivot(point_D=point_D, along_D=point_D / xp.where(length > 0.0, length, xp.ones_like(length)))


def prepared(value_TD: Array, pivot: Pivot, form: Form, name: RowName) -> Prepared:
    """Rows [T, D] of float32 or float64, prepared.

    Raises WorkError naming a row that is not finite, or is zero where rows are divided by their lengths.
    """
    xp = array_namespace(value_TD)
    dtype = xp.float64 if form.exact else value_TD.dtype
    rows_TD = xp.empty_like(value_TD, dtype=dtype)
    score_T, square_T = (xp.empty_like(value_TD[:, 0], dtype=xp.float64) for _ in range(2))
    total_D = xp.zeros_like(pivot.point_D)
    for part in steps(value_TD.shape[0], ROWS_PER_PASS):
        exact_TD = _exact(value_TD[part, :], form, _shifted(name, part.start))
        exact_TD -= pivot.point_D[None, :]
        rows_TD[part, :] = xp.astype(exact_TD, dtype)
        total_D = total_D + xp.sum(exact_TD, axis=0)
        if form.corrected:
            score_T[part] = exact_TD @ pivot.along_D
        if form.norms:
            square_T[part] = xp.vecdot(exact_TD, exact_TD)
    return Prepared(
        rows_TD=rows_TD,
        total_D=total_D,
        score_T=score_T if form.corrected else None,
        square_T=square_T if form.norms else None,
    )


def _exact(value_TD: Array, form: Form, name: RowName) -> Array:
    """A float64 copy, over its lengths in a unit form."""
    xp = array_namespace(value_TD)
    exact_TD = xp.astype(value_TD, xp.float64, copy=True)
    square_T = xp.vecdot(exact_TD, exact_TD)
    check_rows(square_T, name, zero=not form.unit)
    if form.unit:
        exact_TD *= (1.0 / xp.sqrt(square_T))[:, None]
    return exact_TD


def _shifted(name: RowName, start: int) -> RowName:
    return lambda index: name(start + index)
