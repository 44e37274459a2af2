"""The norm after the last layer: what it is, and one of the same shape without its model."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class NormSpec:
    """A final norm, by kind ('layer' or 'rms')."""

    kind: str
    width: int
    epsilon: float


class RmsNorm(nn.Module):
    """x / sqrt(mean(x^2) + epsilon) * weight, in float32 (Zhang and Sennrich 2019)."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        wide = value.float()
        scaled = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.epsilon)
        return self.weight * scaled.to(value.dtype)


def norm_spec(norm: nn.Module) -> NormSpec | None:
    """What a model's final norm is; None for a family without one."""
    if isinstance(norm, nn.Identity):
        return None
    if isinstance(norm, nn.LayerNorm):
        return NormSpec(kind="layer", width=norm.normalized_shape[0], epsilon=norm.eps)
    weight, epsilon = norm.weight, getattr(norm, "variance_epsilon", None) or norm.epsilon
    assert isinstance(weight, torch.Tensor)
    assert isinstance(epsilon, float)
    return NormSpec(kind="rms", width=weight.shape[0], epsilon=epsilon)


def make_norm(spec: NormSpec) -> nn.Module:
    """A norm of that shape, its weights to be loaded."""
    if spec.kind == "layer":
        return nn.LayerNorm(spec.width, eps=spec.epsilon)
    return RmsNorm(spec.width, spec.epsilon)
