"""Precision: in which type the passes run, and the scaling of the loss that float16 needs."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn


class Precision:
    """Mixed precision on one device; weights and optimiser stay in float32."""

    def __init__(self, name: str, device: torch.device) -> None:
        self._device = device
        self._dtype = _dtype(name, device)
        scaled = self._dtype is torch.float16
        self._scaler = torch.amp.GradScaler(device.type) if scaled else None

    def autocast(self) -> AbstractContextManager[Any]:
        if self._dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self._device.type, self._dtype)

    def backward(self, loss: torch.Tensor) -> None:
        """Add gradients."""
        if not loss.requires_grad:
            return
        scaled = loss if self._scaler is None else self._scaler.scale(loss)
        scaled.backward()  # type: ignore[no-untyped-call]

    def step(self, optimiser: torch.optim.Optimizer, weights: list[nn.Parameter], clip_norm: float) -> float:
        """Clip the gradients by their global norm and update the weights; the norm before clipping.

        With float16 a step whose gradients overflow is left out, and the scale is halved.
        """
        if self._scaler is not None:
            self._scaler.unscale_(optimiser)
        norm = nn.utils.clip_grad_norm_(weights, clip_norm)
        if self._scaler is None:
            optimiser.step()
        else:
            self._scaler.step(optimiser)
            self._scaler.update()
        return float(norm)

    def state(self) -> dict[str, Any]:
        """The scale of the loss, as JSON holds it."""
        return {} if self._scaler is None else dict(self._scaler.state_dict())

    def load(self, state: dict[str, Any]) -> None:
        if self._scaler is not None and state:
            self._scaler.load_state_dict(state)


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        fits = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if fits else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]
