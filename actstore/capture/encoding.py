"""Encoding: a block of examples as the tokenizer's own tokens, uncut, in flat arrays over all of them.

Knows no limits, no windows and no rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.capture.tokenizer import Tokenizer
from actstore.errors import CorpusError
from actstore.schema.text import Example

_SPACES = np.array([ord(char) for char in map(chr, range(0x3001)) if char.isspace()], dtype=np.uint32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Source tokens of N examples one after the other, special tokens included.

    An example is: specials, the first text, then, of a pair, specials and the second text; then specials.
    """

    offset_N1: npt.NDArray[np.int64]
    """Example i is the tokens offset[i] to offset[i + 1]."""
    token_id_T: npt.NDArray[np.int32]
    segment_T: npt.NDArray[np.int8]
    """What the model is given as token type: of a pair 0 and 1."""
    special_T: npt.NDArray[np.bool_]
    start_T: npt.NDArray[np.int32]
    end_T: npt.NDArray[np.int32]
    """Characters of the token in its own text, white space at its ends trimmed; 0 and 0 of specials."""
    side_T: npt.NDArray[np.int8]
    """Which text of the example the token is of, 0 or 1; -1 of specials."""
    pair_N: npt.NDArray[np.bool_]


def encode(examples: Sequence[Example], numbers: Sequence[int], tokenizer: Tokenizer, part: str) -> Encoded:
    """Run the tokenizer over examples; `numbers` are their numbers, for messages.

    Raises CorpusError naming the example that has no token, lacks the second text that `part` asks for, or
    that the tokenizer fails on.
    """
    inputs = [_texts(example, number, part) for example, number in zip(examples, numbers, strict=True)]
    encodings = _encode(inputs, numbers, tokenizer)
    length_N = np.array([len(encoding) for encoding in encodings], dtype=np.int64)
    if not length_N.all():
        number = numbers[int(np.flatnonzero(length_N == 0)[0])]
        raise CorpusError(
            f"example {number} has no token in this tokenizer: it is empty, and no special tokens are added; "
            "remove it from the corpus"
        )
    offset_N1 = np.concatenate([[0], np.cumsum(length_N)])
    special_T = _flat([encoding.special_tokens_mask for encoding in encodings], np.bool_)
    pair_N = np.array([isinstance(texts, tuple) for texts in inputs], dtype=np.bool_)
    second_T = _second(encodings, pair_N, offset_N1)
    span_T2 = np.array([span for encoding in encodings for span in encoding.offsets], dtype=np.int32)
    start_T, end_T = _trimmed(inputs, np.repeat(np.arange(len(inputs)), length_N), second_T, span_T2)
    first_side = 1 if part == "b" else 0
    side_T = np.where(special_T, -1, np.where(second_T, 1, first_side)).astype(np.int8)
    type_T = _flat([encoding.type_ids for encoding in encodings], np.int8)
    return Encoded(
        offset_N1=offset_N1,
        token_id_T=_flat([encoding.ids for encoding in encodings], np.int32),
        segment_T=_segments(type_T, second_T),
        special_T=special_T,
        start_T=np.where(special_T, 0, start_T).astype(np.int32),
        end_T=np.where(special_T, 0, end_T).astype(np.int32),
        side_T=side_T,
        pair_N=pair_N,
    )


def _texts(example: Example, number: int, part: str) -> str | tuple[str, str]:
    if part == "a" or (part == "pair" and example.text_b is None):
        return example.text
    if example.text_b is None:
        raise CorpusError(f'example {number} is no pair, part = "b" has nothing to take; leave part out')
    return example.text_b if part == "b" else (example.text, example.text_b)


def _encode(inputs: list[str | tuple[str, str]], numbers: Sequence[int], tokenizer: Tokenizer) -> list[Any]:
    """One encoding an input. Where the library fails it does not say on which: each is then tried alone."""
    try:
        return list(tokenizer.backend.encode_batch(inputs))
    except Exception as together:  # the library raises plain Exception; every path below raises
        for texts, number in zip(inputs, numbers, strict=True):
            try:
                tokenizer.backend.encode_batch([texts])
            except Exception as alone:
                raise CorpusError(
                    f"the tokenizer fails on example {number} ({alone}); remove or repair that example"
                ) from alone
        raise CorpusError(
            f"the tokenizer fails on examples {numbers[0]} to {numbers[-1]}: {together}"
        ) from together


def _flat(lists: list[list[int]], dtype: type) -> npt.NDArray[Any]:
    return np.array([value for values in lists for value in values], dtype=dtype)


def _second(
    encodings: list[Any], pair_N: npt.NDArray[np.bool_], offset_N1: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Whether a token is of a pair's second text or comes after its beginning: [T]."""
    second_T = np.zeros(int(offset_N1[-1]), dtype=np.bool_)
    for position in np.flatnonzero(pair_N).tolist():
        sequence_ids = encodings[position].sequence_ids
        if 1 in sequence_ids:
            second_T[offset_N1[position] + sequence_ids.index(1) : offset_N1[position + 1]] = True
    return second_T


def _segments(type_T: npt.NDArray[np.int8], second_T: npt.NDArray[np.bool_]) -> npt.NDArray[np.int8]:
    """The tokenizer's token types; where it gives every token 0 (RoBERTa), the side of the pair."""
    return type_T if type_T.any() else second_T.astype(np.int8)


def _trimmed(
    inputs: list[str | tuple[str, str]],
    example_T: npt.NDArray[np.int64],
    second_T: npt.NDArray[np.bool_],
    span_T2: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Character spans without white space at their ends; a token of nothing else keeps its span."""
    texts = [text for entry in inputs for text in (entry if isinstance(entry, tuple) else (entry, ""))]
    base_X = np.concatenate([[0], np.cumsum([len(text) for text in texts])])
    code_C = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32)
    n_chars = len(code_C)
    inked_C = ~np.isin(code_C, _SPACES)
    place_C = np.arange(n_chars, dtype=np.int64)
    next_C1 = np.append(np.minimum.accumulate(np.where(inked_C, place_C, n_chars)[::-1])[::-1], n_chars)
    last_1C = np.append(-1, np.maximum.accumulate(np.where(inked_C, place_C, -1)))
    base_T = base_X[2 * example_T + second_T]
    start_T, end_T = base_T + span_T2[:, 0], base_T + span_T2[:, 1]
    inner_start_T, inner_end_T = next_C1[start_T], last_1C[end_T] + 1
    has_ink_T = inner_start_T < inner_end_T
    return (
        np.where(has_ink_T, inner_start_T, start_T) - base_T,
        np.where(has_ink_T, inner_end_T, end_T) - base_T,
    )
