"""Word means: the tokens of each word as one vector; over arrays alone, no source and no words are known."""

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def word_means(value_TD: npt.NDArray[Any], begin_N: Ints, n_N: Ints) -> npt.NDArray[Any]:
    """Mean of each word's tokens, [N, D] in the dtype of the values, added up in float32.

    A word's tokens are `n_N` (at least one) rows of `value_TD` from `begin_N` on. Most words have one token:
    adding the second of all words that have two, and so on, takes a quarter of the time of
    `np.add.reduceat`, which adds in the same order.
    """
    sum_ND = value_TD[begin_N].astype(np.float32)
    for place in range(1, int(n_N.max())):
        longer_M = np.flatnonzero(n_N > place)
        sum_ND[longer_M] += value_TD[begin_N[longer_M] + place]
    several_M = np.flatnonzero(n_N > 1)
    sum_ND[several_M] /= n_N[several_M, None].astype(np.float32)
    return sum_ND.astype(value_TD.dtype, copy=False)
