"""Words of plain text by one fixed Unicode rule. Knows no tokenizer.

A word is a run of letters, marks and numbers; an apostrophe (' or U+2019) between two such runs belongs to
the word, so "don't" is one word. Everything else that is no white space is a word of one character, with the
marks that follow it: "state-of-the-art" has seven words, "max_restarts" three. The rule is the same for every
text and every model. Words are part of a text's identity: by another rule the same file is another text.
"""

import re
import unicodedata
from functools import cache

from actstore.schema.text import Word

MARK_PLANES = (range(0x300, 0x20000), range(0xE0100, 0xE01F0))
"""Where Unicode keeps its combining marks (categories Mn, Mc, Me)."""


def split_words(text: str, segment: int = 0) -> tuple[Word, ...]:
    """The words of a text; `text[word.char_start:word.char_end] == word.text` for each."""
    return tuple(
        Word(segment=segment, char_start=found.start(), char_end=found.end(), text=found.group())
        for found in _word_pattern().finditer(text)
    )


@cache
def _word_pattern() -> re.Pattern[str]:
    marks = _mark_class()
    # [^\W_] is what Python calls alphanumeric: letters and numbers, without marks
    run = rf"[^\W_]+(?:[{marks}]+[^\W_]*)*"
    return re.compile(rf"{run}(?:['\u2019]{run})*|\S[{marks}]*")


def _mark_class() -> str:
    """Ranges of marks as the inside of a regular expression's character class."""
    ranges: list[list[int]] = []
    for code in (code for plane in MARK_PLANES for code in plane):
        if unicodedata.category(chr(code))[0] != "M":
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
