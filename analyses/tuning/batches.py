"""Batches: which sequences go together, by seed and epoch alone, so that any step can be found again."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
BUCKET_BATCHES = 50
"""Batches' worth of sequences that are sorted by length together."""


def epoch_batches(length_S: Ints, batch_size: int, seed: int, epoch: int) -> list[Ints]:
    """Batches of an epoch: shuffled, then sorted by length within buckets, then shuffled again.

    Every sequence once; all batches but one are full. A pure function of its arguments.
    """
    draws = np.random.default_rng([seed, epoch])
    order_S = draws.permutation(len(length_S))
    bucket = batch_size * BUCKET_BATCHES
    batches: list[Ints] = []
    for first in range(0, len(order_S), bucket):
        mine = order_S[first : first + bucket]
        mine = mine[np.argsort(length_S[mine], kind="stable")]
        batches += [mine[at : at + batch_size] for at in range(0, len(mine), batch_size)]
    return [batches[at] for at in draws.permutation(len(batches))]


def scoring_batches(length_S: Ints, tokens_per_batch: int) -> list[Ints]:
    """All sequences by length, as many a batch as fit in a padded rectangle of so many tokens."""
    order_S = np.argsort(length_S, kind="stable")
    batches: list[Ints] = []
    first = 0
    for at, sequence in enumerate(order_S):
        if at > first and (at + 1 - first) * length_S[sequence] > tokens_per_batch:
            batches.append(order_S[first:at])
            first = at
    return [*batches, order_S[first:]] if len(order_S) else []


def parts(sequence_N: Ints, accumulation: int) -> list[Ints]:
    """A batch in at most `accumulation` parts of nearly equal size, none empty."""
    return [part for part in np.array_split(sequence_N, accumulation) if len(part)]


def draws_of(seed: int, step: int) -> np.random.Generator:
    """The random numbers of one step's targets (masking), independent of what ran before."""
    return np.random.default_rng([seed, step, 1])
