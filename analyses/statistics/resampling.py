"""Resampling with replacement by example, and percentile intervals."""

import numpy as np
import numpy.typing as npt

from actstore.errors import RequestError


def example_weights(example_T: npt.NDArray[np.int64], resamples: int, seed: int) -> npt.NDArray[np.float32]:
    """How often each token is in each bootstrap resample of whole examples: [T, R].

    Tokens of one example are not independent, so that examples are drawn, with all their sampled tokens.
    Raises RequestError where there is one example alone.
    """
    examples_N, index_T = np.unique(example_T, return_inverse=True)
    if len(examples_N) < 2:
        raise RequestError(
            f"resamples of {len(examples_N)} example: an interval by example needs 2 or more; sample more "
            "examples, or set resamples = 0"
        )
    n = len(examples_N)
    counts_RN = np.random.default_rng([seed, 1]).multinomial(n, np.full(n, 1.0 / n), size=resamples)
    return np.ascontiguousarray(counts_RN.T[index_T], dtype=np.float32)


def percentile_interval(value_R: npt.NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """The central interval that holds `level` of the resampled values."""
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(value_R, [tail, 100.0 - tail])
    return float(low), float(high)
