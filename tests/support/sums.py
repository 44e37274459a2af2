"""Moments of two arrays, as measures take them."""

from analyses.similarity.arrays import paired_sums
from analyses.statistics.moments import Moments, NormMoments
from analyses.statistics.prepared import Array, Form


def moments(x_TD: Array, y_TE: Array) -> Moments:
    return paired_sums(x_TD, y_TE, Form()).moments(0, 1)


def norm_moments(x_TD: Array, y_TE: Array) -> NormMoments:
    return paired_sums(x_TD, y_TE, Form(norms=True)).norm_moments(0, 1)
