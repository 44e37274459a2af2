"""MLM head: predicts masked tokens through a transform and a decoder tied to the token embeddings."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from analyses.tuning.batch import Batch
from analyses.tuning.heads.head import Head, Output


@dataclass(frozen=True, slots=True, kw_only=True)
class MlmSpec:
    """Sizes of an MLM head."""

    width: int
    embedding_width: int
    vocabulary: int
    norm_epsilon: float = 1e-12

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "MlmSpec":
        return cls(**value)


class MlmHead(Head):
    """BERT's: dense, gelu, norm, then the token embeddings transposed plus a bias."""

    task = "mlm"

    def __init__(self, spec: MlmSpec, embedding: nn.Parameter | None = None) -> None:
        super().__init__()
        self._spec = spec
        self.dense = nn.Linear(spec.width, spec.embedding_width)
        self.norm = nn.LayerNorm(spec.embedding_width, eps=spec.norm_epsilon)
        tied = torch.zeros(spec.vocabulary, spec.embedding_width) if embedding is None else embedding
        self.decoder = tied if isinstance(tied, nn.Parameter) else nn.Parameter(tied)
        self.bias = nn.Parameter(torch.zeros(spec.vocabulary))

    @property
    def spec(self) -> MlmSpec:
        return self._spec

    def forward(self, value_NSD: torch.Tensor, batch: Batch) -> Output:
        """Token scores of the masked tokens alone [M, V]: the others have no loss."""
        value_MD = value_NSD[batch.target["masked"]]
        transformed_MD = self.norm(functional.gelu(self.dense(value_MD)))
        return {"token": functional.linear(transformed_MD, self.decoder, self.bias)}

    def loss(self, output: Output, batch: Batch) -> torch.Tensor:
        return functional.cross_entropy(
            output["token"].float(), batch.target["token"][batch.target["masked"]], reduction="sum"
        )

    def predict(self, output: Output, batch: Batch) -> Output:
        """For each sequence its loss, masked tokens and how many of them are predicted right: [N]."""
        token_M = batch.target["token"][batch.target["masked"]]
        loss_M = functional.cross_entropy(output["token"].float(), token_M, reduction="none")
        right_M = (output["token"].argmax(dim=-1) == token_M).float()
        sequence_M = batch.target["masked"].nonzero()[:, 0]
        empty_N = torch.zeros(len(batch.mask_NS), device=loss_M.device)
        sums = {"loss": loss_M, "right": right_M, "masked": torch.ones_like(loss_M)}
        return {name: empty_N.index_add(0, sequence_M, value).cpu() for name, value in sums.items()}
