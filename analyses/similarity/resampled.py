"""Measures of bootstrap resamples over examples, and their intervals.

A resample is a weight for each token: how often its example was drawn. All cells of a sample have the same
resamples, so that their values can be compared and averaged draw by draw.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace, device

from actstore.errors import RequestError
from analyses.readers.sample import Sample
from analyses.similarity.bootstrap import resampled_rsa
from analyses.similarity.device import to_device
from analyses.similarity.measures import NORMED, RAW, finish, forms_of
from analyses.similarity.request import GridArgs
from analyses.similarity.rsa import FIRST, SECOND
from analyses.statistics.grid import Cell, GridSums
from analyses.statistics.prepared import Array, Form, prepared
from analyses.statistics.resampling import example_weights, percentile_interval

Floats = npt.NDArray[np.float64]
MAX_TOKENS = 50_000
"""Resampling passes over all rows, or all pairs, again and again."""


def resampled_values(
    grid: GridArgs, sample: Sample, held: Sequence[Array], cell: Cell, sums: dict[Form, GridSums]
) -> dict[str, Floats]:
    """Values [R] of each resample, by name; measures that need pairs, other than RSA of cosines, have none.

    Raises RequestError for too many tokens or a single example.
    """
    if sample.n_tokens > MAX_TOKENS:
        raise RequestError(
            f"resamples of {sample.n_tokens} tokens: at most {MAX_TOKENS:,}, for all are looked at each "
            "time; ask for fewer tokens, or set resamples = 0"
        )
    weight_TR = example_weights(sample.example_T, grid.resamples, grid.sample.seed)
    x_TD, y_TE = (held[number] for number in cell)
    xp = array_namespace(x_TD)
    chosen = grid.chosen()
    found: dict[str, Floats] = {}
    if any(measure.form is not None and measure.form.unit for measure in chosen):
        found["rsa"] = resampled_rsa(x_TD, y_TE, weight_TR)
    others = [measure for measure in chosen if measure.form is not None and not measure.form.unit]
    drawn: dict[str, list[float]] = {}
    for form in forms_of(others):
        mine = [one for one in others if one.form == form or (one.form, form) == (RAW, NORMED)]
        pivots = [sums[form].pivots[number] for number in cell]
        sides = [
            prepared(value, pivot, form, name)
            for value, pivot, name in zip((x_TD, y_TE), pivots, (FIRST, SECOND), strict=True)
        ]
        for weight_T in weight_TR.T:
            part = GridSums(pivots, [(0, 1)], form)
            part.add_prepared(sides, to_device(weight_T, xp, device(x_TD)))
            for measure in mine:
                for name, value in finish(measure, {form: part}, (0, 1)).items():
                    drawn.setdefault(name, []).append(value)
    return found | {name: np.array(values) for name, values in drawn.items()}


def centred_interval(measure: str, value: float, value_R: Floats) -> tuple[float, float]:
    """The central 95 % of the resampled values, moved so that their mean is the value.

    Copies of a token are alike in both runs, which raises every measure that counts them: their spread says
    how sure the value is, their mean does not. RSA leaves such pairs out and is not moved.
    """
    low, high = percentile_interval(value_R)
    by = 0.0 if measure == "rsa" else value - float(value_R.mean())
    return low + by, high + by
