"""Tally: counts of a probe's decisions, by sentence and by label; and the labels that scores are over.

A decision is made for each (target, label): yes where the logit is at least 0. Precision, recall and F1 are
of counts pooled over targets and labels (methods, section 3.6).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
ROLE = re.compile(r"ARG[0-5A]|ARGM(-.*)?")
CONTINUED = re.compile(r"[RC]-ARG.*")
NO_RELATION = frozenset({"Other", "no_relation"})


def clean_labels(labels: Sequence[str]) -> Flags:
    """Which labels `micro_clean` counts, [K] (Tenney et al. 2019).

    Of the labels 0 and 1 only 1; of semantic roles no references and continuations; no label for the lack of
    a relation. All others.
    """
    if set(labels) == {"0", "1"}:
        return np.array([label == "1" for label in labels])
    if any(CONTINUED.fullmatch(label) for label in labels):
        return np.array([ROLE.fullmatch(label) is not None for label in labels])
    return np.array([label not in NO_RELATION and not label.startswith("_") for label in labels])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of true positives, false positives and false negatives (the last axis, 3)."""

    clean_K: Flags
    all_S3: Ints
    """By sentence, over all labels."""
    clean_S3: Ints
    """By sentence, over the labels of `micro_clean`."""
    label_K3: Ints
    confusion_KK: Ints
    """Of targets with exactly one label: their label, then the one with the highest logit."""
    logits: list[tuple[Ints, npt.NDArray[np.float16]]] | None = None
    """(targets, logits) of each batch, where predictions are kept."""

    @classmethod
    def empty(cls, n_sentences: int, clean_K: Flags, *, keeps: bool = False) -> "Tally":
        n_labels = len(clean_K)
        return cls(
            clean_K=clean_K,
            all_S3=np.zeros((n_sentences, 3), dtype=np.int64),
            clean_S3=np.zeros((n_sentences, 3), dtype=np.int64),
            label_K3=np.zeros((n_labels, 3), dtype=np.int64),
            confusion_KK=np.zeros((n_labels, n_labels), dtype=np.int64),
            logits=[] if keeps else None,
        )

    def add(
        self, logit_BK: npt.NDArray[np.float32], gold_BK: Flags, sentence_B: Ints, target_B: Ints
    ) -> None:
        """Count the decisions about some targets, each of a sentence."""
        said_BK = logit_BK >= 0
        found_3BK = np.stack([said_BK & gold_BK, said_BK & ~gold_BK, ~said_BK & gold_BK])
        np.add(self.label_K3, found_3BK.sum(axis=1).T, out=self.label_K3)
        np.add.at(self.all_S3, sentence_B, found_3BK.sum(axis=2).T)
        np.add.at(self.clean_S3, sentence_B, found_3BK[:, :, self.clean_K].sum(axis=2).T)
        one_B = gold_BK.sum(axis=1) == 1
        np.add.at(self.confusion_KK, (gold_BK[one_B].argmax(axis=1), logit_BK[one_B].argmax(axis=1)), 1)
        if self.logits is not None:
            self.logits.append((target_B, logit_BK.astype(np.float16)))

    def all_logits(self) -> npt.NDArray[np.float16]:
        """Of every target in order, [B, K]; of a tally that keeps them."""
        kept = self.logits or []
        target_B = np.concatenate([targets for targets, _ in kept])
        return np.concatenate([values for _, values in kept])[np.argsort(target_B)]
