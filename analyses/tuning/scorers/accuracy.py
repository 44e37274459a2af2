"""Accuracy over the items that have a label."""

import numpy as np
import numpy.typing as npt

from actstore.errors import CorpusError

Ints = npt.NDArray[np.int64]


def accuracy(gold_N: Ints, found_N: Ints) -> float:
    """Share of items predicted right; a gold label below 0 is none. Raises CorpusError where none has one."""
    known_N = gold_N >= 0
    if not known_N.any():
        raise CorpusError("no example of the corpus has a label; score on one with labels")
    return float((gold_N[known_N] == found_N[known_N]).mean())
