"""StackedAdam: Adam for parameters of P probes, each with a learning rate of its own."""

import torch
from torch import Tensor

BETAS, EPSILON = (0.9, 0.999), 1e-8


class StackedAdam:
    """Adam (Kingma and Ba 2015), with `amsgrad` as in Reddi et al. 2018; tensors have the probe in front."""

    def __init__(self, params: dict[str, Tensor], *, amsgrad: bool = False) -> None:
        self.params, self.amsgrad, self.n_steps = params, amsgrad, 0
        self.first = {name: torch.zeros_like(value) for name, value in params.items()}
        self.second = {name: torch.zeros_like(value) for name, value in params.items()}
        self.highest = {name: torch.zeros_like(value) for name, value in params.items()} if amsgrad else {}

    def keep(self, probes: list[int]) -> dict[str, Tensor]:
        """Go on with some of the probes; returns their parameters, which are the new ones to train."""
        self.params, self.first, self.second, self.highest = (
            {name: value.detach()[probes] for name, value in tensors.items()}
            for tensors in (self.params, self.first, self.second, self.highest)
        )
        return self.params

    @torch.no_grad()
    def step(self, gradients: dict[str, Tensor], learning_rates: list[float]) -> None:
        """Move every parameter; a probe whose learning rate is 0 stays."""
        self.n_steps += 1
        first_scale = 1 - BETAS[0] ** self.n_steps
        second_scale = (1 - BETAS[1] ** self.n_steps) ** 0.5
        for name, gradient in gradients.items():
            value = self.params[name]
            self.first[name].lerp_(gradient, 1 - BETAS[0])
            second = self.second[name].mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            if self.amsgrad:
                second = torch.maximum(self.highest[name], second, out=self.highest[name])
            rate = torch.tensor(learning_rates, device=value.device).view(-1, *[1] * (value.ndim - 1))
            value.sub_(rate / first_scale * self.first[name] / (second.sqrt() / second_scale + EPSILON))


def clipped(gradients: dict[str, Tensor], most: float) -> dict[str, Tensor]:
    """Gradients of each probe scaled to at most a norm, as torch's clip_grad_norm_ does it.

    A sum for each probe: one for all would add in an order that depends on how many there are.
    """
    n_probes = len(next(iter(gradients.values())))
    squares = [
        torch.stack([value[probe].square().sum() for value in gradients.values()]).sum()
        for probe in range(n_probes)
    ]
    scale_P = (most / (torch.stack(squares).sqrt() + 1e-6)).clamp_max(1)
    return {name: value * scale_P.view(-1, *[1] * (value.ndim - 1)) for name, value in gradients.items()}
