"""Measures by name: what each needs of the rows, and how it finishes. A new measure is one entry."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from actstore.errors import RequestError
from analyses.similarity.cca import cca, pwcca, svcca
from analyses.similarity.cka import debiased_cka, linear_cka
from analyses.similarity.kernels import KERNELS
from analyses.similarity.minibatch import minibatch_cka
from analyses.similarity.neighbours import MAX_TOKENS as NEIGHBOURS_AT_MOST
from analyses.similarity.neighbours import K, common_share, nearest
from analyses.similarity.pairwise import MAX_TOKENS as PAIRS_AT_MOST
from analyses.similarity.pairwise import kernel_cka, kernel_rsa
from analyses.similarity.procrustes import procrustes
from analyses.similarity.ranks import MAX_TOKENS as RANKS_AT_MOST
from analyses.similarity.ranks import spearman_rsa
from analyses.similarity.rsa import UNIT, cosine_rsa
from analyses.similarity.shape import shape
from analyses.similarity.topology import check_ripser, rtd
from analyses.statistics.grid import Cell, GridSums
from analyses.statistics.prepared import Array, Form
from analyses.statistics.rows import RowName

RAW, NORMED, EXACT = Form(), Form(norms=True), Form(exact=True)
COMPARES = ("pearson", "spearman")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How measures that come in several kinds are taken."""

    kernel: str = "cosine"
    """Of rsa; 'rbf' also of cka and cka-debiased, which are linear otherwise."""
    compare: str = "pearson"
    """How rsa compares two kernels."""
    alpha: float = 1.0
    """Of shape: 1 leaves the rows as they are, 0 whitens them."""

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("kernel", self.kernel, KERNELS),
            ("compare", self.compare, COMPARES),
        ):
            if value not in allowed:
                raise RequestError(f"{name} = {value!r}: allowed are {', '.join(allowed)}")
        if not 0.0 <= self.alpha <= 1.0:
            raise RequestError(f"alpha = {self.alpha}: it must be from 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A similarity: of moments in a form, or of the rows themselves."""

    form: Form | None
    """None: it needs all rows of both sides."""
    finish: Callable[[Any], dict[str, float]]
    """From NormMoments (of a form with norms), Moments or HeldRows to values by their stored names.

    With `side`, of rows: from what that made of each side.
    """
    side: Callable[[Array, RowName], Any] | None = None
    """Made once of a side's rows for all it is compared with."""
    more_tokens_than_units: bool = False
    tokens: tuple[int, int | None] = (2, None)
    """Fewest and most that it can be taken of."""


def _rsa(options: Options) -> Measure:
    kernel, ranks = options.kernel, options.compare == "spearman"
    name = "-".join(["rsa", *([kernel] if kernel != "cosine" else []), *(["spearman"] if ranks else [])])
    if ranks:
        return _measure(None, name, lambda held: spearman_rsa(held, kernel), tokens=(3, RANKS_AT_MOST))
    if kernel == "cosine":
        return _measure(UNIT, name, cosine_rsa, tokens=(3, None))
    return _measure(None, name, lambda held: kernel_rsa(held, kernel), tokens=(3, PAIRS_AT_MOST))


def _cka(options: Options, *, debiased: bool) -> Measure:
    name = "cka-debiased" if debiased else "cka"
    if options.kernel == "rbf":
        value = partial(kernel_cka, kernel="rbf", debiased=debiased)
        return _measure(None, f"{name}-rbf", value, tokens=(4, PAIRS_AT_MOST))
    if debiased:
        return _measure(NORMED, name, debiased_cka, tokens=(4, None))
    return _measure(RAW, name, linear_cka)


def _rtd() -> Measure:
    check_ripser()
    return _measure(None, "rtd", rtd, tokens=(4, None))


def _measure(form: Form | None, name: str, value: Callable[[Any], float], **more: Any) -> Measure:
    return Measure(form=form, finish=lambda found: {name: value(found)}, **more)


MEASURES: dict[str, Callable[[Options], Measure]] = {
    "rsa": _rsa,
    "cka": partial(_cka, debiased=False),
    "cka-debiased": partial(_cka, debiased=True),
    "cka-minibatch": lambda options: _measure(None, "cka-minibatch", minibatch_cka, tokens=(4, None)),
    "cca": lambda options: Measure(form=EXACT, finish=cca, more_tokens_than_units=True),
    "svcca": lambda options: _measure(EXACT, "svcca", svcca, more_tokens_than_units=True),
    "pwcca": lambda options: Measure(form=EXACT, finish=pwcca, more_tokens_than_units=True),
    "procrustes": lambda options: Measure(form=RAW, finish=procrustes),
    "shape": lambda options: Measure(
        form=EXACT if options.alpha < 1.0 else RAW,
        finish=partial(shape, alpha=options.alpha),
        more_tokens_than_units=options.alpha < 1.0,
    ),
    "neighbours": lambda options: Measure(
        form=None,
        side=nearest,
        finish=lambda both: {"neighbours": common_share(*both)},
        tokens=(K + 2, NEIGHBOURS_AT_MOST),
    ),
    "rtd": lambda options: _rtd(),
}


def measures_of(names: Sequence[str], options: Options) -> tuple[Measure, ...]:
    """The named measures. Raises RequestError for one that there is not."""
    check_measures(names)
    return tuple(MEASURES[name](options) for name in names)


def forms_of(measures: Iterable[Measure]) -> tuple[Form, ...]:
    """The forms to sum in: each once, and raw rows with norms serve those without."""
    forms = list(dict.fromkeys(measure.form for measure in measures if measure.form is not None))
    return tuple(form for form in forms if form != RAW or NORMED not in forms)


def finish(measure: Measure, sums: Mapping[Form, GridSums], cell: Cell) -> dict[str, float]:
    """The values of a measure of moments, for one cell."""
    form = measure.form
    assert form is not None
    if form.norms:
        return measure.finish(sums[form].norm_moments(*cell))
    return measure.finish(sums[form if form in sums else NORMED].moments(*cell))


def check_measures(names: Sequence[str]) -> None:
    """Raise RequestError for a measure that there is not."""
    for name in names:
        if name not in MEASURES:
            raise RequestError(f"measure {name!r}: allowed are {', '.join(MEASURES)}")
    if not names:
        raise RequestError(f"measures = []: name one or more of {', '.join(MEASURES)}")
