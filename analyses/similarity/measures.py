"""Measures by name: which moments each needs, and how it finishes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actstore.errors import NotYetError, RequestError
from analyses.similarity.rsa import cosine_rsa
from analyses.statistics.moments import Moments

UNIT, RAW = "unit", "raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A similarity that follows from moments."""

    rows: str
    """Whose moments: 'unit' (rows divided by their lengths) or 'raw'."""
    finish: Callable[[Moments], dict[str, float]]
    """Values by the name they are stored under."""


MEASURES: dict[str, Measure] = {
    "rsa": Measure(rows=UNIT, finish=lambda found: {"rsa": cosine_rsa(found)}),
}
LATER = ("cka", "cka-debiased", "svcca", "pwcca", "procrustes", "neighbours")


def check_measures(names: Sequence[str]) -> None:
    """Raise RequestError or NotYetError for a measure that can not be computed."""
    for name in names:
        if name in LATER:
            raise NotYetError(f"measure {name!r} is not built yet; there is {', '.join(MEASURES)}")
        if name not in MEASURES:
            raise RequestError(f"measure {name!r}: allowed are {', '.join((*MEASURES, *LATER))}")
    if not names:
        raise RequestError(f"measures = []: name one or more of {', '.join(MEASURES)}")
