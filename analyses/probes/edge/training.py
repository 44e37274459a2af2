"""Training of stacks of edge probes from one scan: a pool of activations feeds all stacks that need it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from analyses.probes.edge.network import Params, Shape
from analyses.probes.edge.scores import f1
from analyses.probes.edge.stack import EdgeStack
from analyses.probes.edge.tally import Tally
from analyses.probes.edge.target_set import TargetSet
from analyses.probes.edge.turns import predicted
from analyses.probes.scan.feed import Feed, Pool

Ints = npt.NDArray[np.int64]
ORDER_STREAM = 4
EVALUATION_BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Pupil:
    """A stack with its task's targets."""

    stack: EdgeStack
    train: TargetSet
    dev: TargetSet


def fit(pupils: Sequence[Pupil], train: Feed, dev: Feed, device: torch.device) -> None:
    """Train every stack to its end; an epoch is one pass over the training rows for all of them."""
    epoch = 0
    while any(not pupil.stack.is_over for pupil in pupils):
        for pool in train.pools(epoch):
            for pupil in pupils:
                _train_on(pool, pupil, dev, (pupil.stack.seed, ORDER_STREAM, epoch, pool.number), device)
        epoch += 1


def _train_on(pool: Pool, pupil: Pupil, dev: Feed, order: tuple[int, ...], device: torch.device) -> None:
    """The pool's sentences in an order that the seed decides, in batches; looks at the dev set when due."""
    stack = pupil.stack
    if stack.is_over:
        return
    member_N = pool.members(pupil.train.example_S)
    for sentence_N in parts(np.random.default_rng(order).permutation(member_N), stack.rule.batch_size):
        stack.step(pupil.train.batch(sentence_N, pool.rows, device))
        if stack.is_due:
            stack.validated(_dev_scores(pupil, dev, device))
        if stack.is_over:
            return


def _dev_scores(pupil: Pupil, dev: Feed, device: torch.device) -> list[float]:
    """F1 over all labels on the first dev sentences, of each live probe."""
    stack = pupil.stack
    count_P3 = torch.zeros((len(stack.live), 3), dtype=torch.int64, device=device)
    for pool, sentence_N in evaluated(pupil.dev, dev, stack.rule.dev_sentences):
        batch = pupil.dev.batch(sentence_N, pool.rows, device)
        said_PBK, gold_BK = stack.score(batch) >= 0, batch.label_BK > 0
        cells = (said_PBK & gold_BK, said_PBK & ~gold_BK, ~said_PBK & gold_BK)
        count_P3 += torch.stack([cell.sum(dim=(1, 2)) for cell in cells], dim=1)
    return [float(value) for value in f1(count_P3.cpu().numpy())]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The probes of a stack, trained."""

    params: Params
    reads_PL: Tensor
    shape: Shape
    device: torch.device


def tallies(
    trained: Trained, data: TargetSet, feed: Feed, clean_K: npt.NDArray[np.bool_], *, keeps: bool = False
) -> list[Tally]:
    """The decisions of trained probes about every target of a split, counted; `keeps`: with their logits."""
    device, n_probes = trained.device, len(trained.reads_PL)
    found = [Tally.empty(data.n_sentences, clean_K, keeps=keeps) for _ in range(n_probes)]
    for pool, sentence_N in evaluated(data, feed):
        batch = data.batch(sentence_N, pool.rows, device)
        scores = predicted(trained.params, trained.reads_PL, trained.shape, batch)
        logit_PBK = scores.cpu().numpy()
        target_B = data.targets(sentence_N)
        sentence_B = np.searchsorted(data.offset_S1, target_B, side="right") - 1
        for tally, logit_BK in zip(found, logit_PBK, strict=True):
            tally.add(logit_BK, data.label_BK[target_B], sentence_B, target_B)
    return found


def evaluated(data: TargetSet, feed: Feed, most: int | None = None) -> Iterator[tuple[Pool, Ints]]:
    """The sentences of a split (or its first `most`), each once, in batches within pools."""
    for pool in feed.pools(0):
        member_N = pool.members(data.example_S)
        for sentence_N in parts(member_N if most is None else member_N[member_N < most], EVALUATION_BATCH):
            yield pool, sentence_N


def parts(sentence_N: Ints, size: int) -> list[Ints]:
    """Sentences in batches, in the given order."""
    return [sentence_N[first : first + size] for first in range(0, len(sentence_N), size)]
