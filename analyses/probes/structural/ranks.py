"""Spearman's correlation of rows, ties at their average rank; rows that do not vary have none (NaN)."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def spearman(a_RN: npt.NDArray[Any], b_RN: npt.NDArray[Any]) -> Floats:
    """Of each row of one array with the same row of the other, [..., N] and [..., N] -> [...], float64.

    The rows of either may be fewer, as NumPy broadcasts. NaN where a row is constant, as in SciPy.
    """
    a_RN, b_RN = _centred(ranks(a_RN)), _centred(ranks(b_RN))
    product_R = np.sum(a_RN * b_RN, axis=-1)
    length_R = np.sqrt(np.sum(a_RN**2, axis=-1) * np.sum(b_RN**2, axis=-1))
    out_R = np.full(np.shape(product_R), np.nan)
    np.divide(product_R, length_R, out=out_R, where=length_R > 0)
    return out_R


def ranks(value_RN: npt.NDArray[Any]) -> Floats:
    """Rank of each value in its row from 1, equal values at their mean; [..., N].

    Counts pairs, so that it needs N times the memory of the values: rows are sentences.
    """
    other_RNN = value_RN[..., None, :]
    below_RN = np.sum(other_RNN < value_RN[..., None], axis=-1)
    equal_RN = np.sum(other_RNN == value_RN[..., None], axis=-1)
    return np.asarray(below_RN + (equal_RN + 1) / 2, dtype=np.float64)


def _centred(value_RN: Floats) -> Floats:
    return np.asarray(value_RN - value_RN.mean(axis=-1, keepdims=True))
