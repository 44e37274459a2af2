"""Sums of two arrays of the same tokens, for measures of what is in memory."""

from array_api_compat import array_namespace

from actstore.errors import RequestError
from analyses.statistics.grid import GridSums
from analyses.statistics.prepared import Array, Form, pivot_of
from analyses.statistics.rows import RowName, numbered, steps

ROWS_PER_STEP = 4096


def paired_sums(x_TD: Array, y_TE: Array, form: Form, *, rows_per_step: int = ROWS_PER_STEP) -> GridSums:
    """Sums of rows [T, D] (side 0) and [T, E] (side 1), both float32 or both float64.

    Raises RequestError for rows that can not be paired, WorkError naming a bad row.
    """
    array_namespace(x_TD, y_TE)
    if x_TD.ndim != 2 or y_TE.ndim != 2 or not x_TD.shape[0] == y_TE.shape[0] > 0:
        raise RequestError(f"shapes {x_TD.shape} and {y_TE.shape}: give [T, D] and [T, E] of the same tokens")
    pivots = [pivot_of(value, form, name) for value, name in zip((x_TD, y_TE), _names(0), strict=True)]
    sums = GridSums(pivots, [(0, 1)], form)
    for step in steps(x_TD.shape[0], rows_per_step):
        sums.add((x_TD[step, :], y_TE[step, :]), _names(step.start))
    return sums


def _names(first: int) -> tuple[RowName, RowName]:
    return numbered("first run", first), numbered("second run", first)
