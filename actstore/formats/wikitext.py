"""Detokenize "wikitext": lines of WikiText as running text. Only spaces change, and three kinds of marks.

The marks are `@-@`, `@,@` and `@.@` (hyphen, comma and point inside a word or number) and the equals signs
around a heading. Quotes have no direction in WikiText: double ones take turns within a line, single ones are
told from apostrophes by what stands before and after them. Some spaces can not be known from the tokens
("AT & T", verses parted by " / "); those stay.
"""

import re
from itertools import pairwise

from actstore.formats.glue import Piece, digit_first, digit_last, join_pieces

MARK = re.compile(r"@([-,.])@")
HEADING = re.compile(r"(=(?: =)*) ([^= ](?:.*[^= ])?) \1")
"""The same number of signs on both sides: `= = Career = =`."""
ENDING = re.compile(r"n't|'(?:s|t|re|ve|ll|d|m)", re.IGNORECASE)
CLOSING = frozenset([",", ".", ";", "?", "!", "%", ")", "]", "}", "...", "…", "”"])
OPENING = frozenset(["(", "[", "{", "“", "‘"])  # noqa: RUF001  quotes of the texts
BEFORE_NUMBERS = frozenset(["#", "$", "£", "€", "¥", "₱", "₩", "−"])  # noqa: RUF001  a minus sign
TOUCHING = frozenset(["—", "⁄"])  # noqa: RUF001  a fraction stroke
"""Em dash and fraction stroke, which Wikipedia writes without spaces."""
QUOTED = 30
"""Tokens between two single quotes at most."""


def wikitext(line: str) -> str:
    """A line as it was before it was tokenised; of a heading the title alone."""
    text = " ".join(line.split())
    if heading := HEADING.fullmatch(text):
        text = heading[2]
    tokens = text.split()
    pieces = []
    double, single = _Quotes('"'), _Quotes("'")
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else ""
        after = tokens[index + 1] if index + 1 < len(tokens) else ""
        if token == '"':
            pieces.append(double.next())
        elif token == "'":
            pieces.append(_single_quote(single, index, before, tokens[index + 1 :]))
        else:
            pieces.append(_piece(token, before, after))
    return join_pieces(pieces)


def is_heading(line: str) -> bool:
    """Whether a line is a heading of WikiText."""
    return HEADING.fullmatch(" ".join(line.split())) is not None


class _Quotes:
    """Quotes of one kind that take turns: the first opens, the second closes."""

    def __init__(self, sign: str) -> None:
        self.sign, self.open, self.opened_at = sign, False, 0

    def next(self, index: int = 0) -> Piece:
        self.open = not self.open
        self.opened_at = index
        return Piece(self.sign, left=not self.open, right=self.open)


def _single_quote(quotes: _Quotes, index: int, before: str, rest: list[str]) -> Piece:
    if quotes.open and index - quotes.opened_at > QUOTED:
        quotes.open = False  # that one was an apostrophe after all
    if quotes.open:
        return quotes.next()
    if digit_first(rest[0] if rest else "") and not _is_plural(before):
        return Piece("'", right=True)  # the ' 90s
    # in "ships ' crew" an apostrophe, in "years ' steel ' was" the first of two quotes
    near = rest[:QUOTED]
    closers = sum(token == "'" and not _is_plural(left) for left, token in pairwise(["", *near]))
    if (_is_plural(before) and closers % 2 == 0) or (before and "'" not in near):
        return Piece("'", left=True)
    return quotes.next(index)


def _is_plural(token: str) -> bool:
    return token.endswith(("s", "S", "z", "x"))


def _piece(token: str, before: str, after: str) -> Piece:
    if mark := MARK.fullmatch(token):
        return Piece(mark[1], left=True, right=True)
    if token in CLOSING or ENDING.fullmatch(token):
        return Piece(token, left=True)
    if token in OPENING:
        return Piece(token, right=True)
    if token in BEFORE_NUMBERS:
        return Piece(token, right=digit_first(after))
    if token in TOUCHING:
        return Piece(token, left=True, right=True)
    return _by_neighbours(token, before, after)


def _by_neighbours(token: str, before: str, after: str) -> Piece:
    """Signs that touch what is beside them in some places only."""
    numbers = digit_last(before) and digit_first(after)
    if token == ":":
        return Piece(token, left=True, right=numbers)  # at 16 : 40
    if token == "–":  # noqa: RUF001  an en dash, of ranges
        return Piece(token, left=numbers, right=numbers)
    if token == "/":  # not between verses: "I know / And you"
        verses = before.islower() and after[:1].isupper()
        return Piece(token, left=not verses, right=not verses)
    if token == "°":
        return Piece(token, left=after not in {"C", "F"}, right=after in {"C", "F"})
    if token == "’":  # noqa: RUF001  as in don't, but owners' houses
        within = bool(ENDING.fullmatch("'" + after))
        return Piece(token, left=True, right=within)
    return Piece(token)
