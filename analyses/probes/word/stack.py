"""WordStack: word probes of one shape and seed in training on shared batches, each with an end of its own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from actstore.errors import WorkError
from analyses.probes.edge.network import Params, linear, stacked
from analyses.probes.plateau import Plateau
from analyses.probes.stacked_adam import StackedAdam
from analyses.probes.word.rule import WordTraining
from analyses.probes.word.word_set import WordBatch

INIT_STREAM = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What one probe of a stack sees and says."""

    reads: tuple[int | None, ...]
    """Places among the layers of a batch, side by side; None: zeros, which tell nothing."""
    control: bool = False
    """Whether it learns the control task."""

    def inputs(self, batch: WordBatch) -> Tensor:
        """[1, V, D x reads]."""
        zeros = torch.zeros_like(batch.value_LVD[0])
        parts = [zeros if at is None else batch.value_LVD[at] for at in self.reads]
        return torch.cat(parts, dim=-1).unsqueeze(0)

    def wanted(self, batch: WordBatch) -> Tensor:
        """[V]."""
        return batch.control_V if self.control else batch.label_V


@dataclass(frozen=True, slots=True, kw_only=True)
class WordShape:
    """Sizes of a probe."""

    kind: str
    """linear, or mlp: one hidden layer of rectified units."""
    width: int
    """Of all that it reads."""
    n_labels: int
    hidden: int


class WordStack:
    """Probes; those whose training goes on are `live`, in the order of `params`."""

    def __init__(
        self,
        *,
        variants: Sequence[Variant],
        shape: WordShape,
        seed: int,
        rule: WordTraining,
        device: torch.device,
    ) -> None:
        self.variants, self.seed, self.rule = tuple(variants), seed, rule
        self.params = stacked(start(shape, seed), len(variants), device)
        self.optimiser = StackedAdam(self.params)
        self.live = list(range(len(variants)))
        self.states = [Plateau(rule=rule.plateau, learning_rate=rule.learning_rate) for _ in variants]
        self.best = [_copy(self.params, at) for at in self.live]
        self.n_epochs = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to train."""
        return not self.live or self.n_epochs >= self.rule.epochs

    def step(self, batch: WordBatch) -> None:
        """One step of every live probe; each computes alone, so that company changes no bit."""
        found = []
        for place, probe in enumerate(self.live):
            mine = {
                name: value.detach()[place : place + 1].requires_grad_()
                for name, value in self.params.items()
            }
            variant = self.variants[probe]
            loss = cross_entropy(scores(mine, variant.inputs(batch))[0], variant.wanted(batch))
            found.append(dict(zip(mine, torch.autograd.grad(loss, list(mine.values())), strict=True)))
        gradients = {name: torch.cat([one[name] for one in found]) for name in self.params}
        self.optimiser.step(gradients, [self.states[probe].learning_rate for probe in self.live])

    def evaluated(self, nats_P: Sequence[float]) -> None:
        """Take in the mean dev losses of the live probes after an epoch."""
        self.n_epochs += 1
        for place, (probe, loss) in enumerate(zip(self.live, nats_P, strict=True)):
            if not math.isfinite(loss):
                raise WorkError(f"seed {self.seed}: a word probe's dev loss is {loss}; lower learning_rate")
            self.states[probe] = self.states[probe].after(loss)
            if self.states[probe].is_best:
                self.best[probe] = _copy(self.params, place)
        stay = [place for place, probe in enumerate(self.live) if not self.states[probe].is_over]
        if len(stay) < len(self.live):
            self.live = [self.live[place] for place in stay]
            self.params = self.optimiser.keep(stay)

    def scored(self, probe: int, batch: WordBatch, params: Params) -> Tensor:
        """Scores of the labels, [V, K], by a probe of the stack with the given parameters, [1, ...]."""
        with torch.no_grad():
            return scores(params, self.variants[probe].inputs(batch))[0]

    def now(self, place: int) -> Params:
        """The parameters of a live probe as they are."""
        return {name: value.detach()[place : place + 1] for name, value in self.params.items()}


def start(shape: WordShape, seed: int) -> Params:
    """Parameters before training, which the seed decides: uniform, as torch's linear layers."""
    rng = np.random.default_rng([seed, INIT_STREAM])

    def layer(name: str, n_in: int, n_out: int) -> Params:
        bound = 1 / math.sqrt(n_in)
        weight, bias = (rng.uniform(-bound, bound, size) for size in ((n_in, n_out), n_out))
        return {
            f"{name}.weight": torch.from_numpy(weight.astype(np.float32)),
            f"{name}.bias": torch.from_numpy(bias.astype(np.float32)),
        }

    if shape.kind == "linear":
        return layer("out", shape.width, shape.n_labels)
    return layer("hidden", shape.width, shape.hidden) | layer("out", shape.hidden, shape.n_labels)


def scores(params: Params, value_PVD: Tensor) -> Tensor:
    """Scores of the labels, [P, V, K]."""
    if "hidden.weight" in params:
        value_PVD = torch.relu(linear(params, "hidden", value_PVD))
    return linear(params, "out", value_PVD)


def _copy(params: Params, place: int) -> Params:
    return {name: value[place : place + 1].detach().clone() for name, value in params.items()}
