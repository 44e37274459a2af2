"""The edge probe as a function of its parameters, for P probes at once (Tenney et al. 2019; methods, 3.4).

Mixed layers, a projection of each token, attention within each span, and an MLP with one hidden layer. Probes
share nothing: every product has a probe's own parameters, and random numbers are drawn once for all of them.
Suffixes: P probes, L layers, T tokens, Q tokens of spans, B targets, H units, K labels.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, layer_norm

from analyses.probes.edge.batch import EdgeBatch, Spans

Params = dict[str, Tensor]
"""By name, each with the probe in front."""
DROPOUT_TOKENS, DROPOUT_HIDDEN = 0.2, 0.3
INIT_STREAM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of a probe."""

    width: int
    n_layers: int
    """That come in."""
    n_spans: int
    n_labels: int
    units: int = 256


class Noise:
    """Random numbers of training, the same for every probe of a stack: company changes nothing."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.generator = torch.Generator(device="cpu").manual_seed(seed)
        self.device = device

    def normal(self, *shape: int) -> Tensor:
        """[1, ...], standard normal."""
        return torch.randn(1, *shape, generator=self.generator).to(self.device)

    def dropped(self, value: Tensor, share: float) -> Tensor:
        """The value [P, ...] with a share of its places at 0 and the rest scaled up."""
        return value * self.mask(value.shape[1:], share)

    def mask(self, shape: torch.Size, share: float) -> Tensor:
        """[1, ...]: 0 at a share of the places, what scales the rest up at the others."""
        kept = torch.rand(1, *shape, generator=self.generator) >= share
        return kept.to(self.device) / (1 - share)


class StepNoise(Noise):
    """The masks of one step, drawn once, for the probes of a stack that compute one after the other."""

    def __init__(self, noise: Noise) -> None:
        self.generator, self.device = noise.generator, noise.device
        self._masks: list[Tensor] = []
        self._n_given = 0

    def again(self) -> None:
        """Give the same masks, from the first, to the next probes."""
        self._n_given = 0

    def mask(self, shape: torch.Size, share: float) -> Tensor:
        """As Noise draws it, or as it was given to the probes before."""
        if self._n_given == len(self._masks):
            self._masks.append(super().mask(shape, share))
        self._n_given += 1
        return self._masks[self._n_given - 1]


def start(shape: Shape, n_probes: int, seed: int, device: torch.device) -> Params:
    """Parameters before training: each probe starts from the same numbers, which the seed decides."""
    rng = np.random.default_rng([seed, INIT_STREAM])

    def uniform(n_in: int, *size: int) -> Tensor:
        bound = 1 / math.sqrt(n_in)
        return torch.from_numpy(rng.uniform(-bound, bound, size).astype(np.float32))

    units, pooled = shape.units, shape.units * shape.n_spans
    found = {"mix": torch.zeros(shape.n_layers), "gamma": torch.ones(())}
    for span in range(shape.n_spans):
        found[f"project{span}.weight"] = uniform(shape.width, shape.width, units)
        found[f"project{span}.bias"] = uniform(shape.width, units)
        found[f"attend{span}.weight"] = uniform(units, units)
        found[f"attend{span}.bias"] = uniform(units)
    found["hidden.weight"] = uniform(pooled, pooled, units)
    found["hidden.bias"] = uniform(pooled, units)
    found["norm.weight"], found["norm.bias"] = torch.ones(units), torch.zeros(units)
    found["out.weight"] = uniform(units, units, shape.n_labels)
    found["out.bias"] = uniform(units, shape.n_labels)
    return stacked(found, n_probes, device)


def stacked(found: Params, n_probes: int, device: torch.device) -> Params:
    """The same numbers for each probe, ready to be trained."""
    copies = {name: value.expand(n_probes, *value.shape).clone() for name, value in found.items()}
    return {name: value.to(device).requires_grad_() for name, value in copies.items()}


def mixed(params: Params, value_LTD: Tensor, reads_PL: Tensor) -> Tensor:
    """Each probe's mix of the layers it reads, [P, T, D]: gamma times their softmax-weighted sum.

    A product for each probe: one for all would add in an order that depends on how many there are.
    """
    found = []
    for probe, reads_L in enumerate(reads_PL.tolist()):
        layers = [layer for layer, is_read in enumerate(reads_L) if is_read]
        one_TD = value_LTD[layers[0]]
        if len(layers) > 1:
            run = range(layers[0], layers[-1] + 1)
            values = value_LTD[run.start : run.stop] if len(run) == len(layers) else value_LTD[layers]
            one_TD = torch.tensordot(torch.softmax(params["mix"][probe, layers], dim=-1), values, dims=1)
        found.append(params["gamma"][probe] * one_TD)
    return torch.stack(found)


def attended(params: Params, name: str, token_PTH: Tensor, spans: Spans, n_targets: int) -> Tensor:
    """Each target's span as the attention-weighted sum of its tokens, [P, B, H]."""
    score_PT1 = token_PTH @ params[f"{name}.weight"].unsqueeze(-1)
    score_PT = score_PT1.squeeze(-1) + params[f"{name}.bias"][:, None]
    score_PQ = score_PT[:, spans.token_Q]
    index_PQ = spans.target_Q.expand(len(score_PQ), -1)
    empty = score_PQ.new_full((len(score_PQ), n_targets), -math.inf)
    highest = empty.scatter_reduce(1, index_PQ, score_PQ.detach(), "amax", include_self=True)
    share_PQ = torch.exp(score_PQ - highest.gather(1, index_PQ))
    total = torch.zeros_like(empty).index_add(1, spans.target_Q, share_PQ)
    weighted = token_PTH[:, spans.token_Q] * share_PQ.unsqueeze(-1)
    summed = token_PTH.new_zeros(len(score_PQ), n_targets, token_PTH.shape[-1])
    return summed.index_add(1, spans.target_Q, weighted) / total.unsqueeze(-1)


def logits(params: Params, batch: EdgeBatch, reads_PL: Tensor, noise: Noise | None) -> Tensor:
    """Scores of the labels, [P, B, K]; `noise`: dropout of training, None when probes are used."""
    token_PTD = mixed(params, batch.value_LTD, reads_PL)
    if noise is not None:
        token_PTD = noise.dropped(token_PTD, DROPOUT_TOKENS)
    pooled = []
    for span, spans in enumerate(batch.spans):
        token_PTH = linear(params, f"project{span}", token_PTD)
        pooled.append(attended(params, f"attend{span}", token_PTH, spans, batch.n_targets))
    hidden = torch.tanh(linear(params, "hidden", torch.cat(pooled, dim=-1)))
    hidden = layer_norm(hidden, hidden.shape[-1:])
    hidden = hidden * params["norm.weight"].unsqueeze(1) + params["norm.bias"].unsqueeze(1)
    if noise is not None:
        hidden = noise.dropped(hidden, DROPOUT_HIDDEN)
    return linear(params, "out", hidden)


def linear(params: Params, name: str, value_PND: Tensor) -> Tensor:
    """A linear layer of each probe, [P, N, H]."""
    return torch.baddbmm(params[f"{name}.bias"].unsqueeze(1), value_PND, params[f"{name}.weight"])


def target_losses(logits_PBK: Tensor, label_BK: Tensor, *, multi_label: bool) -> Tensor:
    """Nats of each target's labels, [P, B]: softmax for one label, a bit a label for several."""
    if multi_label:
        wanted = label_BK.expand_as(logits_PBK)
        return binary_cross_entropy_with_logits(logits_PBK, wanted, reduction="none").sum(dim=-1)
    index = label_BK.argmax(dim=-1).expand(len(logits_PBK), -1).unsqueeze(-1)
    return -torch.log_softmax(logits_PBK, dim=-1).gather(-1, index).squeeze(-1)
