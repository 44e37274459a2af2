"""Where the words of a text lie on the token axis, in one tokenisation and in all of several. Pure tables."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import WorkError

TOKEN_COLUMNS = ("example", "token", "row")
WORD_COLUMNS = ("example", "word", "first_token", "last_token")
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordPlaces:
    """Where the words of a text lie in one tokenisation, in the order of the word table."""

    example_W: Ints
    word_W: Ints
    first_row_W: Ints
    """-1 where the word has no tokens."""
    n_tokens_W: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class WordReport:
    """How many words a group compares, and how many it can not."""

    n_words: int
    n_matched: int
    n_without_tokens: Mapping[str, int]
    """By tokenisation."""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "n_without_tokens": dict(self.n_without_tokens)}

    def __str__(self) -> str:
        told = ", ".join(f"{n:,} in {tokens_id}" for tokens_id, n in self.n_without_tokens.items() if n)
        missing = self.n_words - self.n_matched
        return (
            f"{missing:,} of {self.n_words:,} words are left out: they have no tokens of their own ({told})"
        )


def word_places(tokens: pa.Table, words: pa.Table) -> WordPlaces:
    """Rows of each word's tokens, which follow one another.

    `tokens`: TOKEN_COLUMNS of the token table in row order; `words`: WORD_COLUMNS of the word table. Raises
    WorkError where the tables do not fit together.
    """
    example_T, token_T, row_T = (tokens.column(name).to_numpy() for name in TOKEN_COLUMNS)
    example_W, word_W = (words.column(name).to_numpy().astype(np.int64) for name in WORD_COLUMNS[:2])
    first_W, last_W = (
        words.column(name).fill_null(-1).to_numpy().astype(np.int64) for name in WORD_COLUMNS[2:]
    )
    has_W = first_W >= 0
    at_W = np.where(has_W, np.searchsorted(example_T, example_W) + first_W, 0)
    at_W = np.minimum(at_W, max(len(token_T) - 1, 0))
    if has_W.any():
        fits_W = (example_T[at_W] == example_W) & (token_T[at_W] == first_W)
        if not fits_W[has_W].all():
            bad = int(np.flatnonzero(has_W & ~fits_W)[0])
            raise WorkError(
                f"word {word_W[bad]} of example {example_W[bad]} begins at token {first_W[bad]}, which the "
                "token table has not; run `actstore verify`"
            )
    return WordPlaces(
        example_W=example_W,
        word_W=word_W,
        first_row_W=np.where(has_W, row_T[at_W] if len(row_T) else 0, -1),
        n_tokens_W=np.where(has_W, last_W - first_W + 1, 0),
    )


def matched(places: Mapping[str, WordPlaces]) -> npt.NDArray[np.bool_]:
    """Which words have tokens in every tokenisation."""
    has_PW = np.stack([one.first_row_W >= 0 for one in places.values()])
    return np.asarray(has_PW.all(axis=0))


def named(places: WordPlaces, row: int) -> str:
    """A word as messages call it."""
    return f"example {places.example_W[row]}, word {places.word_W[row]}"
