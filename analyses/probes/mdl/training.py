"""Training of stacks of edge probes for their codes: the online code's prefixes, the variational code.

A prefix is a model of its own, trained from scratch with early stopping on the real dev set. All prefixes,
and all layers of a stack, are trained from one reading of the activations.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from actstore.errors import WorkError
from analyses.probes.edge import network
from analyses.probes.edge.batch import EdgeBatch
from analyses.probes.edge.network import Noise, Params, Shape, target_losses
from analyses.probes.mdl import bayes
from analyses.probes.mdl.code import block_ends, sentence_order
from analyses.probes.mdl.edges import EdgeSet
from analyses.probes.mdl.rule import EdgeRule
from analyses.probes.plateau import Plateau
from analyses.probes.stacked_adam import StackedAdam, clipped

EVALUATION_BATCH = 64
ORDER_STREAM, NOISE_STREAM = 4, 5
Ints = npt.NDArray[np.int64]
Logits = Callable[[Params, EdgeBatch, Tensor, Noise | None], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a stack is trained for."""

    shape: Shape
    reads_PL: Tensor
    """Which layers each probe mixes."""
    multi_label: bool
    seed: int
    device: torch.device

    @property
    def n_probes(self) -> int:
        return len(self.reads_PL)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineFound:
    """Losses of the probes of an online code, in nats."""

    n_sentences: tuple[int, ...]
    """Of each prefix."""
    n_targets_of_block: tuple[int, ...]
    next_block_nats_IP: npt.NDArray[np.float64]
    """Of prefix i on block i + 1; one row less than there are prefixes."""
    all_data_nats_P: npt.NDArray[np.float64]
    accuracy_P: npt.NDArray[np.float64]
    """Of the last prefix, all training data, on the test set."""
    params: Params
    """Of the last prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariationalFound:
    """Losses of the probes of a variational code, in nats."""

    kl_nats_P: npt.NDArray[np.float64]
    data_nats_P: npt.NDArray[np.float64]
    accuracy_P: npt.NDArray[np.float64]
    params: Params


def online(train: EdgeSet, dev: EdgeSet, test: EdgeSet, task: Task, rule: EdgeRule) -> OnlineFound:
    """Train a probe on each prefix of the shuffled training set and code the next block with it."""
    order = sentence_order(train.n_sentences, task.seed)
    ends = block_ends(train.n_sentences)
    starts = (0, *ends[:-1])
    blocks = [order[first:end] for first, end in zip(starts, ends, strict=True)]
    losses = []
    for number, end in enumerate(ends):
        params = fit(train, order[:end], dev, task, rule)
        coded = blocks[number + 1] if number + 1 < len(ends) else order
        losses.append(nats(train, coded, params, network.logits, task))
    return OnlineFound(
        n_sentences=ends,
        n_targets_of_block=tuple(len(train.targets(block)) for block in blocks),
        next_block_nats_IP=np.stack(losses[:-1]) if len(losses) > 1 else np.zeros((0, task.n_probes)),
        all_data_nats_P=losses[-1],
        accuracy_P=accuracy(test, params, network.logits, task),
        params=params,
    )


def fit(train: EdgeSet, prefix: Ints, dev: EdgeSet, task: Task, rule: EdgeRule) -> Params:
    """Probes trained on a prefix; each as it was when its dev loss was lowest."""
    params = network.start(task.shape, task.n_probes, task.seed, task.device)
    best = {name: value.detach().clone() for name, value in params.items()}
    optimiser = StackedAdam(params, amsgrad=True)
    noise = Noise(_number(task.seed, NOISE_STREAM), task.device)
    states = [Plateau(rule=rule.plateau, learning_rate=rule.learning_rate) for _ in range(task.n_probes)]
    step = epoch = 0
    every = np.arange(dev.n_sentences)
    while step < rule.max_steps and not all(state.is_over for state in states):
        for sentence_N in _batches(prefix, task.seed, epoch, rule.batch_size):
            batch = train.batch(sentence_N, task.device)
            gradients = _gradients(params, _mean_loss(params, batch, task, noise))
            rates = [0.0 if state.is_over else state.learning_rate for state in states]
            optimiser.step(clipped(gradients, rule.clip), rates)
            step += 1
            if step % rule.validate_every == 0 or step == rule.max_steps:
                found_P = nats(dev, every, params, network.logits, task) / dev.n_targets
                states = [
                    _after(state, float(found_P[probe]), params, best, probe)
                    for probe, state in enumerate(states)
                ]
                if step == rule.max_steps or all(state.is_over for state in states):
                    break
        epoch += 1
    return best


def variational(train: EdgeSet, test: EdgeSet, task: Task, rule: EdgeRule) -> VariationalFound:
    """Train Bayesian probes on all training data; the code is that of the last epoch."""
    params = bayes.start(task.shape, task.n_probes, task.seed, task.device)
    optimiser = StackedAdam(params)
    noise = Noise(_number(task.seed, NOISE_STREAM), task.device)
    every = np.arange(train.n_sentences)
    rates = [rule.variational_learning_rate] * task.n_probes
    for epoch in range(rule.variational_epochs):
        for sentence_N in _batches(every, task.seed, epoch, rule.batch_size):
            batch = train.batch(sentence_N, task.device)
            scores = bayes.logits(params, batch, task.reads_PL, noise)
            data_P = target_losses(scores, batch.label_BK, multi_label=task.multi_label).sum(dim=1)
            share = batch.n_targets / train.n_targets
            optimiser.step(_gradients(params, (data_P + bayes.divergence(params) * share).sum()), rates)
    with torch.no_grad():
        kl_P = bayes.divergence(params).double().cpu().numpy()
    data_nats = nats(train, every, params, bayes.logits, task)
    if not np.isfinite(kl_P).all() or not np.isfinite(data_nats).all():
        raise WorkError(f"seed {task.seed}: a variational code is not finite; lower learning_rate")
    return VariationalFound(
        kl_nats_P=kl_P,
        data_nats_P=data_nats,
        accuracy_P=accuracy(test, params, bayes.logits, task),
        params=params,
    )


@torch.no_grad()
def nats(data: EdgeSet, sentence_N: Ints, params: Params, run: Logits, task: Task) -> npt.NDArray[np.float64]:
    """Each probe's loss summed over the targets of some sentences, [P]."""
    total = torch.zeros(task.n_probes, dtype=torch.float64, device=task.device)
    for batch, scores in _scored(data, sentence_N, params, run, task):
        total += target_losses(scores, batch.label_BK, multi_label=task.multi_label).double().sum(dim=1)
    return total.cpu().numpy()


@torch.no_grad()
def accuracy(data: EdgeSet, params: Params, run: Logits, task: Task) -> npt.NDArray[np.float64]:
    """Share of targets with the right label, [P]; of (target, label) cells where targets have several."""
    right = torch.zeros(task.n_probes, dtype=torch.float64, device=task.device)
    for batch, scores in _scored(data, np.arange(data.n_sentences), params, run, task):
        if task.multi_label:
            right += ((scores >= 0) == (batch.label_BK > 0)).double().mean(dim=-1).sum(dim=1)
        else:
            right += (scores.argmax(dim=-1) == batch.label_BK.argmax(dim=-1)).double().sum(dim=1)
    return (right / data.n_targets).cpu().numpy()


@torch.no_grad()
def all_logits(data: EdgeSet, params: Params, run: Logits, task: Task) -> npt.NDArray[np.float16]:
    """Each probe's scores of every target in order, [P, B, K]; of a variational code those of the means."""
    scored = _scored(data, np.arange(data.n_sentences), params, run, task)
    return np.concatenate([scores.half().cpu().numpy() for _, scores in scored], axis=1)


def _scored(
    data: EdgeSet, sentence_N: Ints, params: Params, run: Logits, task: Task
) -> Iterator[tuple[EdgeBatch, Tensor]]:
    """Batches of sentences with the scores [P, B, K] of their targets, in the given order."""
    for part in _parts(sentence_N, EVALUATION_BATCH):
        batch = data.batch(part, task.device)
        yield batch, run(params, batch, task.reads_PL, None)


def _mean_loss(params: Params, batch: EdgeBatch, task: Task, noise: Noise) -> Tensor:
    """The sum over probes of each one's mean loss: their gradients do not meet."""
    scores = network.logits(params, batch, task.reads_PL, noise)
    return target_losses(scores, batch.label_BK, multi_label=task.multi_label).mean(dim=1).sum()


def _gradients(params: Params, loss: Tensor) -> Params:
    used = {name: value for name, value in params.items() if value.requires_grad}
    found = torch.autograd.grad(loss, list(used.values()), allow_unused=True)
    return {name: slope for name, slope in zip(used, found, strict=True) if slope is not None}


def _after(state: Plateau, loss: float, params: Params, best: Params, probe: int) -> Plateau:
    """The state after a look at the dev set; a probe that is better than before is kept."""
    if state.is_over:
        return state
    if not np.isfinite(loss):
        raise WorkError(f"the dev loss of an edge probe is {loss}; lower learning_rate")
    after = state.after(loss)
    if after.is_best:
        with torch.no_grad():
            for name, value in params.items():
                best[name][probe] = value[probe]
    return after


def _batches(prefix: Ints, seed: int, epoch: int, size: int) -> list[Ints]:
    return _parts(prefix[np.random.default_rng([seed, ORDER_STREAM, epoch]).permutation(len(prefix))], size)


def _parts(sentence_N: Ints, size: int) -> list[Ints]:
    return [sentence_N[first : first + size] for first in range(0, len(sentence_N), size)]


def _number(seed: int, stream: int) -> int:
    """A seed for torch that differs by stream."""
    return int(np.random.default_rng([seed, stream]).integers(2**62))
