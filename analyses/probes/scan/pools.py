"""Pools: which examples are in memory together in an epoch, where not all of them fit. Pure numbers.

Examples are cut into stretches of neighbours, as they lie in the store, and each epoch deals the stretches
anew to pools that fit in memory. Within a pool every probe takes the examples in an order of its own.

How well this shuffles: every example comes exactly once an epoch; a batch is a uniform draw from one pool,
and a pool is a uniform draw of stretches. So the examples of a batch come from all over the corpus as long as
a pool has many stretches: with k stretches of m stretches in all, two neighbours of one stretch are in one
batch of b out of n examples with probability of about b m / (k n), m / k times that of a full shuffle. All in
memory (one pool) it is the full shuffle.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
LEAST_STRETCHES = 16
"""A pool has at least so many, where the examples are many enough."""
POOL_STREAM = 101


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The examples of a split in the order of the store, and in how many pools they are read.

    Of the whole corpus, whatever is needed of it: a probe then finds the same pools in any company.
    """

    example_N: Ints
    n_rows_N: Ints
    """How many rows each has, roughly: pools are about as large."""
    n_pools: int

    @classmethod
    def of_words(cls, example_W: Ints, n_tokens_W: Ints, n_pools: int) -> "Layout":
        """By the words of a corpus, ascending by example, and how many tokens each has."""
        example_N, first_N = np.unique(example_W, return_index=True)
        n_rows_N = np.add.reduceat(n_tokens_W, first_N) if len(first_N) else first_N
        return cls(example_N=example_N, n_rows_N=n_rows_N, n_pools=min(n_pools, max(1, len(example_N))))


def stretches(n_rows_N: Ints, n_pools: int) -> list[Ints]:
    """Consecutive examples, by their number of rows, cut into stretches of about as many rows each."""
    n_stretches = max(1, min(len(n_rows_N), n_pools * LEAST_STRETCHES))
    end_N = np.cumsum(n_rows_N)
    number_N = np.minimum((end_N - n_rows_N) * n_stretches // max(1, int(end_N[-1])), n_stretches - 1)
    edges = np.flatnonzero(np.diff(number_N)) + 1
    return np.split(np.arange(len(n_rows_N), dtype=np.int64), edges)


def pools_of_splits(n_bytes: dict[str, int], kept_bytes: int) -> dict[str, int]:
    """How many pools each split is read in: 1 where all splits fit together.

    Else training has half of the memory and the others share the rest; two pools, one in use and one being
    read, fit in what a split has.
    """
    if sum(n_bytes.values()) <= kept_bytes:
        return dict.fromkeys(n_bytes, 1)
    rest_bytes = kept_bytes // 2 // max(1, len(n_bytes) - 1)
    return {
        split: n_pools_for(n, kept_bytes // 2 if split == "train" else rest_bytes)
        for split, n in n_bytes.items()
    }


def n_pools_for(n_bytes: int, kept_bytes: int) -> int:
    """1 where all fits; else so many that two fit, with room for pools that are not alike."""
    if n_bytes <= kept_bytes:
        return 1
    return math.ceil(2.5 * n_bytes / max(1, kept_bytes))


def deal(cut: list[Ints], n_pools: int, seed: int, epoch: int) -> list[Ints]:
    """The examples of each pool of an epoch, ascending; every stretch is in one pool."""
    order = np.random.default_rng([seed, POOL_STREAM, epoch]).permutation(len(cut))
    hands = [order[first::n_pools] for first in range(n_pools)]
    return [np.sort(np.concatenate([cut[at] for at in hand])) for hand in hands if len(hand)]
