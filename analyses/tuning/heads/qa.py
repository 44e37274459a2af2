"""QA head: one linear layer on every token; its columns score answers' starts and ends (run_squad.py)."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from analyses.tuning.batch import Batch
from analyses.tuning.heads.head import Head, Output


@dataclass(frozen=True, slots=True, kw_only=True)
class QaSpec:
    """Size of a QA head."""

    width: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "QaSpec":
        return cls(**value)


class QaHead(Head):
    """Two softmaxes over a sequence's tokens, question and special tokens included, padding not.

    BERT's own script lets the padding to 384 tokens take part; with batches of like lengths that would make a
    loss depend on its neighbours.
    """

    task = "squad"

    def __init__(self, spec: QaSpec) -> None:
        super().__init__()
        self._spec = spec
        self.qa_outputs = nn.Linear(spec.width, 2)

    @property
    def spec(self) -> QaSpec:
        return self._spec

    def forward(self, value_NSD: torch.Tensor, batch: Batch) -> Output:
        """Scores [N, S] of each token as start and as end."""
        start_NS, end_NS = self.qa_outputs(value_NSD).float().unbind(dim=-1)
        absent_NS = ~batch.mask_NS
        return {
            "start": start_NS.masked_fill(absent_NS, -torch.inf),
            "end": end_NS.masked_fill(absent_NS, -torch.inf),
        }

    def loss(self, output: Output, batch: Batch) -> torch.Tensor:
        losses = [
            functional.cross_entropy(output[name], batch.target[name], reduction="sum")
            for name in ("start", "end")
        ]
        return (losses[0] + losses[1]) / 2

    def predict(self, output: Output, batch: Batch) -> Output:
        return {name: output[name].cpu() for name in ("start", "end")}
