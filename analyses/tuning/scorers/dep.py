"""Attachment scores of dependency trees, as the CoNLL 2018 shared task computes them on gold words."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """Words of a treebank with gold and predicted arcs; a head is a place (0: root), -1 where unknown."""

    form_W: Sequence[str]
    gold_head_W: npt.NDArray[np.int64]
    found_head_W: npt.NDArray[np.int64]
    gold_label_W: Sequence[str]
    found_label_W: Sequence[str]


def score_trees(parsed: Parsed) -> dict[str, float]:
    """uas and las in per cent over all words, punctuation included and labels without their subtype (UD).

    `_subtypes` compares whole labels; `_no_punct` leaves out words that are all Unicode punctuation (CoNLL-X,
    eval.pl). With gold words the shared task's F1 is this accuracy.
    """
    heads_W = parsed.gold_head_W == parsed.found_head_W
    whole_W = _equal(parsed.gold_label_W, parsed.found_label_W)
    universal_W = _equal([*map(universal, parsed.gold_label_W)], [*map(universal, parsed.found_label_W)])
    all_W = np.ones(len(heads_W), dtype=np.bool_)
    words_W = np.array([not is_punctuation(form) for form in parsed.form_W], dtype=np.bool_)
    scores: dict[str, float] = {}
    for suffix, kept_W in (("", all_W), ("_no_punct", words_W)):
        n_words = max(1, int(kept_W.sum()))
        for name, right_W in (
            ("uas", heads_W), ("las", heads_W & universal_W), ("las_subtypes", heads_W & whole_W),
        ):  # fmt: skip
            scores[name + suffix] = 100.0 * float((right_W & kept_W).sum()) / n_words
    return scores


def universal(label: str) -> str:
    """A relation without its subtype: obl:tmod -> obl."""
    return label.split(":", maxsplit=1)[0]


def is_punctuation(form: str) -> bool:
    """Whether every character of a word is of a Unicode punctuation category."""
    return bool(form) and all(unicodedata.category(char).startswith("P") for char in form)


def _equal(gold_W: Sequence[str], found_W: Sequence[str]) -> npt.NDArray[np.bool_]:
    return np.array([a == b for a, b in zip(gold_W, found_W, strict=True)], dtype=np.bool_)
