"""Centred: rows less a pivot near their mean, keeping the digits that the difference has."""

from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from analyses.statistics.rows import ROWS_PER_PASS, steps

Array = Any
"""An array of any array API namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Centred:
    """Rows less a pivot near their mean, and what the pivot missed."""

    rows_TD: Array
    pivot_D: Array
    missed_D: Array
    """Mean of `rows_TD`, float64."""


def centred(value_TD: Array, length_T: Array | None) -> Centred:
    """Rows, divided by their lengths where given, less a pivot.

    Computed in float64 and only then rounded to the rows' dtype: the difference is far smaller than its
    terms, so that rounding these would cost its digits.
    """
    xp = array_namespace(value_TD)
    n = value_TD.shape[0]
    scale_T = xp.ones_like(value_TD[:, 0], dtype=xp.float64) if length_T is None else 1.0 / length_T
    pivot_D = xp.astype(xp.astype(scale_T, value_TD.dtype) @ value_TD, xp.float64) / max(1, n)
    rows_TD = xp.empty_like(value_TD)
    for part in steps(n, ROWS_PER_PASS):
        exact_TD = xp.astype(value_TD[part, :], xp.float64) * scale_T[part][:, None] - pivot_D[None, :]
        rows_TD[part, :] = xp.astype(exact_TD, value_TD.dtype)
    missed_D = xp.sum(rows_TD, axis=0, dtype=xp.float64) / max(1, n)
    return Centred(rows_TD=rows_TD, pivot_D=pivot_D, missed_D=missed_D)
