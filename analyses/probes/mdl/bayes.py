"""Bayesian layers with group-normal-Jeffreys priors, for P probes at once (Louizos et al. 2017).

As Voita and Titov's released code has them: multiplicative noise of each input unit (a linear layer) or of
each output unit (the projection, there a convolution of width one); weights and biases are Gaussian.
Activations are sampled, not weights.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from analyses.probes.edge.batch import EdgeBatch
from analyses.probes.edge.network import Noise, Params, Shape, attended, mixed, stacked

INIT_STREAM = 3
LOG_VARIANCE, SPREAD = -9.0, 0.01
K1, K2, K3 = 0.63576, 1.87320, 1.48695
"""Constants of the approximation of the divergence (Molchanov et al. 2017, equation 14)."""
TINY = 1e-8


def start(shape: Shape, n_probes: int, seed: int, device: torch.device) -> Params:
    """Parameters before training; attention and mix are ordinary, and their cost is not counted."""
    rng = np.random.default_rng([seed, INIT_STREAM])

    def normal(mean: float, deviation: float, *size: int) -> Tensor:
        return torch.from_numpy(rng.normal(mean, deviation, size).astype(np.float32))

    def layer(name: str, n_in: int, n_out: int, n_noise: int) -> Params:
        # the released code draws with this deviation (for the projection, a convolution, uniformly)
        bound = 1 / math.sqrt(n_in)
        is_projection = name.startswith("project")
        weight = rng.uniform(-bound, bound, (n_in, n_out)) if is_projection else None
        return {
            f"{name}.noise": normal(1, SPREAD, n_noise),
            f"{name}.noise_log_var": normal(LOG_VARIANCE, SPREAD, n_noise),
            f"{name}.weight": normal(0, bound, n_in, n_out)
            if weight is None
            else torch.from_numpy(weight.astype(np.float32)),
            f"{name}.weight_log_var": normal(LOG_VARIANCE, SPREAD, n_in, n_out),
            f"{name}.bias": torch.zeros(n_out),
            f"{name}.bias_log_var": normal(LOG_VARIANCE, SPREAD, n_out),
        }

    units, pooled = shape.units, shape.units * shape.n_spans
    found: Params = {"mix": torch.zeros(shape.n_layers), "gamma": torch.ones(())}
    for span in range(shape.n_spans):
        found |= layer(f"project{span}", shape.width, units, units)
        bound = 1 / math.sqrt(units)
        found[f"attend{span}.weight"] = torch.from_numpy(rng.uniform(-bound, bound, units).astype(np.float32))
        found[f"attend{span}.bias"] = torch.zeros(())
    found |= layer("hidden", pooled, units, pooled) | layer("out", units, shape.n_labels, units)
    return stacked(found, n_probes, device)


def logits(params: Params, batch: EdgeBatch, reads_PL: Tensor, noise: Noise | None) -> Tensor:
    """Scores of the labels, [P, B, K], sampled; with `noise` None by the posterior's means."""
    token_PTD = mixed(params, batch.value_LTD, reads_PL)
    pooled = []
    for span, spans in enumerate(batch.spans):
        token_PTH = linear(params, f"project{span}", token_PTD, noise)
        pooled.append(attended(params, f"attend{span}", token_PTH, spans, batch.n_targets))
    hidden = torch.relu(linear(params, "hidden", torch.cat(pooled, dim=-1), noise))
    return linear(params, "out", hidden, noise)


def linear(params: Params, name: str, value_PNI: Tensor, noise: Noise | None) -> Tensor:
    """A Bayesian layer of each probe, [P, N, O]."""
    weight, bias = params[f"{name}.weight"], params[f"{name}.bias"].unsqueeze(1)
    factor = params[f"{name}.noise"].unsqueeze(1)
    on_output = name.startswith("project")
    if noise is None:
        if on_output:
            return torch.baddbmm(bias, value_PNI, weight) * factor
        return torch.baddbmm(bias, value_PNI * factor, weight)
    variance = params[f"{name}.noise_log_var"].exp().unsqueeze(1)
    n_rows, n_noise = value_PNI.shape[1], factor.shape[-1]
    factor = factor + variance.sqrt() * noise.normal(n_rows, n_noise)
    value = value_PNI if on_output else value_PNI * factor
    mean = torch.baddbmm(bias, value, weight)
    bias_variance = params[f"{name}.bias_log_var"].exp().unsqueeze(1)
    spread = torch.baddbmm(bias_variance, value.square(), params[f"{name}.weight_log_var"].exp())
    if on_output:
        mean, spread = mean * factor, spread * factor.square()
    return mean + (spread + TINY).sqrt() * noise.normal(n_rows, mean.shape[-1])


def divergence(params: Params) -> Tensor:
    """Nats of each probe's posterior from its prior, [P]: noises, weights and biases of Bayesian layers."""
    total = torch.zeros(len(params["gamma"]), device=params["gamma"].device)
    for name, value in params.items():
        if name.endswith(".noise"):
            log_alpha = params[f"{name}_log_var"] - torch.log(value.square() + TINY)
            kl = -(K1 * torch.sigmoid(K2 + K3 * log_alpha) - 0.5 * softplus(-log_alpha) - K1)
            total = total + kl.flatten(start_dim=1).sum(dim=1)
        elif f"{name}_log_var" in params:
            log_var = params[f"{name}_log_var"]
            kl = 0.5 * (log_var.exp() + value.square() - 1 - log_var)
            total = total + kl.flatten(start_dim=1).sum(dim=1)
    return total
