"""Training of stacks of word probes from one scan, and what they say of a split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import cross_entropy

from analyses.probes.edge.training import evaluated, parts
from analyses.probes.scan.feed import Feed
from analyses.probes.word.stack import WordStack
from analyses.probes.word.word_set import WordSet

Ints = npt.NDArray[np.int64]
ORDER_STREAM = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pupil:
    """A stack with the control labels of its seed, by word type."""

    stack: WordStack
    control_of_type: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a probe does on a split."""

    accuracy: float
    nats: float
    """Mean cross-entropy of a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A split and where its activations come from."""

    words: WordSet
    feed: Feed
    device: torch.device


def fit(pupils: Sequence[Pupil], train: Scan, dev: Scan) -> None:
    """Train every stack to its end; an epoch is one pass over the training rows for all of them."""
    epoch = 0
    while live := [pupil for pupil in pupils if not pupil.stack.is_over]:
        for pool in train.feed.pools(epoch):
            member_N = pool.members(train.words.targets.example_S)
            for pupil in live:
                stack = pupil.stack
                order = np.random.default_rng([stack.seed, ORDER_STREAM, epoch, pool.number]).permutation(
                    member_N
                )
                for sentence_N in parts(order, stack.rule.batch_size):
                    stack.step(train.words.batch(sentence_N, pool.rows, pupil.control_of_type, train.device))
        for pupil in live:
            found = measure(pupil, dev, best=False)
            pupil.stack.evaluated([one.nats for one in found])
        epoch += 1


def measure(pupil: Pupil, split: Scan, *, best: bool = True) -> list[Found]:
    """Accuracy and mean cross-entropy of every probe at its best, or of the live ones as they are."""
    stack = pupil.stack
    probes = list(range(len(stack.variants))) if best else stack.live
    params = stack.best if best else [stack.now(place) for place in range(len(probes))]
    right, nats = np.zeros(len(probes)), np.zeros(len(probes))
    for pool, sentence_N in evaluated(split.words.targets, split.feed):
        batch = split.words.batch(sentence_N, pool.rows, pupil.control_of_type, split.device)
        for place, probe in enumerate(probes):
            score_VK = stack.scored(probe, batch, params[place])
            wanted_V = stack.variants[probe].wanted(batch)
            right[place] += int((score_VK.argmax(dim=-1) == wanted_V).sum())
            nats[place] += float(cross_entropy(score_VK.double(), wanted_V, reduction="sum"))
    n_words = split.words.n_words
    return [Found(accuracy=a / n_words, nats=b / n_words) for a, b in zip(right, nats, strict=True)]
