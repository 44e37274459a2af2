"""Trunk: the layers that are trained, as one module from a batch to the last kept layer's output."""

from typing import Any

import torch
from torch import nn

from analyses.tuning.batch import Batch
from analyses.tuning.trunk.families import TrunkFamily
from analyses.tuning.trunk.spec import TrunkSpec


class Trunk(nn.Module):
    """Layers k+1..n. The final norm of a family that has one is a module of its own: see `norm`."""

    def __init__(
        self, model: Any, family: TrunkFamily, spec: TrunkSpec, *, n_frozen: int, n_layers: int
    ) -> None:
        super().__init__()
        self.family = family
        self.spec = spec
        self.n_frozen = n_frozen
        self.n_layers = n_layers
        self.width = int(getattr(model.config, family.width_field))
        norm = None if family.final_norm is None else model.get_submodule(family.final_norm)
        if family.final_norm is not None:
            setattr(model, family.final_norm, nn.Identity())
        self.model = model
        self._norm = [norm]  # in a list: its owner is the whole TaskModel
        self._freeze()

    @property
    def norm(self) -> nn.Module | None:
        """The norm after the last layer, trained and saved with the head."""
        return self._norm[0]

    @property
    def embedding(self) -> nn.Parameter | None:
        """The table of token embeddings, None where stored activations come in."""
        if self.spec.starts_from_store:
            return None
        weight: nn.Parameter = self.model.get_submodule(self.family.embedding).weight
        return weight

    @property
    def starts_from_store(self) -> bool:
        return self.spec.starts_from_store

    def forward(self, batch: Batch) -> torch.Tensor:
        """Output of the last kept layer, before any final norm: [N, longest, D]."""
        if self.starts_from_store:
            assert batch.value_NSD is not None
            if self.n_frozen == self.n_layers:
                return batch.value_NSD
            given: dict[str, Any] = {"inputs_embeds": batch.value_NSD}
        else:
            given = {"input_ids": batch.token_id_NS}
            if self.family.takes_segments:
                given["token_type_ids"] = batch.segment_NS
        if self.family.causal:  # no token sees the padding on its right
            given["use_cache"] = False
        elif batch.padded:
            given["attention_mask"] = batch.mask_NS.to(torch.int64)
        output: torch.Tensor = self.model(**given).last_hidden_state
        return output

    def train(self, mode: bool = True) -> "Trunk":
        """As of every module, but frozen layers never drop anything: they stand for stored activations."""
        super().train(mode)
        for module in self._frozen():
            module.eval()
        return self

    def _frozen(self) -> list[nn.Module]:
        if self.spec.n_frozen is None or self.starts_from_store:
            return []
        below = [self.model.get_submodule(path) for path in self.family.replaced]
        return [*below, *self.model.get_submodule(self.family.layers)[: self.n_frozen]]

    def _freeze(self) -> None:
        for module in self._frozen():
            module.requires_grad_(False)
