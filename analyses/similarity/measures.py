"""Measures by name: which sums of the rows each needs, and how it finishes. A new measure is one entry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from actstore.errors import RequestError
from analyses.similarity.cca import pwcca, svcca
from analyses.similarity.cka import debiased_cka, linear_cka
from analyses.similarity.neighbours import mutual_neighbours
from analyses.similarity.procrustes import procrustes
from analyses.similarity.rsa import cosine_rsa, unit_moments
from analyses.statistics.centred import Array
from analyses.statistics.held import HeldRows
from analyses.statistics.moments import Moments, moments
from analyses.statistics.norms import NormMoments, norm_moments
from analyses.statistics.rows import RowName, finite_rows

Sums = Any
"""What is kept of rows and merges: Moments, NormMoments or HeldRows."""


def _raw(x_TD: Array, y_TE: Array, name_x: RowName, name_y: RowName) -> Moments:
    return moments(finite_rows(x_TD, name_x), finite_rows(y_TE, name_y))


def _exact(x_TD: Array, y_TE: Array, name_x: RowName, name_y: RowName) -> Moments:
    xp = array_namespace(x_TD)
    return _raw(xp.astype(x_TD, xp.float64), xp.astype(y_TE, xp.float64), name_x, name_y)


def _normed(x_TD: Array, y_TE: Array, name_x: RowName, name_y: RowName) -> NormMoments:
    return norm_moments(finite_rows(x_TD, name_x), finite_rows(y_TE, name_y))


def _held(x_TD: Array, y_TE: Array, name_x: RowName, name_y: RowName) -> HeldRows:
    return HeldRows(parts=((finite_rows(x_TD, name_x), finite_rows(y_TE, name_y)),))


SUMS: dict[str, Callable[[Array, Array, RowName, RowName], Sums]] = {
    "unit": unit_moments,
    "raw": _raw,
    "exact": _exact,
    "normed": _normed,
    "rows": _held,
}
"""What is kept of a step's rows: moments of unit rows, of raw rows, of raw rows with float64 products, of raw
rows with norm sums; or the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A similarity that follows from sums over rows."""

    sums: str
    """Which of SUMS."""
    finish: Callable[[Sums], dict[str, float]]
    """Values by the name they are stored under."""


MEASURES: dict[str, Measure] = {
    "rsa": Measure(sums="unit", finish=lambda found: {"rsa": cosine_rsa(found)}),
    "cka": Measure(sums="raw", finish=lambda found: {"cka": linear_cka(found)}),
    "cka-debiased": Measure(sums="normed", finish=lambda found: {"cka-debiased": debiased_cka(found)}),
    "svcca": Measure(sums="exact", finish=lambda found: {"svcca": svcca(found)}),
    "pwcca": Measure(sums="exact", finish=pwcca),
    "procrustes": Measure(sums="raw", finish=procrustes),
    "neighbours": Measure(sums="rows", finish=lambda found: {"neighbours": mutual_neighbours(found)}),
}


def check_measures(names: Sequence[str]) -> None:
    """Raise RequestError for a measure that there is not."""
    for name in names:
        if name not in MEASURES:
            raise RequestError(f"measure {name!r}: allowed are {', '.join(MEASURES)}")
    if not names:
        raise RequestError(f"measures = []: name one or more of {', '.join(MEASURES)}")
