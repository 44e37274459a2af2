"""Padding: a batch of sequences as the rectangle that a model takes, and the way back."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from actstore.schema.tokens import TokenBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class PaddedBatch:
    """Model inputs [N, longest], padded on the right, on the model's device."""

    token_ids: torch.Tensor
    segments: torch.Tensor | None
    mask: torch.Tensor | None
    """1 where there is a token; None where the rectangle has no padding."""
    places: torch.Tensor | None
    """Where each token lies in the flattened rectangle: [T]; None without padding."""

    def without_mask(self) -> "PaddedBatch":
        """For a causal model: no token sees the padding on its right."""
        return replace(self, mask=None)


def pad(batch: TokenBatch, *, pad_id: int, segments: bool, device: torch.device) -> PaddedBatch:
    """Lay sequences under each other, each beginning at the left."""
    length_N = np.diff(batch.offset_N1)
    longest = int(length_N.max())
    shape = (len(length_N), longest)
    if batch.n_tokens == shape[0] * shape[1]:
        ids = torch.from_numpy(batch.token_id_T.astype(np.int64).reshape(shape))
        types = torch.from_numpy(batch.segment_T.astype(np.int64).reshape(shape)) if segments else None
        return PaddedBatch(
            token_ids=ids.to(device),
            segments=None if types is None else types.to(device),
            mask=None,
            places=None,
        )
    mask_NS = np.arange(longest)[None, :] < length_N[:, None]
    ids_NS = np.full(shape, pad_id, dtype=np.int64)
    ids_NS[mask_NS] = batch.token_id_T
    types_NS = np.zeros(shape, dtype=np.int64)
    types_NS[mask_NS] = batch.segment_T
    return PaddedBatch(
        token_ids=torch.from_numpy(ids_NS).to(device),
        segments=torch.from_numpy(types_NS).to(device) if segments else None,
        mask=torch.from_numpy(mask_NS.astype(np.int64)).to(device),
        places=torch.from_numpy(np.flatnonzero(mask_NS)).to(device),
    )
