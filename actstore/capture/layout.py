"""Layout: a block of examples as sequences of source tokens, and the tables that this makes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.capture.encoding import Encoded
from actstore.capture.tokenizer import Tokenizer
from actstore.capture.windows import Sequence, fit
from actstore.capture.words import WordSpans
from actstore.schema.tokens import SEQUENCES, TOKENS, WORD_TOKENS, TokenSettings

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Stored tokens of a block's examples, sequence after sequence."""

    source_T: Ints
    """The source token that each stored token is."""
    best_T: npt.NDArray[np.bool_]
    example_S: Ints
    """Position of the sequence's example in the block."""
    window_S: Ints
    n_tokens_S: Ints
    truncated_S: npt.NDArray[np.bool_]

    @property
    def offsets(self) -> Ints:
        return np.concatenate([[0], np.cumsum(self.n_tokens_S)])

    def by_token(self, value_S: Ints) -> Ints:
        """A sequence's value for each of its tokens: [S] -> [T]."""
        return np.repeat(value_S, self.n_tokens_S)

    def token_numbers(self) -> Ints:
        """Each stored token's number within its example, over all windows."""
        first_S = self.offsets[:-1][np.searchsorted(self.example_S, self.example_S)]
        return np.arange(len(self.source_T)) - self.by_token(first_S)


def lay(encoded: Encoded, words: WordSpans, settings: TokenSettings, first_example: int) -> Layout:
    """Cut every example that is too long into its sequences. Raises CorpusError naming an example."""
    sources: list[Ints] = []
    placed: list[tuple[int, int, Sequence]] = []
    for position in range(len(encoded.pair_N)):
        begin = int(encoded.offset_N1[position])
        for window, sequence in enumerate(_sequences(encoded, words, settings, position, first_example)):
            sources.append(begin + sequence.positions)
            placed.append((position, window, sequence))
    return Layout(
        source_T=np.concatenate(sources),
        best_T=np.concatenate([sequence.best for _, _, sequence in placed]),
        example_S=np.array([position for position, _, _ in placed], dtype=np.int64),
        window_S=np.array([window for _, window, _ in placed], dtype=np.int64),
        n_tokens_S=np.array([len(positions) for positions in sources], dtype=np.int64),
        truncated_S=np.array([sequence.truncated for _, _, sequence in placed], dtype=np.bool_),
    )


def token_table(
    encoded: Encoded, laid: Layout, first_row_S: Ints, first_example: int, tokenizer: Tokenizer
) -> pa.Table:
    """Columns of schema.tokens.TOKENS."""
    source_T = laid.source_T
    special_T = encoded.special_T[source_T]
    ids = pa.array(encoded.token_id_T[source_T], pa.int32())
    row_T = np.arange(len(source_T)) + laid.by_token(first_row_S - laid.offsets[:-1])
    return pa.table(
        {
            "example": laid.by_token(first_example + laid.example_S).astype(np.int32),
            "token": laid.token_numbers().astype(np.int32),
            "row": row_T,
            "token_id": ids,
            "piece": tokenizer.pieces.take(ids),
            "segment": encoded.segment_T[source_T],
            "special": special_T,
            "char_start": pa.array(encoded.start_T[source_T], pa.int32(), mask=special_T),
            "char_end": pa.array(encoded.end_T[source_T], pa.int32(), mask=special_T),
            "window": laid.by_token(laid.window_S).astype(np.int32),
            "best_context": laid.best_T,
        },
        schema=TOKENS,
    )


def word_table(words: WordSpans, laid: Layout, first_example: int) -> pa.Table:
    """Columns of schema.tokens.WORD_TOKENS; null unless one sequence has all of a word's best tokens."""
    stored_X = np.full(int(laid.source_T.max()) + 2, -1, dtype=np.int64)
    best_T = np.flatnonzero(laid.best_T)
    stored_X[laid.source_T[best_T]] = best_T
    inside = len(stored_X) - 1  # a source token that was cut, or none at all
    first_W = stored_X[np.where(words.first_W < 0, inside, np.minimum(words.first_W, inside))]
    last_W = stored_X[np.where(words.last_W < 0, inside, np.minimum(words.last_W, inside))]
    sequence_T = laid.by_token(np.arange(len(laid.n_tokens_S)))
    whole_W = (first_W >= 0) & (last_W >= 0)
    whole_W &= last_W - first_W == words.last_W - words.first_W
    whole_W &= sequence_T[first_W] == sequence_T[last_W]
    token_T = laid.token_numbers()
    count_N = np.diff(words.offset_N1)
    example_W = np.repeat(np.arange(len(count_N)), count_N)
    return pa.table(
        {
            "example": (first_example + example_W).astype(np.int32),
            "word": (np.arange(len(example_W)) - words.offset_N1[:-1][example_W]).astype(np.int32),
            "first_token": pa.array(token_T[first_W].astype(np.int32), mask=~whole_W),
            "last_token": pa.array(token_T[last_W].astype(np.int32), mask=~whole_W),
        },
        schema=WORD_TOKENS,
    )


def sequence_table(laid: Layout, first_row_S: Ints, first_example: int) -> pa.Table:
    """Columns of schema.tokens.SEQUENCES."""
    return pa.table(
        {
            "example": (first_example + laid.example_S).astype(np.int32),
            "window": laid.window_S.astype(np.int32),
            "first_row": first_row_S,
            "n_tokens": laid.n_tokens_S.astype(np.int32),
            "truncated": laid.truncated_S,
        },
        schema=SEQUENCES,
    )


def n_unknown(encoded: Encoded, laid: Layout, unknown_id: int | None) -> int:
    """Source tokens, each counted once, that are the tokenizer's unknown piece."""
    if unknown_id is None:
        return 0
    source_T = laid.source_T[laid.best_T]
    return int(((encoded.token_id_T[source_T] == unknown_id) & ~encoded.special_T[source_T]).sum())


def _sequences(
    encoded: Encoded, words: WordSpans, settings: TokenSettings, position: int, first_example: int
) -> Iterator[Sequence]:
    begin, end = int(encoded.offset_N1[position]), int(encoded.offset_N1[position + 1])
    if end - begin <= settings.max_length:
        yield Sequence(positions=np.arange(end - begin), best=np.ones(end - begin, dtype=np.bool_))
        return
    mine = slice(int(words.offset_N1[position]), int(words.offset_N1[position + 1]))
    first_W, last_W = words.first_W[mine], words.last_W[mine]
    found_W = first_W >= 0
    spans = zip((first_W[found_W] - begin).tolist(), (last_W[found_W] - begin).tolist(), strict=True)
    yield from fit(encoded.side_T[begin:end], spans, settings, first_example + position)
