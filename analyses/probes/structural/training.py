"""Training of a stack of structural probes: one for each layer, all on the same batches.

A probe does not depend on its company: its start and the order of sentences are decided by its seed alone,
its products are computed apart from the others', and its learning rate and end are its own.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from actstore.errors import WorkError
from analyses.probes.plateau import Plateau
from analyses.probes.structural.batch import Batcher
from analyses.probes.structural.objective import centred, gradient, losses, predict
from analyses.probes.structural.rule import TrainingRule
from analyses.probes.structural.vectors import batches

EVALUATION_BATCH = 20
INIT_STREAM, ORDER_STREAM = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """One trained probe: its map at the epoch with the lowest dev loss."""

    layer: int
    map_DR: npt.NDArray[np.float32]
    dev_losses: tuple[float, ...]
    """After each epoch."""
    best_epoch: int
    """From 0."""
    learning_rate: float
    """At the end."""


class Stack:
    """Probes in training, one for each layer, of one rank and one seed."""

    def __init__(
        self, *, layers: tuple[int, ...], width: int, rank: int, seed: int, rule: TrainingRule, device: str
    ) -> None:
        self.layers, self.seed, self.rule = layers, seed, rule
        self.maps = start(width, rank, seed, rule.init_range).repeat(len(layers), 1, 1).to(device)
        self.best = self.maps.clone()
        # a group for each probe, whose parameters are the stack's own memory
        groups = [{"params": [self.maps[at]], "lr": rule.learning_rate} for at in range(len(layers))]
        self.optimiser = torch.optim.Adam(groups, lr=rule.learning_rate, fused=True)
        self.states = [Plateau(rule=rule.plateau, learning_rate=rule.learning_rate) for _ in layers]
        self.history: list[list[float]] = [[] for _ in layers]

    @property
    def live(self) -> list[int]:
        """Probes whose training goes on."""
        return [at for at, state in enumerate(self.states) if not state.is_over]

    def epoch(self, data: Batcher, order: npt.NDArray[np.int64]) -> None:
        """One pass over the training set; maps that are not live stay as they are."""
        live = self.live
        asked = tuple(self.layers[at] for at in live)
        for sentence_B in batches(order, self.rule.batch_size):
            batch = data.batch(sentence_B, asked)
            maps = self.maps if len(live) == len(self.layers) else self.maps[live]
            mapped = centred(batch.mapped(maps), batch.gold)
            slope = gradient(mapped, predict(mapped, batch.gold), batch.gold, mean=self.rule.mean_loss)
            self.optimiser.zero_grad(set_to_none=True)
            for at, by_map in zip(live, batch.map_gradient(slope), strict=True):
                self.optimiser.param_groups[at]["params"][0].grad = by_map
            self.optimiser.step()

    def evaluate(self, data: Batcher) -> None:
        """Losses on the dev set: keeps what is best so far, lowers learning rates, ends probes."""
        live = self.live
        found = mean_losses(data, self.maps[live], tuple(self.layers[at] for at in live))
        for at, loss in zip(live, found, strict=True):
            self._refuse_no_number(loss, at)
            before, after = self.states[at], self.states[at].after(loss)
            self.history[at].append(loss)
            if after.is_best:
                self.best[at] = self.maps[at]
            if after.n_decays > before.n_decays:
                self._decay(at, after.learning_rate)
            self.states[at] = after

    def _decay(self, at: int, learning_rate: float) -> None:
        group = self.optimiser.param_groups[at]
        group["lr"] = learning_rate
        if self.rule.reset_moments:
            self.optimiser.state.pop(group["params"][0], None)

    def _refuse_no_number(self, loss: float, at: int) -> None:
        if not np.isfinite(loss):
            raise WorkError(
                f"layer {self.layers[at]}, seed {self.seed}: the dev loss is {loss} after epoch "
                f"{len(self.history[at]) + 1}; activations of this size need a smaller learning_rate or "
                "init_range"
            )


def train(
    train_set: Batcher,
    dev_set: Batcher,
    *,
    layers: tuple[int, ...],
    rank: int,
    seed: int,
    rule: TrainingRule,
) -> list[Trained]:
    """Train a probe at each layer, of one rank and one seed. Raises WorkError where a loss is no number."""
    stack = Stack(
        layers=layers,
        width=train_set.vectors.width,
        rank=rank,
        seed=seed,
        rule=rule,
        device=str(train_set.device),
    )
    for epoch in range(rule.epochs):
        if not stack.live:
            break
        stack.epoch(train_set, order(train_set.vectors.bank.n_sentences, seed, epoch))
        stack.evaluate(dev_set)
    return [
        Trained(
            layer=layer,
            map_DR=stack.best[at].cpu().numpy(),
            dev_losses=tuple(stack.history[at]),
            best_epoch=stack.states[at].best_at,
            learning_rate=stack.states[at].learning_rate,
        )
        for at, layer in enumerate(layers)
    ]


def mean_losses(data: Batcher, map_PDR: Tensor, layers: tuple[int, ...]) -> list[float]:
    """Mean loss over the sentences of a set, of each probe."""
    total = torch.zeros(len(layers), dtype=torch.float64, device=map_PDR.device)
    n_sentences = data.vectors.bank.n_sentences
    for sentence_B in batches(np.arange(n_sentences), EVALUATION_BATCH):
        batch = data.batch(sentence_B, layers)
        predicted = predict(centred(batch.mapped(map_PDR), batch.gold), batch.gold)
        total += losses(predicted, batch.gold).double().sum(dim=1)
    return [float(value) / n_sentences for value in total]


def start(width: int, rank: int, seed: int, init_range: float) -> Tensor:
    """The map that training starts from, [D, R]. NumPy's numbers do not depend on the version of torch."""
    rng = np.random.default_rng([seed, INIT_STREAM])
    return torch.from_numpy(rng.uniform(-init_range, init_range, (width, rank)).astype(np.float32))


def order(n_sentences: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """The order of sentences in an epoch: all of them, shuffled."""
    return np.random.default_rng([seed, ORDER_STREAM, epoch]).permutation(n_sentences)
