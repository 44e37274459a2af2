"""Head: what every task's head can do."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import nn

from analyses.tuning.batch import Batch

Output = dict[str, torch.Tensor]


class Head(nn.Module, ABC):
    """From the last layer's output [N, S, D] to scores, a loss and predictions."""

    task: ClassVar[str]

    @property
    @abstractmethod
    def spec(self) -> Any:
        """The frozen record (with `to_dict`) that a head of the same shape is built from."""

    @abstractmethod
    def forward(self, value_NSD: torch.Tensor, batch: Batch) -> Output:
        """Scores of the batch."""

    @abstractmethod
    def loss(self, output: Output, batch: Batch) -> torch.Tensor:
        """Sum of the losses of the batch's targets (the mean is that over `batch.n_targets`)."""

    @abstractmethod
    def predict(self, output: Output, batch: Batch) -> Output:
        """What is kept of the scores to predict from, on the CPU; rectangles with a row a sequence."""
