"""Resampled values from groups of examples that are left out in turn, where a bootstrap would cost too much.

For all tokens, whose sums are kept a group each, and for measures of all pairs of tokens.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace

from analyses.readers.sample import Sample
from analyses.similarity.request import GridArgs
from analyses.similarity.sides import HeldSides, Sums, held_values, moment_values
from analyses.statistics.grid import Cell
from analyses.statistics.jackknife import check_groups, group_slices, jackknife_draws
from analyses.statistics.prepared import Array

Floats = npt.NDArray[np.float64]
Values = Mapping[Cell, Mapping[str, float]]


def of_kept_sums(grid: GridArgs, total: Sums, groups: Iterable[Sums]) -> dict[Cell, dict[str, Floats]]:
    """Values [R] of measures of moments.

    `groups`: the sums of each, one at a time in memory; empty ones are skipped.
    Raises RequestError where fewer than five hold tokens.
    """
    left_out, sizes = list[Values](), list[float]()
    for group in groups:
        n_tokens = next(iter(group.values())).n_rows
        if n_tokens:
            rest = {form: sums.without(group[form]) for form, sums in total.items()}
            left_out.append({cell: moment_values(grid, rest, cell) for cell in grid.cells})
            sizes.append(n_tokens)
    check_groups(len(sizes))
    whole = {cell: moment_values(grid, total, cell) for cell in grid.cells}
    return _drawn(grid, whole, left_out, sizes)


def of_held_rows(
    grid: GridArgs, sample: Sample, held: Sequence[Array], whole: Values
) -> dict[Cell, dict[str, Floats]]:
    """Values [R] of measures of the rows themselves, each found anew without each group of the sample.

    Raises RequestError for too few examples, or too few tokens without a group.
    """
    slices = group_slices(sample.example_T)
    left_out = []
    for group in slices:
        made = HeldSides(grid, [_without(rows, group) for rows in held])
        left_out.append({cell: held_values(grid, made, cell) for cell in grid.cells})
    names = left_out[0][grid.cells[0]].keys()
    mine = {cell: {name: whole[cell][name] for name in names} for cell in grid.cells}
    return _drawn(grid, mine, left_out, [group.stop - group.start for group in slices])


def _drawn(
    grid: GridArgs, whole: Values, left_out: Sequence[Values], sizes: Sequence[float]
) -> dict[Cell, dict[str, Floats]]:
    return {
        cell: {
            name: jackknife_draws(
                value,
                np.array([values[cell][name] for values in left_out]),
                sizes,
                grid.resamples,
                grid.sample.seed,
            )
            for name, value in values.items()
        }
        for cell, values in whole.items()
    }


def _without(rows_TD: Array, group: slice) -> Array:
    xp = array_namespace(rows_TD)
    return xp.concat([rows_TD[: group.start, :], rows_TD[group.stop :, :]], axis=0)
