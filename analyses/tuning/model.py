"""TaskModel: trunk, final norm and head as one module; or head and norm alone, on stored activations."""

import torch
from torch import nn

from analyses.tuning.batch import Batch
from analyses.tuning.heads.head import Head, Output


class StoredTop(nn.Module):
    """No trunk at all: the batch brings the last layer's stored output."""

    starts_from_store = True

    def forward(self, batch: Batch) -> torch.Tensor:
        assert batch.value_NSD is not None
        return batch.value_NSD


class TaskModel(nn.Module):
    """head(norm(trunk(batch))); its parameters begin with trunk., norm. and head."""

    def __init__(self, trunk: nn.Module, norm: nn.Module | None, head: Head) -> None:
        super().__init__()
        self.trunk = trunk
        self.norm = nn.Identity() if norm is None else norm
        self.head = head

    @property
    def starts_from_store(self) -> bool:
        return bool(self.trunk.starts_from_store)

    def forward(self, batch: Batch) -> Output:
        output: Output = self.head(self.norm(self.trunk(batch)), batch)
        return output

    def loss(self, batch: Batch) -> torch.Tensor:
        """Sum of the losses of the batch's targets."""
        return self.head.loss(self(batch), batch)
