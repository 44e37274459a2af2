"""Measures of single vectors and pairs of them, in float64. NumPy only: knows no store and no SQL."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from actstore.errors import RequestError

Rows = npt.NDArray[np.floating]
Values = npt.NDArray[np.float64]
ROWS_PER_PASS = 512
"""Rows that are in float64 at once; few enough to stay in a CPU's cache."""


def cosine(x_ND: Rows, y_ND: Rows) -> Values:
    """Cosine of each row of x to the same row of y, [N] from -1 to 1; NaN where one of them is zero."""
    out_N = np.empty(len(x_ND), np.float64)
    for part, x_PD, y_PD in _passes(x_ND, y_ND):
        length_P = np.sqrt(_dot(x_PD, x_PD)) * np.sqrt(_dot(y_PD, y_PD))
        with np.errstate(invalid="ignore", divide="ignore"):
            out_N[part] = np.where(length_P > 0, _dot(x_PD, y_PD) / length_P, np.nan)
    return np.clip(out_N, -1.0, 1.0)


def change(x_ND: Rows, y_ND: Rows) -> Values:
    """Length of y - x over the length of x, row by row, [N]; NaN where x is zero."""
    out_N = np.empty(len(x_ND), np.float64)
    for part, x_PD, y_PD in _passes(x_ND, y_ND):
        length_P, moved_PD = np.sqrt(_dot(x_PD, x_PD)), y_PD - x_PD
        with np.errstate(invalid="ignore", divide="ignore"):
            out_N[part] = np.where(length_P > 0, np.sqrt(_dot(moved_PD, moved_PD)) / length_P, np.nan)
    return out_N


def _passes(x_ND: Rows, y_ND: Rows) -> Iterator[tuple[slice, Values, Values]]:
    if x_ND.shape != y_ND.shape:
        raise RequestError(f"rows of shapes {x_ND.shape} and {y_ND.shape}: give as many of the same width")
    for at in range(0, len(x_ND), ROWS_PER_PASS):
        part = slice(at, at + ROWS_PER_PASS)
        yield part, x_ND[part].astype(np.float64), y_ND[part].astype(np.float64)


def _dot(x_PD: Values, y_PD: Values) -> Values:
    return np.asarray(np.einsum("pd,pd->p", x_PD, y_PD))
