"""EdgeStack: probes of one task and one seed in training, on the same batches, each with an end of its own.

A probe does not depend on its company: start, batches and dropout follow from the seed alone, its products
are its own, and a probe whose training has ended leaves the stack.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from actstore.errors import WorkError
from analyses.probes.edge.batch import EdgeBatch
from analyses.probes.edge.climb import Climb
from analyses.probes.edge.network import Noise, Params, Shape, StepNoise, logits, start
from analyses.probes.edge.rule import EdgeTraining
from analyses.probes.edge.turns import part, predicted, turns
from analyses.probes.stacked_adam import StackedAdam, clipped

NOISE_STREAM = 5


class EdgeStack:
    """P probes; those whose training goes on are `live`, in the order of `params`."""

    def __init__(
        self, *, shape: Shape, reads_PL: Tensor, seed: int, rule: EdgeTraining, device: torch.device
    ) -> None:
        self.shape, self.rule, self.seed = shape, rule, seed
        self.reads_PL = reads_PL
        self.live = list(range(len(reads_PL)))
        self.params = start(shape, len(reads_PL), seed, device)
        self.optimiser = StackedAdam(self.params, amsgrad=True)
        self.noise = Noise(int(np.random.default_rng([seed, NOISE_STREAM]).integers(2**62)), device)
        self.climbs = [Climb(rule=rule, learning_rate=rule.learning_rate) for _ in self.live]
        self.best: list[Params] = [self._copy(at) for at in self.live]
        self.n_steps = 0

    @property
    def is_due(self) -> bool:
        """Whether the dev set is to be looked at."""
        return self.n_steps % self.rule.every == 0 or self.n_steps >= self.rule.steps

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to train."""
        return not self.live or self.n_steps >= self.rule.steps

    def step(self, batch: EdgeBatch) -> None:
        """One step of every live probe."""
        noise, reads_PL, found = StepNoise(self.noise), self._live_reads(), []
        for probes in turns(self.shape, batch, len(self.live)):
            noise.again()
            found.append(self._gradients(part(self.params, probes), reads_PL[probes], batch, noise))
        gradients = {name: torch.cat([one[name] for one in found]) for name in self.params}
        rates = [self.climbs[probe].learning_rate for probe in self.live]
        self.optimiser.step(clipped(gradients, self.rule.clip), rates)
        self.n_steps += 1

    def score(self, batch: EdgeBatch) -> Tensor:
        """Logits of the live probes, [P, B, K]."""
        return predicted(self.params, self._live_reads(), self.shape, batch)

    def validated(self, f1_P: list[float]) -> None:
        """Take in the dev scores of the live probes: keep what is best, lower rates, let probes go."""
        for place, (probe, score) in enumerate(zip(self.live, f1_P, strict=True)):
            if not all(bool(value[place].isfinite().all()) for value in self.params.values()):
                raise WorkError(
                    f"seed {self.seed}: an edge probe's parameters are not finite after {self.n_steps} "
                    "steps; lower learning_rate"
                )
            self.climbs[probe] = self.climbs[probe].after(score)
            if self.climbs[probe].is_best:
                self.best[probe] = self._copy(place)
        stay = [place for place, probe in enumerate(self.live) if not self.climbs[probe].is_over]
        if len(stay) < len(self.live):
            self.live = [self.live[place] for place in stay]
            self.params = self.optimiser.keep(stay)

    def trained(self) -> Params:
        """Every probe as it was when its dev score was best."""
        return {name: torch.stack([one[name] for one in self.best]) for name in self.best[0]}

    def _gradients(self, params: Params, reads_PL: Tensor, batch: EdgeBatch, noise: Noise) -> Params:
        """By the mean over (target, label) cells of each probe's loss; those of the probes do not meet."""
        score_PBK = logits(params, batch, reads_PL, noise)
        wanted_PBK = batch.label_BK.expand_as(score_PBK)
        cell_PBK = binary_cross_entropy_with_logits(score_PBK, wanted_PBK, reduction="none")
        loss = cell_PBK.flatten(start_dim=1).mean(dim=1).sum()
        found = torch.autograd.grad(loss, list(params.values()), allow_unused=True, materialize_grads=True)
        return dict(zip(params, found, strict=True))

    def _live_reads(self) -> Tensor:
        return self.reads_PL[self.live]

    def _copy(self, place: int) -> Params:
        return {name: value[place].detach().clone() for name, value in self.params.items()}
