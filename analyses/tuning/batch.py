"""Batch: sequences padded to a rectangle, with their targets, on the model's device."""

from dataclasses import dataclass

import numpy as np
import torch

from analyses.tuning.features import Activations, Features, Ints, Targets, TaskData

PAD_ID = 0
"""Any token will do: padding is never attended to, and no loss is taken of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Padded on the right; N sequences, S = the longest one's tokens."""

    sequence_N: Ints
    token_id_NS: torch.Tensor | None
    """None where stored activations come in."""
    value_NSD: torch.Tensor | None
    """Stored activations in float32."""
    segment_NS: torch.Tensor
    mask_NS: torch.Tensor
    """True where there is a token."""
    padded: bool
    target: dict[str, torch.Tensor]
    n_targets: int

    @property
    def n_tokens(self) -> int:
        return int(self.mask_NS.sum())


def make_batch(
    data: TaskData,
    sequence_N: Ints,
    draws: np.random.Generator,
    device: torch.device,
    activations: Activations | None = None,
) -> Batch:
    """Sequences with their targets; with `activations` their stored values instead of token ids."""
    features = data.features
    length_N = features.length_S[sequence_N]
    longest = int(length_N.max())
    mask_NS = np.arange(longest)[None, :] < length_N[:, None]
    places_T = features.tokens_of(sequence_N)
    targets = data.targets(sequence_N, longest, draws)
    return Batch(
        sequence_N=sequence_N,
        token_id_NS=None
        if activations is not None
        else _rectangle(_ids(features, targets, places_T), mask_NS, PAD_ID).to(device),
        value_NSD=None
        if activations is None
        else _values(activations, features.row_T[places_T], mask_NS).to(device),
        segment_NS=_rectangle(features.segment_T[places_T], mask_NS, 0).to(device),
        mask_NS=torch.from_numpy(mask_NS).to(device),
        padded=bool(length_N.min() < longest),
        target={name: torch.from_numpy(value).to(device) for name, value in targets.arrays.items()},
        n_targets=targets.n_targets,
    )


def _ids(features: Features, targets: Targets, places_T: Ints) -> np.ndarray:
    return features.token_id_T[places_T] if targets.token_id_T is None else targets.token_id_T


def _rectangle(value_T: np.ndarray, mask_NS: np.ndarray, fill: int) -> torch.Tensor:
    value_NS = np.full(mask_NS.shape, fill, dtype=np.int64)
    value_NS[mask_NS] = value_T
    return torch.from_numpy(value_NS)


def _values(activations: Activations, row_T: Ints, mask_NS: np.ndarray) -> torch.Tensor:
    """[T, D] of any float dtype -> [N, longest, D] in float32, zero where there is no token."""
    value_TD = activations.gather(row_T)
    value_NSD = np.zeros((*mask_NS.shape, value_TD.shape[1]), dtype=np.float32)
    value_NSD[mask_NS] = value_TD
    return torch.from_numpy(value_NSD)
