"""score_set: predicts the sentences of a set with trained probes and scores them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from analyses.probes.structural.batch import Batcher
from analyses.probes.structural.objective import predict_exactly
from analyses.probes.structural.scores import Score, ScoreRule, Scores, add_depths, add_distances
from analyses.probes.structural.training import EVALUATION_BATCH
from analyses.probes.structural.vectors import batches


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What P probes do on a set."""

    scores: list[Score]
    predicted: list[list[npt.NDArray[np.float32]]]
    """Of each probe and sentence, distances [W, W] or depths [W]; empty lists where they are not kept."""


@torch.no_grad()
def score_set(
    data: Batcher,
    map_PDR: Tensor,
    layers: tuple[int, ...],
    rule: ScoreRule,
    *,
    keep_predictions: bool,
) -> Scored:
    """Score probes, one at each layer, on all sentences of a set."""
    bank, kind = data.vectors.bank, data.kind
    scores = Scores(len(layers), rule)
    kept: list[list[npt.NDArray[np.float32]]] = [[] for _ in layers]
    for sentence_B in batches(np.arange(bank.n_sentences), EVALUATION_BATCH):
        batch = data.batch(sentence_B, layers)
        found = predict_exactly(batch.mapped(map_PDR), batch.gold).cpu().numpy()
        for place, sentence in enumerate(sentence_B):
            n_words = int(bank.n_words[sentence])
            inside: tuple[Any, ...] = (slice(None), place, *(slice(n_words),) * (found.ndim - 2))
            _add(scores, data, kind, int(sentence), found[inside])
            for probe in range(len(layers)) if keep_predictions else ():
                kept[probe].append(found[inside][probe].copy())
    return Scored(scores=scores.finish(kind), predicted=kept)


def _add(scores: Scores, data: Batcher, kind: str, sentence: int, found: npt.NDArray[np.float32]) -> None:
    words = data.vectors.bank.words(sentence)
    keep_W = ~data.vectors.bank.is_punctuation_V[words]
    if kind == "distance":
        add_distances(scores, found, data.targets[sentence], keep_W)
    else:
        add_depths(scores, found, data.targets[sentence], keep_W, data.vectors.bank.head_V[words])
