"""What a structural probe predicts, its L1 loss and the loss's gradient, for a stack of probes at once.

Squared distances of words, or squared lengths, in a linear map are compared with whole numbers of edges
(Hewitt, Manning 2019). Distances come from one product of the mapped words with themselves, not from all
differences; the gradient has a closed form, so that no graph is kept.

Suffixes: P probes, B sentences, N places of the longest sentence, R rows of the map.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """What a batch of sentences should be predicted as; places behind a sentence's end are masked out."""

    target: Tensor
    """Distances [B, N, N] or depths [B, N], float32."""
    mask: Tensor
    """1 where there is a target, of the same shape."""
    n_words_B: Tensor
    """Lengths, float32."""

    @property
    def is_distance(self) -> bool:
        return self.target.ndim == 3


def predict(mapped_PBNR: Tensor, gold: Gold) -> Tensor:
    """Squared distances [P, B, N, N] or squared lengths [P, B, N]; masked places hold what they hold.

    `mapped_PBNR`: zeros behind a sentence's end; for distances `centred`, where the product loses fewer
    digits.
    """
    if not gold.is_distance:
        return mapped_PBNR.square().sum(dim=-1)
    product = mapped_PBNR @ mapped_PBNR.transpose(-1, -2)
    length = product.diagonal(dim1=-2, dim2=-1)
    return (length.unsqueeze(-1) + length.unsqueeze(-2) - 2 * product).clamp_min(0)


def predict_exactly(mapped_PBNR: Tensor, gold: Gold) -> Tensor:
    """As `predict`, distances from differences: slower, but equal distances stay equal, as ranks need it."""
    if not gold.is_distance:
        return predict(mapped_PBNR, gold)
    return torch.cdist(mapped_PBNR, mapped_PBNR, compute_mode="donot_use_mm_for_euclid_dist").square()


def centred(mapped_PBNR: Tensor, gold: Gold) -> Tensor:
    """Words about the mean of their sentence; depths are left as they are: their origin counts."""
    if not gold.is_distance:
        return mapped_PBNR
    inside_BN1 = gold.mask.diagonal(dim1=-2, dim2=-1).unsqueeze(-1)
    mean = mapped_PBNR.sum(dim=-2, keepdim=True) / gold.n_words_B[:, None, None]
    return (mapped_PBNR - mean) * inside_BN1


def losses(predicted: Tensor, gold: Gold) -> Tensor:
    """L1 loss of each probe on each sentence, [P, B]: over a sentence's targets, divided by their number."""
    error = ((predicted - gold.target) * gold.mask).abs()
    return error.flatten(start_dim=2).sum(dim=-1) / _n_targets(gold)


def gradient(mapped_PBNR: Tensor, predicted: Tensor, gold: Gold, *, mean: bool = True) -> Tensor:
    """Gradient of the batch's loss by the mapped words, [P, B, N, R].

    `mean`: the batch's loss is the mean over its sentences (the released code), else their sum (the paper's
    appendix).
    """
    weight_B = 1 / (_n_targets(gold) * (len(gold.n_words_B) if mean else 1))
    sign = torch.sign(predicted - gold.target) * gold.mask
    if not gold.is_distance:
        return 2 * (sign * weight_B[:, None]).unsqueeze(-1) * mapped_PBNR
    sign = sign * weight_B[:, None, None]
    return 4 * (sign.sum(dim=-1, keepdim=True) * mapped_PBNR - sign @ mapped_PBNR)


def _n_targets(gold: Gold) -> Tensor:
    return gold.n_words_B**2 if gold.is_distance else gold.n_words_B
