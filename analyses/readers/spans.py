"""Spans of words as rows on the token axis, by the word table of a tokenisation. Pure arrays.

A word may have no tokens (it vanished, or was cut off) and a token may be of two words: a span's rows are
those of its words that have any, each row once. A span without rows is reported, never dropped here.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actstore.errors import WorkError
from analyses.readers.word_places import WordPlaces

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRows:
    """The rows of S spans, ragged: span i has rows row_T[offset_S1[i] : offset_S1[i + 1]], ascending."""

    row_T: Ints
    offset_S1: Ints
    n_vanished_words: int
    """Words inside the spans that have no tokens; a word counts once in each span it is in."""

    @property
    def n_rows(self) -> Ints:
        """How many rows each span has, [S]."""
        return np.diff(self.offset_S1)

    @property
    def is_empty(self) -> npt.NDArray[np.bool_]:
        """Spans of which no word has a token, [S]: nothing can be read for them."""
        return np.asarray(self.n_rows == 0)

    def rows(self, span: int) -> Ints:
        """The rows of one span."""
        return self.row_T[self.offset_S1[span] : self.offset_S1[span + 1]]


def span_rows(places: WordPlaces, example_S: Ints, start_S: Ints, end_S: Ints) -> SpanRows:
    """Rows of half-open spans of words [start, end) of examples: word indices [S] -> rows, ragged.

    The rule of Tenney et al. 2019 (from the first token of the first word to the last of the last), but for
    what lies between two windows of a long example. Raises WorkError for a span that is not in its example.
    """
    first_word_S = np.searchsorted(places.example_W, example_S)
    n_words_S = np.searchsorted(places.example_W, example_S, side="right") - first_word_S
    _refuse_outside(example_S, start_S, end_S, n_words_S)
    span_V, word_V = _ragged(first_word_S + start_S, end_S - start_S)
    has_V = places.first_row_W[word_V] >= 0
    span_V, word_V, n_vanished = span_V[has_V], word_V[has_V], int((~has_V).sum())
    first_V = places.first_row_W[word_V]
    last_V = first_V + places.n_tokens_W[word_V] - 1
    first_V = np.maximum(first_V, _last_before(span_V, last_V) + 1)
    n_rows_V = np.maximum(last_V - first_V + 1, 0)
    _, row_T = _ragged(first_V, n_rows_V)
    n_rows_S = np.bincount(span_V, weights=n_rows_V, minlength=len(start_S)).astype(np.int64)
    return SpanRows(
        row_T=row_T,
        offset_S1=np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(n_rows_S)]),
        n_vanished_words=n_vanished,
    )


def _ragged(first_S: Ints, count_S: Ints) -> tuple[Ints, Ints]:
    """(which range, value) of every value of the ranges [first, first + count), one after the other."""
    count_S = count_S.astype(np.int64)
    range_V = np.repeat(np.arange(len(count_S), dtype=np.int64), count_S)
    begin_S = np.cumsum(count_S) - count_S
    return range_V, first_S[range_V] + np.arange(len(range_V), dtype=np.int64) - begin_S[range_V]


def _last_before(span_V: Ints, last_V: Ints) -> Ints:
    """The highest row that the words before it in its span have, -1 for the first word of a span."""
    if not len(last_V):
        return last_V
    step = int(last_V.max()) + 2
    highest_V = np.maximum.accumulate(span_V * step + last_V + 1)
    before_V = np.concatenate([np.zeros(1, dtype=np.int64), highest_V[:-1]])
    return np.maximum(before_V - span_V * step, 0) - 1


def _refuse_outside(example_S: Ints, start_S: Ints, end_S: Ints, n_words_S: Ints) -> None:
    bad_S = (start_S < 0) | (end_S <= start_S) | (end_S > n_words_S)
    if bad_S.any():
        at = int(np.argmax(bad_S))
        raise WorkError(
            f"span [{start_S[at]}, {end_S[at]}) is not in example {example_S[at]}, which has {n_words_S[at]} "
            "words; the label set is not of this text: add it again"
        )
