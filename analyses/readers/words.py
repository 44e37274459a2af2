"""WordSource: words as rows, each the mean over its tokens: runs of different tokenizers have the same rows.

Over a source of tokens. The word axis is a text's words in order, whatever the tokenizer; a word that some
tokenisation has no tokens for is never drawn. Knows no store and no measure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import IncomparableRunsError, WorkError
from actstore.schema import content_id
from actstore.schema.ports import ActivationSource
from analyses.readers.word_means import word_means
from analyses.readers.word_places import (
    TOKEN_COLUMNS,
    WORD_COLUMNS,
    WordPlaces,
    WordReport,
    matched,
    named,
    word_places,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordGroup:
    """Runs over one text whose words are compared, each with its tokenisation; as picklable as its names."""

    tokens_ids: Mapping[str, str]
    """By run id."""

    @property
    def id(self) -> str:
        """Stands where a tokenisation's id does: it decides each word's row, and which words are matched."""
        return f"words-{content_id({'tokens_ids': sorted(set(self.tokens_ids.values()))})}"


class WordSource:
    """An ActivationSource whose rows are words; ids of groups stand for ids of tokenisations."""

    def __init__(self, source: ActivationSource, groups: Sequence[WordGroup]) -> None:
        self.source, self.groups = source, tuple(groups)
        self._places: dict[str, WordPlaces] = {}
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source, "groups": self.groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def tokens(self, tokens_id: str, columns: Sequence[str], rows: tuple[int, int] | None = None) -> pa.Table:
        """The words of a group as a token table: `token` is the word's number, `best_context` if matched.

        Raises IncomparableRunsError where the runs are not over one text.
        """
        places = self._places_of(tokens_id)
        first = next(iter(places.values()))
        n_words = len(first.example_W)
        table = {
            "example": first.example_W,
            "token": first.word_W,
            "row": np.arange(n_words),
            "special": np.zeros(n_words, dtype=bool),
            "window": np.zeros(n_words, dtype=np.int64),
            "best_context": matched(places),
        }
        found = pa.table({name: table[name] for name in columns})
        return found if rows is None else found.slice(rows[0], rows[1] - rows[0])

    def word_tokens(self, tokens_id: str, columns: Sequence[str]) -> pa.Table:
        """Each matched word of a group as a token of its own."""
        words = self.tokens(tokens_id, ("example", "token", "best_context"))
        token = pa.array(words.column("token").to_numpy(), mask=~words.column("best_context").to_numpy())
        table = {"example": words.column("example"), "word": words.column("token"), "first_token": token,
                 "last_token": token}  # fmt: skip
        return pa.table({name: table[name] for name in columns})

    def gather(self, run_id: str, site: str, row_T: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """The mean over each word's tokens, [T, D] float32.

        Raises WorkError for a word without tokens, and for one whose activations are not finite.
        """
        places = self._of_tokens(self._tokens_id(run_id))
        first_T, n_T = places.first_row_W[row_T], places.n_tokens_W[row_T]
        if (first_T < 0).any():
            at = int(row_T[np.argmax(first_T < 0)])
            raise WorkError(f"{named(places, at)} has no tokens in run {run_id}; draw matched words only")
        begin_T = np.cumsum(n_T) - n_T
        token_row_T = np.repeat(first_T - begin_T, n_T) + np.arange(n_T.sum())
        value_TD = self.source.gather(run_id, site, token_row_T).astype(np.float32, copy=False)
        mean_TD = value_TD if (n_T == 1).all() else word_means(value_TD, begin_T, n_T)
        bad_T = ~np.isfinite(mean_TD).all(axis=1)
        if bad_T.any():
            where = named(places, int(row_T[np.argmax(bad_T)]))
            raise WorkError(f"run {run_id}, {site}, {where} is not finite; leave its example out")
        return mean_TD

    def scan(
        self, run_id: str, site: str, *, rows_per_step: int
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
        """All matched words of the run's group in order, in steps."""
        row_T = np.flatnonzero(matched(self._places_of(self._group_of(run_id).id)))
        for first in range(0, len(row_T), rows_per_step):
            step_T = row_T[first : first + rows_per_step]
            yield step_T, self.gather(run_id, site, step_T)

    def report(self, group_id: str) -> WordReport:
        """What of a group's words can be compared."""
        places = self._places_of(group_id)
        both_W = matched(places)
        return WordReport(
            n_words=len(both_W),
            n_matched=int(both_W.sum()),
            n_without_tokens={name: int((one.first_row_W < 0).sum()) for name, one in places.items()},
        )

    def _group_of(self, run_id: str) -> WordGroup:
        return next(group for group in self.groups if run_id in group.tokens_ids)

    def _tokens_id(self, run_id: str) -> str:
        return self._group_of(run_id).tokens_ids[run_id]

    def _places_of(self, group_id: str) -> dict[str, WordPlaces]:
        """The places of a group's words in each of its tokenisations."""
        group = next(group for group in self.groups if group.id == group_id)
        places = {name: self._of_tokens(name) for name in sorted(set(group.tokens_ids.values()))}
        first_name, first = next(iter(places.items()))
        for name, other in places.items():
            same = np.array_equal(first.example_W, other.example_W)
            if not (same and np.array_equal(first.word_W, other.word_W)):
                raise IncomparableRunsError(
                    f"the tokenisations {first_name} and {name} are not of one text: their words differ; "
                    "compare runs over one corpus"
                )
        return places

    def _of_tokens(self, tokens_id: str) -> WordPlaces:
        with self._lock:
            if tokens_id not in self._places:
                words = self.source.word_tokens(tokens_id, WORD_COLUMNS)
                self._places[tokens_id] = word_places(self.source.tokens(tokens_id, TOKEN_COLUMNS), words)
            return self._places[tokens_id]
