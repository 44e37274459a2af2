"""Minibatch CKA: the unbiased HSIC of small batches of rows, averaged, then CKA of the averages.

Nguyen et al. 2021, section 3: what others compute while a model runs, to be compared with their numbers.
From a store `cka-debiased` is the same over one batch of all rows, and surer.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace

from actstore.errors import RequestError, WorkError
from analyses.similarity.device import to_host
from analyses.similarity.kernels import off_diagonal
from analyses.similarity.rsa import FIRST, SECOND
from analyses.statistics.held import HeldRows
from analyses.statistics.prepared import Array, Form, pivot_of, prepared

Floats = npt.NDArray[np.float64]
ROWS_PER_BATCH = 512


def minibatch_cka(held: HeldRows, *, rows_per_batch: int = ROWS_PER_BATCH, seed: int = 0) -> float:
    """CKA of the mean unbiased HSIC over random batches of nearly equal sizes that hold each row once.

    Raises RequestError for fewer than four tokens, WorkError naming a bad row, or where a side does not vary.
    """
    if held.n < 4:
        raise RequestError(f"minibatch CKA of {held.n} tokens: it needs 4 or more; ask for more")
    sides = [_prepared(value, name) for value, name in ((held.x_TD, FIRST), (held.y_TE, SECOND))]
    order_T = np.random.default_rng(seed).permutation(held.n)
    batches = np.array_split(order_T, max(1, held.n // rows_per_batch))
    xy, xx, yy = np.mean([_hsic_of_batch(sides, row_K) for row_K in batches], axis=0)
    if not min(xx, yy) > 0.0:
        raise WorkError(
            f"minibatch CKA: the estimated spread of a run's {held.n} rows is not above 0, so that no "
            "similarity exists; ask for more tokens"
        )
    return float(xy / math.sqrt(xx) / math.sqrt(yy))


def _prepared(value_TD: Array, name: Any) -> Array:
    form = Form()
    return prepared(value_TD, pivot_of(value_TD, form, name), form, name).rows_TD


def _hsic_of_batch(sides: list[Array], row_K: npt.NDArray[np.int64]) -> Floats:
    """Unbiased HSIC (Song et al. 2012, equation 5) of both sides, of the first and of the second alone."""
    grams = []
    for value_TD in sides:
        xp = array_namespace(value_TD)
        rows = xp.take(value_TD, xp.asarray(row_K, device=value_TD.device), axis=0)
        gram = rows @ xp.matrix_transpose(rows)
        grams.append(gram * off_diagonal(gram))
    n = len(row_K)
    rows_K = [to_host(xp.sum(gram, axis=0, dtype=xp.float64)) for gram in grams]
    found = []
    for one, other in ((0, 1), (0, 0), (1, 1)):
        product = float(xp.sum(grams[one] * grams[other], dtype=xp.float64))
        both = float(rows_K[one].sum()) * float(rows_K[other].sum()) / ((n - 1) * (n - 2))
        across = 2.0 / (n - 2) * float(rows_K[one] @ rows_K[other])
        found.append((product + both - across) / (n * (n - 3)))
    return np.array(found)
