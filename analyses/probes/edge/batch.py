"""EdgeBatch: some targets with the activations of their spans' tokens, as tensors."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


class RowReader(Protocol):
    """Where a batch gets its activations: rows in memory, or a source."""

    def batch(self, row_T: npt.NDArray[np.int64], device: torch.device) -> Tensor:
        """Rows of the token axis (ascending, each once) at every layer: [L, T, D] float32."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Which tokens (of the batch's) each of B targets' span has, ragged."""

    token_Q: Tensor
    target_Q: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeBatch:
    """B targets, the T tokens of their spans at each layer, and their labels."""

    value_LTD: Tensor
    spans: tuple[Spans, ...]
    label_BK: Tensor
    """0 or 1, float32."""

    @property
    def n_targets(self) -> int:
        return len(self.label_BK)
