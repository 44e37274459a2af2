"""NLI head: pooler, dropout and one linear layer, as BERT's classifier (run_classifier.py)."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from analyses.tuning.batch import Batch
from analyses.tuning.heads.head import Head, Output


@dataclass(frozen=True, slots=True, kw_only=True)
class NliSpec:
    """Sizes and choices of an NLI head."""

    width: int
    labels: tuple[str, ...]
    dropout: float = 0.1
    pool: str = "first"
    """The token that stands for the pair: first ([CLS]), or last for a causal model."""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "labels": list(self.labels)}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "NliSpec":
        return cls(**{**value, "labels": tuple(value["labels"])})


class NliHead(Head):
    """softmax(W dropout(tanh(P h + p)) + b) of one token's h."""

    task = "mnli"

    def __init__(self, spec: NliSpec) -> None:
        super().__init__()
        self._spec = spec
        self.pooler = nn.Linear(spec.width, spec.width)
        self.dropout = nn.Dropout(spec.dropout)
        self.classifier = nn.Linear(spec.width, len(spec.labels))

    @property
    def spec(self) -> NliSpec:
        return self._spec

    def forward(self, value_NSD: torch.Tensor, batch: Batch) -> Output:
        """Label scores [N, K]."""
        if self._spec.pool == "first":
            value_ND = value_NSD[:, 0]
        else:
            last_N = batch.mask_NS.sum(dim=1) - 1
            value_ND = value_NSD[torch.arange(len(last_N), device=last_N.device), last_N]
        return {"label": self.classifier(self.dropout(torch.tanh(self.pooler(value_ND))))}

    def loss(self, output: Output, batch: Batch) -> torch.Tensor:
        return functional.cross_entropy(
            output["label"].float(), batch.target["label"], ignore_index=-100, reduction="sum"
        )

    def predict(self, output: Output, batch: Batch) -> Output:
        return {"label": output["label"].argmax(dim=-1).cpu()}
