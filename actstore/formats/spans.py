"""Spans of words as sources give them, checked against their sentence. Knows no file format."""

from collections.abc import Sequence

from actstore.errors import CorpusError
from actstore.schema.text import Span, Word


def checked_span(value: object, n_words: int, where: str) -> Span:
    """A half-open span of words from a JSON list of two numbers. Raises CorpusError with its place."""
    if not (isinstance(value, list | tuple) and len(value) == 2 and all(type(one) is int for one in value)):
        raise CorpusError(f"{where} is {value!r}; a span is [first word, word after the last], from 0")
    start, end = value
    if not 0 <= start < end <= n_words:
        raise CorpusError(
            f"{where} is [{start}, {end}], outside the sentence of {n_words} words (text.split()); "
            f"allowed are 0 <= first < end <= {n_words}"
        )
    return start, end


def words_between(words: Sequence[Word], char_start: int, char_end: int) -> Span | None:
    """The words that have characters in [char_start, char_end); None where there are none."""
    inside = [i for i, word in enumerate(words) if word.char_start < char_end and word.char_end > char_start]
    return (inside[0], inside[-1] + 1) if inside else None
