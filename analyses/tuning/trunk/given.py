"""Modules that stand for what lies below layer 1 where stored activations come in."""

from typing import Any

import torch
from torch import nn


class Given(nn.Module):
    """In the place of the embeddings: hands through what the model is given."""

    def forward(
        self, input_ids: Any = None, inputs_embeds: torch.Tensor | None = None, *_: Any, **_named: Any
    ) -> torch.Tensor:
        assert inputs_embeds is not None
        return inputs_embeds


class Zero(nn.Module):
    """In the place of a table of positions that is added: adds nothing."""

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        return torch.zeros(1, 1, 1, device=positions.device)


class Unused(nn.Module):
    """In the place of a table of tokens that is never asked."""


STAND_INS: dict[str, type[nn.Module]] = {
    "given": Given,
    "zero": Zero,
    "unused": Unused,
    "same": nn.Identity,
}
"""By the words of families.TrunkFamily.replaced."""
