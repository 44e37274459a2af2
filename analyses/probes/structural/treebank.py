"""Treebank: sentences with their trees and where their words lie on the token axis. Pure tables.

A sentence is left out, and counted, where a run has no values for it or where one of its words has no tokens
(it was cut off, or all its characters vanished): a distance needs both its words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import RequestError
from analyses.probes.structural.trees import tree_problem
from analyses.readers.word_places import WordPlaces

Ints = npt.NDArray[np.int64]
LABEL_COLUMNS = ("example", "word", "upos", "xpos", "head")
PUNCTUATION_XPOS = frozenset({"''", ",", ".", ":", "``", "-LRB-", "-RRB-"})
"""Tags of words that UUAS and root accuracy leave out (Hewitt and Manning's evaluation)."""
PUNCTUATION_UPOS = frozenset({"PUNCT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Treebank:
    """S sentences of V words in all; the words of sentence i are offset_S1[i] to offset_S1[i + 1]."""

    example_S: Ints
    offset_S1: Ints
    head_V: Ints
    """Within the sentence; the root's is itself."""
    is_punctuation_V: npt.NDArray[np.bool_]
    first_row_V: Ints
    n_tokens_V: Ints
    n_without_tokens: int = 0
    """Sentences left out because a word of theirs has no tokens."""
    n_without_values: int = 0
    """Sentences left out because a run has no values for them."""

    @property
    def n_sentences(self) -> int:
        return len(self.example_S)

    @property
    def n_words_in_all(self) -> int:
        return len(self.head_V)

    @property
    def n_words(self) -> Ints:
        """Length of each sentence in words, [S]."""
        return np.diff(self.offset_S1)

    def words(self, sentence: int) -> slice:
        """Where the words of a sentence stand among all."""
        return slice(int(self.offset_S1[sentence]), int(self.offset_S1[sentence + 1]))

    def counts(self) -> dict[str, int]:
        """What was read and what was left out."""
        return {
            "n_sentences": self.n_sentences,
            "n_words": self.n_words_in_all,
            "n_without_tokens": self.n_without_tokens,
            "n_without_values": self.n_without_values,
        }


def treebank(
    labels: pa.Table,
    places: WordPlaces,
    *,
    punctuation: str = "xpos",
    excluded: Sequence[int] = (),
    corpus: str = "the corpus",
) -> Treebank:
    """The sentences of a text in one tokenisation.

    `labels`: LABEL_COLUMNS of the label set `words`; `places`: of the same words. `punctuation`: "xpos",
    "upos" or "none", by which column words are left out of UUAS and root accuracy. Raises RequestError where
    the tables are not of one text, and where nothing is left.
    """
    example_V, word_V = (labels.column(name).to_numpy().astype(np.int64) for name in LABEL_COLUMNS[:2])
    if not (np.array_equal(example_V, places.example_W) and np.array_equal(word_V, places.word_W)):
        raise RequestError(f"{corpus}: its trees and its words are not of one text; extract the corpus again")
    lost = np.unique(example_V[places.first_row_W < 0])
    gone = np.intersect1d(np.asarray(excluded, dtype=np.int64), example_V)
    keep_V = ~np.isin(example_V, np.union1d(lost, gone))
    if not keep_V.any():
        raise RequestError(
            f"{corpus}: of {len(np.unique(example_V)):,} sentences none is left ({len(lost):,} have words "
            f"without tokens, {len(gone):,} have no values); raise max_length, or take another corpus"
        )
    example_S, first_S = np.unique(example_V[keep_V], return_index=True)
    return Treebank(
        example_S=example_S,
        offset_S1=np.append(first_S, keep_V.sum()).astype(np.int64),
        head_V=_heads(labels)[keep_V],
        is_punctuation_V=is_punctuation(labels, punctuation)[keep_V],
        first_row_V=places.first_row_W[keep_V],
        n_tokens_V=places.n_tokens_W[keep_V],
        n_without_tokens=len(lost),
        n_without_values=len(np.setdiff1d(gone, lost)),
    )


def refuse_no_trees(labels: pa.Table, corpus: str, source_ids: Sequence[str | None]) -> None:
    """Raise RequestError, naming corpus and sentence, where the heads of a text are not trees.

    `labels`: LABEL_COLUMNS of the label set `words`; `source_ids`: what the source calls each example.
    """
    head_V = _heads(labels)
    example_V = labels.column("example").to_numpy()
    if not len(head_V) or (head_V < 0).all():
        raise RequestError(f'{corpus} has no trees; take a treebank (format = "conllu") with heads')
    starts = np.flatnonzero(np.append(True, np.diff(example_V) != 0))
    for first, end in zip(starts, [*starts[1:], len(head_V)], strict=True):
        problem = tree_problem(head_V[first:end])
        if problem is not None:
            example = int(example_V[first])
            raise RequestError(
                f"{corpus}, sentence {source_ids[example]!r} (example {example}): {problem}: this is not a "
                "tree; every word needs one head, and one word, the root, has head 0: correct the file"
            )


def is_punctuation(labels: pa.Table, by: str) -> npt.NDArray[np.bool_]:
    """Which words are punctuation, [V], by the column `by`; "none": no word is."""
    if by == "none":
        return np.zeros(len(labels), dtype=bool)
    tags = PUNCTUATION_XPOS if by == "xpos" else PUNCTUATION_UPOS
    return np.array([tag in tags for tag in labels.column(by).to_pylist()], dtype=bool)


def _heads(labels: pa.Table) -> Ints:
    heads: npt.NDArray[Any] = labels.column("head").fill_null(-1).to_numpy()
    return heads.astype(np.int64)
