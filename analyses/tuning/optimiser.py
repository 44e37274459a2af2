"""BertAdamW: Adam with decoupled weight decay and without bias correction, as BERT was trained."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim.adamw import adamw

UNDECAYED = ("layernorm", "layer_norm", "bias")
"""Parameters with one of these in their name, in lower case, or of a norm module, are not decayed."""
LATE = 1e9
"""The step that the library's kernel is told: so late, its bias correction is 1 - 0.999^LATE = 1."""


class BertAdamW(torch.optim.Optimizer):
    """AdamW by google-research/bert, optimization.py: the moments are used as they are.

    m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - lr (m / (sqrt(v) + eps) + decay w)

    The library's fused kernel computes it in one pass over the memory; written out as array operations it
    takes a quarter of a training step of a small model.
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
        for weight in weights:
            if not self.state[weight]:
                self.state[weight] = {"m": torch.zeros_like(weight), "v": torch.zeros_like(weight)}
        adamw(
            list(weights),
            [weight.grad for weight in weights if weight.grad is not None],
            [self.state[weight]["m"] for weight in weights],
            [self.state[weight]["v"] for weight in weights],
            [],
            [torch.tensor(LATE, device=weight.device) for weight in weights],
            fused=True,
            amsgrad=False,
            beta1=self._beta1,
            beta2=self._beta2,
            lr=rate,
            weight_decay=decay,
            eps=self._epsilon,
            maximize=False,
        )


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
