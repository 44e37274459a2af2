"""Detokenize "ptb": tokens of the Penn Treebank's convention as running text.

Brackets are spelled out (-LRB-), quotes are `` and '' (single: ` and '), negations and clitics are tokens of
their own (ca n't, 's), and some words are cut in two (gon na, can not). Dashes keep their spaces.
"""

import re

from actstore.formats.glue import Piece, digit_first, join_pieces

BRACKETS = {"-LRB-": "(", "-LSB-": "[", "-LCB-": "{", "-RRB-": ")", "-RSB-": "]", "-RCB-": "}"}
BRACKET = re.compile("-[LR][RSC]B-", re.IGNORECASE)
QUOTES = {"``": '"', "''": '"', "`": "'", "'": "'"}
CLITIC = re.compile(r"n't|'(?:s|m|re|ve|ll|d)", re.IGNORECASE)
CLOSING = frozenset([",", ".", ";", ":", "?", "!", "%", "...", "…", ")", "]", "}", "'", "''"])
OPENING = frozenset(["(", "[", "{", "`", "``"])
BEFORE_NUMBERS = re.compile(r"[A-Z]*[$£€#]")
CUT = frozenset(
    [("can", "not"), ("gon", "na"), ("wan", "na"), ("got", "ta"), ("gim", "me"), ("lem", "me"),
     ("d'", "ye"), ("more", "'n"), ("'t", "is"), ("'t", "was"), ("wha", "dd"), ("wha", "t")]
)  # fmt: skip
"""Words that the convention cuts in two."""
ESCAPED = re.compile(r"\\([/*])")


def ptb(line: str) -> str:
    """A line as it was before it was tokenised, as far as the tokens tell."""
    tokens = [_bracket(token) for token in line.split()]
    straight_open = False
    pieces = []
    for before, token, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False):
        if token == '"':
            straight_open = not straight_open
            pieces.append(Piece(token, left=not straight_open, right=straight_open))
        else:
            pieces.append(_piece(token, before, after))
    return join_pieces(pieces)


def _bracket(token: str) -> str:
    return BRACKET.sub(lambda found: BRACKETS[found[0].upper()], token)


def _piece(token: str, before: str, after: str) -> Piece:
    text = ESCAPED.sub(r"\1", QUOTES.get(token, token))
    if token in CLOSING or CLITIC.fullmatch(token) or (before.lower(), token.lower()) in CUT:
        return Piece(text, left=True)
    if token in OPENING:
        return Piece(text, right=True)
    return Piece(text, right=bool(BEFORE_NUMBERS.fullmatch(token)) and digit_first(after))
