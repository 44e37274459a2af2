"""BertAdamW: Adam with decoupled weight decay and without bias correction, as BERT was trained."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

UNDECAYED = ("layernorm", "layer_norm", "bias")
"""Parameters with one of these in their name, in lower case, or of a norm module, are not decayed."""


class BertAdamW(torch.optim.Optimizer):
    """AdamW by google-research/bert, optimization.py: the moments are used as they are.

    m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - lr (m / (sqrt(v) + eps) + decay w)
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-6,
    ) -> None:
        super().__init__(list(groups), {"lr": 0.0, "decay": 0.0})
        self._beta1, self._beta2, self._epsilon = beta1, beta2, epsilon

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step with the gradients that are there; `closure` is not supported."""
        assert closure is None
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                self._update(weights, group["lr"], group["decay"])

    def _update(self, weights: list[nn.Parameter], rate: float, decay: float) -> None:
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        values: list[torch.Tensor] = list(weights)
        for weight in weights:
            if not self.state[weight]:
                self.state[weight] = {"m": torch.zeros_like(weight), "v": torch.zeros_like(weight)}
        first = [self.state[weight]["m"] for weight in weights]
        second = [self.state[weight]["v"] for weight in weights]
        torch._foreach_lerp_(first, gradients, 1 - self._beta1)
        torch._foreach_mul_(second, self._beta2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - self._beta2)
        scale = torch._foreach_sqrt(second)
        torch._foreach_add_(scale, self._epsilon)
        change = torch._foreach_div(first, scale)
        if decay:
            torch._foreach_add_(change, values, alpha=decay)
        torch._foreach_add_(values, change, alpha=-rate)


def parameter_groups(model: nn.Module, decay: float, head_rate: float) -> list[dict[str, Any]]:
    """Trained parameters by (decayed or not) x (head or trunk), each group with its `rate` multiple."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            owner = type(model.get_submodule(name.rpartition(".")[0])).__name__
            kept = "Norm" in owner or any(word in name.lower() for word in UNDECAYED)
            key = (0.0 if kept else decay, head_rate if name.startswith("head.") else 1.0)
            groups.setdefault(key, []).append(parameter)
    return [{"params": found, "decay": d, "rate": rate} for (d, rate), found in groups.items()]
