"""Scores of structural probes: Spearman by sentence length, UUAS, root accuracy; for P probes at once.

Definitions: Hewitt and Manning 2019 with their evaluation code (methods, section 4.4). A correlation that is
not defined (a constant row) is left out and counted, or, as in that code, makes the score undefined.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analyses.probes.structural.ranks import spearman
from analyses.probes.structural.spanning import spanning_trees
from analyses.probes.structural.trees import root_of

SHORTEST, LONGEST = 5, 50
"""Lengths of sentences, in words, that Spearman's correlation is averaged over."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRule:
    """Where evaluations differ; the defaults are the released code's, but for undefined correlations."""

    self_distances: bool = True
    """Whether a word's distance to itself, 0 in both, is part of its row."""
    undefined: str = "exclude"
    """A correlation that is not defined: "exclude" (and count) it, or "nan": the score is not defined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How well one probe does on a set; None where nothing could be scored, or the score is not defined."""

    n_sentences: int
    spearman: float | None
    uuas: float | None = None
    root_acc: float | None = None
    n_of_length: int = 0
    """Sentences of 5 to 50 words: those in `spearman`."""
    n_undefined: int = 0
    """Correlations (of words for distances, of sentences for depths) that were not defined."""
    n_punctuation_only: int = 0
    """Sentences of punctuation alone: not in `root_acc`."""


class Scores:
    """Counts of sentences, one after the other; `finish` gives the score of each probe."""

    def __init__(self, n_probes: int, rule: ScoreRule) -> None:
        self.n_probes, self.rule = n_probes, rule
        self.n_sentences = self.n_of_length = 0
        self.sum_by_length: dict[int, Floats] = defaultdict(lambda: np.zeros(n_probes))
        self.count_by_length: dict[int, Floats] = defaultdict(lambda: np.zeros(n_probes))
        self.undefined_P = np.zeros(n_probes, dtype=np.int64)
        self.found_P = np.zeros(n_probes, dtype=np.int64)
        self.n_gold = self.n_punctuation_only = 0

    def add_correlations(self, rho_PR: Floats, n_words: int) -> None:
        """Correlations of a sentence's rows: one a word for distances, one for depths."""
        self.n_sentences += 1
        if not SHORTEST <= n_words <= LONGEST:
            return
        self.n_of_length += 1
        is_defined_PR = np.isfinite(rho_PR)
        self.undefined_P += (~is_defined_PR).sum(axis=1)
        if self.rule.undefined == "nan":
            is_defined_PR = np.ones_like(is_defined_PR)
        self.sum_by_length[n_words] += np.where(is_defined_PR, rho_PR, 0).sum(axis=1)
        self.count_by_length[n_words] += is_defined_PR.sum(axis=1)

    def finish(self, kind: str) -> list[Score]:
        """The scores of the probes."""
        share_P = self.found_P / self.n_gold if self.n_gold else np.full(self.n_probes, np.nan)
        return [
            Score(
                n_sentences=self.n_sentences,
                spearman=_or_none(self._spearman(probe)),
                uuas=_or_none(share_P[probe]) if kind == "distance" else None,
                root_acc=_or_none(share_P[probe]) if kind == "depth" else None,
                n_of_length=self.n_of_length,
                n_undefined=int(self.undefined_P[probe]),
                n_punctuation_only=self.n_punctuation_only,
            )
            for probe in range(self.n_probes)
        ]

    def _spearman(self, probe: int) -> float:
        """The mean over lengths of the mean over the rows of sentences of a length."""
        lengths = [length for length, count_P in self.count_by_length.items() if count_P[probe] > 0]
        means = [self.sum_by_length[n][probe] / self.count_by_length[n][probe] for n in sorted(lengths)]
        return float(np.mean(means)) if means else float("nan")


def add_distances(
    scores: Scores, predicted_PWW: npt.NDArray[Any], gold_WW: npt.NDArray[Any], keep_W: npt.NDArray[np.bool_]
) -> None:
    """Score the distances of one sentence; `keep_W`: words that are no punctuation, for UUAS.

    Its gold tree is, as the predicted one, the minimum spanning tree of the distances between those words.
    """
    n_words = len(gold_WW)
    if SHORTEST <= n_words <= LONGEST:
        rho_PW = _rows_spearman(predicted_PWW, gold_WW, scores.rule.self_distances)
    else:
        rho_PW = np.empty((scores.n_probes, 0))
    scores.add_correlations(rho_PW, n_words)
    kept = np.ix_(keep_W, keep_W)
    gold_edges = spanning_trees(gold_WW[kept][None])[0]
    edges_P = spanning_trees(predicted_PWW[:, keep_W][:, :, keep_W])
    scores.found_P += (edges_P & gold_edges).sum(axis=(1, 2)) // 2
    scores.n_gold += int(gold_edges.sum()) // 2


def add_depths(
    scores: Scores,
    predicted_PW: npt.NDArray[Any],
    gold_W: npt.NDArray[Any],
    keep_W: npt.NDArray[np.bool_],
    head_W: npt.NDArray[np.int64],
) -> None:
    """Score the depths of one sentence; the root is looked for among words that are no punctuation.

    A root that is punctuation can not be found; a sentence of nothing else is left out and counted.
    """
    n_words = len(gold_W)
    scores.add_correlations(spearman(predicted_PW, gold_W)[:, None], n_words)
    if not keep_W.any():
        scores.n_punctuation_only += 1
        return
    guess_P = np.argmin(np.where(keep_W, predicted_PW, np.inf), axis=1)
    scores.found_P += guess_P == root_of(head_W)
    scores.n_gold += 1


def _rows_spearman(predicted_PWW: npt.NDArray[Any], gold_WW: npt.NDArray[Any], with_self: bool) -> Floats:
    if with_self:
        return spearman(predicted_PWW, gold_WW)
    n_words = len(gold_WW)
    others = ~np.eye(n_words, dtype=bool)
    shape = (n_words, n_words - 1)
    return spearman(predicted_PWW[:, others].reshape(-1, *shape), gold_WW[others].reshape(shape))


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
