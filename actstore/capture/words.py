"""Words to tokens by overlap of characters, over source tokens that are not cut yet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actstore.capture.encoding import Encoded
from actstore.schema.text import Example

_SIDE = 1 << 32
"""Key of a character: (2 * example + side) * _SIDE + character; texts are shorter than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordSpans:
    """Words of N examples one after the other, and the first and last source token of each."""

    offset_N1: npt.NDArray[np.int64]
    """Example i is the words offset[i] to offset[i + 1]."""
    seen_W: npt.NDArray[np.bool_]
    """Whether the word is on a side that is tokenised."""
    first_W: npt.NDArray[np.int64]
    last_W: npt.NDArray[np.int64]
    """Positions in the flat source tokens, `last` included; -1 where no token overlaps the word."""


def word_spans(examples: Sequence[Example], encoded: Encoded, part: str) -> WordSpans:
    """The source tokens that overlap each word; a token may be of two words, a word of several tokens."""
    words = [word for example in examples for word in example.words]
    count_N = np.array([len(example.words) for example in examples], dtype=np.int64)
    side_W = np.array([word.segment for word in words], dtype=np.int64)
    start_W = np.array([word.char_start for word in words], dtype=np.int64)
    end_W = np.array([word.char_end for word in words], dtype=np.int64)
    example_W = np.repeat(np.arange(len(examples)), count_N)
    key_W = (2 * example_W + side_W) * _SIDE

    position_S, token_start_S, token_end_S = _token_keys(encoded)
    first_W = np.searchsorted(np.maximum.accumulate(token_end_S), key_W + start_W, side="right")
    reach_S = np.minimum.accumulate(token_start_S[::-1])[::-1]
    last_W = np.searchsorted(reach_S, key_W + end_W, side="left") - 1
    found_W = (first_W <= last_W) & (start_W < end_W)
    if len(position_S) == 0:
        position_S = np.zeros(1, dtype=np.int64)
    inside = len(position_S) - 1
    return WordSpans(
        offset_N1=np.concatenate([[0], np.cumsum(count_N)]),
        seen_W=_seen(side_W, part),
        first_W=np.where(found_W, position_S[np.minimum(first_W, inside)], -1),
        last_W=np.where(found_W, position_S[np.maximum(last_W, 0)], -1),
    )


def _token_keys(
    encoded: Encoded,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Positions of the tokens that hold characters, and keys of their first and last characters."""
    position_S = np.flatnonzero(~encoded.special_T & (encoded.start_T < encoded.end_T))
    example_T = np.repeat(np.arange(len(encoded.pair_N)), np.diff(encoded.offset_N1))
    key_S = (2 * example_T[position_S] + encoded.side_T[position_S]) * _SIDE
    return position_S, key_S + encoded.start_T[position_S], key_S + encoded.end_T[position_S]


def _seen(side_W: npt.NDArray[np.int64], part: str) -> npt.NDArray[np.bool_]:
    seen_W: npt.NDArray[np.bool_] = np.ones(len(side_W), dtype=np.bool_)
    return seen_W if part == "pair" else side_W == (0 if part == "a" else 1)
