"""Rows in steps, checked, and their lengths."""

from collections.abc import Callable, Iterator
from typing import Any

from array_api_compat import array_namespace

from actstore.errors import WorkError

Array = Any
"""An array of any array API namespace."""
RowName = Callable[[int], str]
"""How the row at an index is called in a message."""
ROWS_PER_PASS = 128
"""Rows that are in float64 at once; few enough to stay in a CPU's cache."""


def steps(n_rows: int, rows_per_step: int) -> Iterator[slice]:
    """Slices of at most `rows_per_step` that cover the rows in order."""
    for first in range(0, n_rows, rows_per_step):
        yield slice(first, min(first + rows_per_step, n_rows))


def numbered(what: str, first: int = 0) -> RowName:
    """Names rows by their number, the first given being `first`."""
    return lambda index: f"{what}: row {first + index}"


def check_rows(square_T: Array, name: RowName, *, zero: bool) -> None:
    """Raise WorkError naming the first row that is not finite, or is zero unless `zero` is allowed.

    `square_T`: the rows' squared lengths, float64.
    """
    xp = array_namespace(square_T)
    _refuse(xp.isfinite(square_T), name, "is not finite")
    if not zero:
        _refuse(square_T > 0.0, name, "is zero, so that its cosine to any other row is undefined")


def row_lengths(value_TD: Array, name: RowName) -> Array:
    """Euclidean length of each row, [T] float64.

    Raises WorkError naming the first row that is not finite or is zero, for which no cosine exists.
    """
    xp = array_namespace(value_TD)
    square_T = xp.empty_like(value_TD[:, 0], dtype=xp.float64)
    for part in steps(value_TD.shape[0], ROWS_PER_PASS):
        exact_TD = xp.astype(value_TD[part, :], xp.float64)
        square_T[part] = xp.vecdot(exact_TD, exact_TD)
    check_rows(square_T, name, zero=False)
    return xp.sqrt(square_T)


def _refuse(good_T: Array, name: RowName, why: str) -> None:
    xp = array_namespace(good_T)
    if bool(xp.all(good_T)):
        return
    first = int(xp.argmax(xp.astype(~good_T, xp.int8)))
    raise WorkError(f"{name(first)} {why}; leave its example out, or check the run with `actstore verify`")
