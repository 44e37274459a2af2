"""Multibootstrap: seeds and examples drawn again together (Sellam et al. 2022, the MultiBERTs).

How sure is a mean over replicates: over other seeds of the same training, and over other examples of the same
kind? Every seed is scored on the same resampled examples; each resample draws seeds too and averages them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actstore.errors import RequestError
from analyses.statistics.resampling import percentile_interval

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A mean over seeds, and how sure it is."""

    mean: float
    deviation: float
    """Of the seeds' values, on all examples; 0 for one seed."""
    low: float
    high: float
    """95 % of the resampled means, of seeds and examples."""
    n_seeds: int


def multibootstrap(value_SR: Floats, seed: int = 0) -> Floats:
    """The mean over drawn seeds in each resample, [R], of each seed's value in each resample of examples.

    Paired: where the values are differences of two conditions, both draw the same seeds.
    Raises RequestError without a seed.
    """
    n_seeds, n_resamples = value_SR.shape
    if not n_seeds:
        raise RequestError("a multibootstrap of 0 seeds: give the values of one or more")
    drawn_SR = np.random.default_rng([seed, 2]).integers(0, n_seeds, (n_seeds, n_resamples))
    mean_R: Floats = np.take_along_axis(value_SR, drawn_SR, axis=0).mean(axis=0)
    return mean_R


def spread(value_S: Floats, value_SR: Floats, seed: int = 0) -> Spread:
    """Mean, deviation and interval of seeds whose values are `value_S` on all examples.

    The interval is moved so that its resamples' mean is the mean: what copies of examples raise is no news.
    """
    mean_R = multibootstrap(value_SR, seed)
    low, high = percentile_interval(mean_R)
    by = float(value_S.mean() - value_SR.mean())
    return Spread(
        mean=float(value_S.mean()),
        deviation=float(value_S.std(ddof=1)) if len(value_S) > 1 else 0.0,
        low=low + by,
        high=high + by,
        n_seeds=len(value_S),
    )


def share_not_above(delta_R: Floats) -> float:
    """Share of resampled differences that are not above 0: a p-value, at least one over their number."""
    return max(float(np.mean(delta_R <= 0.0)), 1.0 / len(delta_R))
