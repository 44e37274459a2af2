"""Delete-a-group jackknife: how sure a value is, from its values without each of a few groups of examples.

Busing, Meijer and van der Leeden 1999, for groups that are not quite equal. It needs the value once a group,
where a bootstrap needs it a thousand times; neighbouring examples are left out together, so that what they
share widens the interval.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from actstore.errors import RequestError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
N_GROUPS, MIN_GROUPS = 20, 5


def group_slices(example_T: Ints, n_groups: int = N_GROUPS) -> list[slice]:
    """Stretches of whole examples with about as many tokens each; fewer where there are fewer examples.

    `example_T`: each token's example, in order. Raises RequestError for fewer than five stretches.
    """
    wanted = [round(len(example_T) * at / n_groups) for at in range(n_groups + 1)]
    edges_E = np.unique(example_edges(example_T, np.arange(len(example_T)), wanted))
    check_groups(len(edges_E) - 1)
    return [slice(int(a), int(b)) for a, b in pairwise(edges_E)]


def example_edges(example_T: Ints, row_T: Ints, rows: Sequence[int]) -> Ints:
    """Where each row would stand among `row_T`, moved on to the next start of an example (or the end)."""
    is_start_T = np.diff(example_T, prepend=example_T[:1] - 1) != 0
    start_N = np.append(np.flatnonzero(is_start_T), len(example_T))
    found: Ints = start_N[np.searchsorted(start_N, np.searchsorted(row_T, rows))]
    return found


def check_groups(n_groups: int) -> None:
    """Raise RequestError where there are too few groups to tell a spread."""
    if n_groups < MIN_GROUPS:
        raise RequestError(
            f"resamples: the tokens make {n_groups} groups of whole examples, and an interval from groups "
            f"needs {MIN_GROUPS} or more; sample more examples, or set resamples = 0"
        )


def jackknife_draws(
    value: float, left_out_G: Floats, size_G: Floats | Sequence[float], resamples: int, seed: int
) -> Floats:
    """Values [R] whose spread is the jackknife's, for percentiles and to be averaged over seeds draw by draw.

    `left_out_G`: the value without each group; `size_G`: tokens of each. A draw takes groups with
    replacement, their influence taken for linear; values of the same groups and seed share their draws. The
    spread is widened by Student's t for the number of groups.
    """
    n_groups = len(left_out_G)
    times_G = np.sum(size_G) / np.asarray(size_G, dtype=np.float64)
    pseudo_G = times_G * value - (times_G - 1.0) * left_out_G
    centre = float(np.sum(pseudo_G / times_G))
    influence_G = (pseudo_G - centre) / np.sqrt(times_G - 1.0)
    influence_G = influence_G - influence_G.mean()
    count_RG = np.random.default_rng([seed, 3]).multinomial(
        n_groups, np.full(n_groups, 1.0 / n_groups), resamples
    )
    draws_R: Floats = value + widening(n_groups - 1) / math.sqrt(n_groups) * (count_RG @ influence_G)
    return draws_R


def widening(degrees: int, level: float = 0.95) -> float:
    """How much wider Student's t interval is than the normal one (Abramowitz and Stegun 26.7.5)."""
    z = NormalDist().inv_cdf(0.5 + level / 2.0)
    first = (z**2 + 1.0) / 4.0
    second = (5.0 * z**4 + 16.0 * z**2 + 3.0) / 96.0
    third = (3.0 * z**6 + 19.0 * z**4 + 17.0 * z**2 - 15.0) / 384.0
    return 1.0 + first / degrees + second / degrees**2 + third / degrees**3
