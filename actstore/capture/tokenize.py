"""tokenize: examples through a tokenizer, as tables with every token's row, a bounded piece at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import pyarrow as pa

from actstore.capture.encoding import encode
from actstore.capture.layout import lay, n_unknown, sequence_table, token_table, word_table
from actstore.capture.tokenizer import Tokenizer
from actstore.capture.words import word_spans
from actstore.errors import ModelError, RequestError
from actstore.plan.packing import Packer
from actstore.schema.refs import CheckpointRef
from actstore.schema.text import Example
from actstore.schema.tokens import OVERFLOWS, PARTS, TokenSettings, TokensMeta

CHUNK_EXAMPLES = 1000
CHUNK_CHARS = 2_000_000
"""A chunk ends early here, so that long texts do not fill the memory."""
DEFAULT_MAX_LENGTH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounts:
    """How large a tokenisation has come out so far."""

    n_examples: int = 0
    n_sequences: int = 0
    n_tokens: int = 0
    n_rows: int = 0
    n_words: int = 0
    """Words of the tokenised side."""
    n_truncated: int = 0
    n_vanished_words: int = 0
    n_unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizedChunk:
    """Consecutive examples, tokenised: tables with the columns of schema.tokens."""

    tokens: pa.Table
    word_tokens: pa.Table
    sequences: pa.Table
    counts: TokenCounts
    """Totals of this chunk and all before it."""


def tokenize(
    examples: Iterable[Example],
    tokenizer: Tokenizer,
    settings: TokenSettings,
    block_rows: int,
    *,
    chunk_examples: int = CHUNK_EXAMPLES,
) -> Iterator[TokenizedChunk]:
    """Yield the tokenisation of examples in order, in bounded pieces.

    Raises RequestError for settings that can not be, CorpusError naming an example that can not be tokenised.
    """
    check_settings(settings, tokenizer, block_rows)
    counts, packer = TokenCounts(), Packer(block_rows)
    for piece in _pieces(examples, chunk_examples):
        first = counts.n_examples
        encoded = encode(piece, range(first, first + len(piece)), tokenizer, settings.part)
        words = word_spans(piece, encoded, settings.part)
        laid = lay(encoded, words, settings, first)
        first_row_S, packer = packer.pack(laid.n_tokens_S.tolist())
        counts = TokenCounts(
            n_examples=first + len(piece),
            n_sequences=counts.n_sequences + len(laid.n_tokens_S),
            n_tokens=counts.n_tokens + len(laid.source_T),
            n_rows=packer.n_rows,
            n_words=counts.n_words + int(words.seen_W.sum()),
            n_truncated=counts.n_truncated + int(laid.truncated_S.sum()),
            n_vanished_words=counts.n_vanished_words + int((words.seen_W & (words.first_W < 0)).sum()),
            n_unknown=counts.n_unknown + n_unknown(encoded, laid, tokenizer.unknown_id),
        )
        yield TokenizedChunk(
            tokens=token_table(encoded, laid, first_row_S, first, tokenizer),
            word_tokens=word_table(words, laid, first),
            sequences=sequence_table(laid, first_row_S, first),
            counts=counts,
        )


def check_settings(settings: TokenSettings, tokenizer: Tokenizer, block_rows: int) -> None:
    """Raises RequestError for a setting out of its range."""
    for name, value, allowed in (("overflow", settings.overflow, OVERFLOWS), ("part", settings.part, PARTS)):
        if value not in allowed:
            raise RequestError(f"{name} = {value!r}: allowed are {', '.join(allowed)}")
    if settings.stride < 1:
        raise RequestError(
            f"stride = {settings.stride}: a window starts at least 1 token after the one before it"
        )
    least = tokenizer.n_special(pair=settings.part == "pair") + 2
    if not least <= settings.max_length <= block_rows:
        raise RequestError(
            f"max_length = {settings.max_length}: allowed are {least} (special tokens and one of each text) "
            f"to {block_rows} (rows of a block)"
        )


def default_max_length(ref: CheckpointRef) -> int:
    """512 tokens, or what the model has positions for."""
    return min(DEFAULT_MAX_LENGTH, ref.max_positions or DEFAULT_MAX_LENGTH)


def check_max_length(settings: TokenSettings, ref: CheckpointRef) -> None:
    """Raises ModelError when sequences could be longer than the model has positions for."""
    if ref.max_positions is not None and settings.max_length > ref.max_positions:
        raise ModelError(
            f"max_length = {settings.max_length} is more than the {ref.max_positions} positions of "
            f"checkpoint {ref.name!r}; set max_length to at most {ref.max_positions}"
        )


def tokens_meta(
    text_id: str, tokenizer: Tokenizer, settings: TokenSettings, block_rows: int, counts: TokenCounts
) -> TokensMeta:
    """The record of a whole tokenisation, from the last chunk's counts."""
    return TokensMeta(
        text_id=text_id,
        tokenizer_sha256=tokenizer.sha256,
        settings=settings,
        block_rows=block_rows,
        **asdict(counts),
    )


def _pieces(examples: Iterable[Example], chunk_examples: int) -> Iterator[list[Example]]:
    piece: list[Example] = []
    n_chars = 0
    for example in examples:
        piece.append(example)
        n_chars += len(example.text) + len(example.text_b or "")
        if len(piece) >= chunk_examples or n_chars >= CHUNK_CHARS:
            yield piece
            piece, n_chars = [], 0
    if piece:
        yield piece
