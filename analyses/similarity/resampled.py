"""Measures of bootstrap resamples over examples, and their intervals.

A resample is a weight for each token: how often its example was drawn. All cells of a sample have the same
resamples, so that their values can be compared and averaged draw by draw.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace, device

from analyses.readers.sample import Sample
from analyses.similarity.bootstrap import resampled_rsa
from analyses.similarity.device import to_device
from analyses.similarity.left_out import Values, of_held_rows
from analyses.similarity.measures import NORMED, RAW, finish, forms_of
from analyses.similarity.request import GridArgs
from analyses.similarity.rsa import FIRST, SECOND
from analyses.similarity.sides import HeldSides, Sums
from analyses.statistics.grid import Cell, GridSums
from analyses.statistics.prepared import Array, prepared
from analyses.statistics.resampling import example_weights, percentile_interval

Floats = npt.NDArray[np.float64]


def resampled_values(
    grid: GridArgs, sample: Sample, held: Sequence[Array], cell: Cell, sums: Sums
) -> dict[str, Floats]:
    """Values [R] of each resample, by name, of measures of moments.

    Raises RequestError for a single example, WorkError where a resample has no similarity.
    """
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


def resampled_cells(
    grid: GridArgs, sample: Sample, sums: Sums, made: HeldSides, values: Values
) -> dict[Cell, dict[str, Floats]]:
    """Values [R] of every measure in each cell: a bootstrap of those of moments, a jackknife of the others.

    Raises RequestError for too few examples.
    """
    chosen = grid.chosen()
    found: dict[Cell, dict[str, Floats]] = {cell: {} for cell in grid.cells}
    if any(measure.form is not None for measure in chosen):
        found = {cell: resampled_values(grid, sample, made.held, cell, sums) for cell in grid.cells}
    if any(measure.form is None for measure in chosen):
        for cell, drawn in of_held_rows(grid, sample, made.held, values).items():
            found[cell] |= drawn
    return found


def centred_interval(measure: str, value: float, value_R: Floats) -> tuple[float, float]:
    """The central 95 % of the resampled values, moved so that their mean is the value.

    Copies of a token are alike in both runs, which raises every measure that counts them: their spread says
    how sure the value is, their mean does not. RSA leaves such pairs out and is not moved.
    """
    low, high = percentile_interval(value_R)
    by = 0.0 if measure == "rsa" else value - float(value_R.mean())
    return low + by, high + by
