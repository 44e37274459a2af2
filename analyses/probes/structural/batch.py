"""Batch: some sentences of a treebank as tensors: their words at each layer, places and targets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from analyses.probes.structural.objective import Gold
from analyses.probes.structural.treebank import Treebank
from analyses.probes.structural.trees import depths, distances
from analyses.probes.structural.vectors import WordVectors

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """W words of B sentences; word i stands at place place_W[i] of the B x N padded places."""

    value_LWD: Tensor
    place_W: Tensor
    gold: Gold

    def mapped(self, map_PDR: Tensor) -> Tensor:
        """Words in the probes' maps, zeros behind each sentence, [P, B, N, R]."""
        n_probes, _, rank = map_PDR.shape
        n_sentences, longest = self.gold.target.shape[:2]
        out = map_PDR.new_zeros((n_probes, n_sentences * longest, rank))
        out[:, self.place_W] = self.value_LWD @ map_PDR
        return out.view(n_probes, n_sentences, longest, rank)

    def map_gradient(self, gradient_PBNR: Tensor) -> Tensor:
        """Gradient by the maps, [P, D, R], from the gradient by the mapped words."""
        by_word = gradient_PBNR.flatten(start_dim=1, end_dim=2)[:, self.place_W]
        return self.value_LWD.transpose(-1, -2) @ by_word


class Batcher:
    """Makes batches of a treebank's sentences; trees are turned into targets once."""

    def __init__(self, vectors: WordVectors, kind: str, device: torch.device) -> None:
        self.vectors, self.kind, self.device = vectors, kind, device
        self.targets = [_target(vectors.bank, sentence, kind) for sentence in range(vectors.bank.n_sentences)]

    def batch(self, sentence_B: Ints, layers: tuple[int, ...]) -> Batch:
        """Sentences as a batch, at the layers (numbers of the model) a probe each stands at."""
        n_words_B = self.vectors.bank.n_words[sentence_B]
        longest = int(n_words_B.max())
        sentence_W = np.repeat(np.arange(len(sentence_B)), n_words_B)
        within_W = np.arange(len(sentence_W)) - np.repeat(np.cumsum(n_words_B) - n_words_B, n_words_B)
        return Batch(
            value_LWD=torch.from_numpy(self.vectors.batch(sentence_B, layers)).to(self.device),
            place_W=torch.from_numpy(sentence_W * longest + within_W).to(self.device),
            gold=self._gold(sentence_B, n_words_B, longest),
        )

    def _gold(self, sentence_B: Ints, n_words_B: Ints, longest: int) -> Gold:
        shape = (len(sentence_B), *(longest,) * self.targets[0].ndim)
        target, mask = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        for place, (sentence, n_words) in enumerate(zip(sentence_B, n_words_B, strict=True)):
            inside: tuple[Any, ...] = (place, *(slice(n_words),) * self.targets[0].ndim)
            target[inside] = self.targets[sentence]
            mask[inside] = 1
        return Gold(
            target=torch.from_numpy(target).to(self.device),
            mask=torch.from_numpy(mask).to(self.device),
            n_words_B=torch.from_numpy(n_words_B.astype(np.float32)).to(self.device),
        )


def _target(bank: Treebank, sentence: int, kind: str) -> npt.NDArray[np.int16]:
    """Distances or depths of a sentence; 16 bits hold the distances of any sentence."""
    head_W = bank.head_V[bank.words(sentence)]
    return (distances(head_W) if kind == "distance" else depths(head_W)).astype(np.int16)
