"""Pieces: tokens of a tokenised line with the sides on which no space belongs, and the line they make."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """A token as it is written, and where it touches its neighbours."""

    text: str
    left: bool = False
    """No space before it."""
    right: bool = False
    """No space after it."""


def join_pieces(pieces: Iterable[Piece]) -> str:
    """The pieces as one line, a space between two of them unless one touches the other."""
    out: list[str] = []
    touched = True
    for piece in pieces:
        if not (touched or piece.left):
            out.append(" ")
        out.append(piece.text)
        touched = piece.right
    return "".join(out)


def digit_first(token: str) -> bool:
    """Whether a token begins with a decimal digit."""
    return token[:1].isdecimal()


def digit_last(token: str) -> bool:
    """Whether a token ends with a decimal digit."""
    return token[-1:].isdecimal()
