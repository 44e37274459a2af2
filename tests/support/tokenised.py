"""Examples with words, and their tokenisation as lists of rows."""

import re
from typing import Any

import pyarrow as pa

from actstore.capture.tokenize import TokenCounts, tokenize
from actstore.capture.tokenizer import Tokenizer
from actstore.schema.text import Example, Word
from actstore.schema.tokens import TokenSettings

PLAIN = r"\w+|[^\w\s]"
ODD = (
    "e\u0301 caf\u00e9\u200b na\u00efve \U0001f469\u200d\U0001f680 \u4f60\u597d \u00ad \ufb01ne\u00a0x \u1e69"
)
"""Combining marks, zero width, an emoji of three code points, CJK, a soft hyphen alone, a ligature."""


def words_of(text: str, segment: int = 0, pattern: str = PLAIN) -> tuple[Word, ...]:
    """The matches of a pattern as words."""
    return tuple(
        Word(segment=segment, char_start=m.start(), char_end=m.end(), text=m.group())
        for m in re.finditer(pattern, text)
    )


def example(text: str, text_b: str | None = None, pattern: str = PLAIN) -> Example:
    """A text or a pair with its words."""
    second = () if text_b is None else words_of(text_b, 1, pattern)
    return Example(source_id="s", text=text, text_b=text_b, words=words_of(text, 0, pattern) + second)


def run(
    examples: list[Example],
    tokenizer: Tokenizer,
    block_rows: int = 4096,
    chunk_examples: int = 1000,
    **limits: Any,
) -> tuple[Any, Any, Any, TokenCounts]:
    """Tables over all chunks, as lists of rows, and the last counts."""
    chunks = list(
        tokenize(
            examples,
            tokenizer,
            TokenSettings(**{"max_length": 64, **limits}),
            block_rows,
            chunk_examples=chunk_examples,
        )
    )
    tables = (
        pa.concat_tables(getattr(chunk, name) for chunk in chunks)
        for name in ("tokens", "word_tokens", "sequences")
    )
    return (*(table.to_pylist() for table in tables), chunks[-1].counts)
