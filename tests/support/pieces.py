"""Another tokenisation of a small store: words of several tokens, a shared token, a lost word, windows."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pyarrow as pa

from actstore.plan.packing import Packer
from actstore.schema.text import Example
from actstore.schema.tokens import SEQUENCES, TOKENS, WORD_TOKENS, TokenSettings, TokensMeta
from actstore.store import tokens
from tests.support.small_store import SmallStore, Tables

PIECE = 2
"""Characters of a piece."""
SHARED, LOST, TWICE = 0, 1, 2
"""Examples: the first two words share a token; the last word has none; there are two windows."""


def with_pieces(small: SmallStore, block_rows: int = 64) -> SmallStore:
    """The same store and text in pieces; its specs are of the new tokenisation."""
    tables, n_rows, n_sequences = _tables(small.examples, block_rows)
    spec = small.specs["base"]
    meta = TokensMeta(
        text_id=spec.text_id, tokenizer_sha256="1" * 64, settings=TokenSettings(max_length=64),
        block_rows=block_rows, n_examples=len(small.examples), n_sequences=n_sequences,
        n_tokens=tables.tokens.num_rows, n_rows=n_rows, n_words=tables.word_tokens.num_rows, n_truncated=0,
        n_vanished_words=1, n_unknown=0,
    )  # fmt: skip
    tokens.store_tables(small.objects, meta.text_id, meta.tokens_id, iter([tables]))
    tokens.store_meta(small.objects, meta)
    specs = {
        name: replace(spec, tokens_id=meta.tokens_id, n_rows=n_rows, block_rows=block_rows)
        for name, spec in small.specs.items()
    }
    return replace(small, tables=tables, specs=specs)


def _tables(examples: Sequence[Example], block_rows: int) -> tuple[Tables, int, int]:
    token_rows, word_rows, sequence_rows = [], [], []
    packer = Packer(block_rows)
    for number, example in enumerate(examples):
        pieces, spans = _pieces(example, number)
        n_windows = 2 if number == TWICE else 1
        first_rows, packer = packer.pack([len(pieces)] * n_windows)
        for window, first in enumerate(first_rows.tolist()):
            for position, piece in enumerate(pieces):
                token_rows.append({
                    "example": number, "token": window * len(pieces) + position, "row": first + position,
                    "token_id": sum(piece.encode()) % 97, "piece": piece, "segment": 0,
                    "special": piece.startswith("["), "char_start": None, "char_end": None,
                    "window": window, "best_context": window == 0,
                })  # fmt: skip
            sequence_rows.append({"example": number, "window": window, "first_row": first,
                                  "n_tokens": len(pieces), "truncated": False})  # fmt: skip
        word_rows += [
            {"example": number, "word": word, "first_token": first, "last_token": last}
            for word, (first, last) in enumerate(spans)
        ]
    tables = Tables(
        tokens=pa.Table.from_pylist(token_rows, schema=TOKENS),
        word_tokens=pa.Table.from_pylist(word_rows, schema=WORD_TOKENS),
        sequences=pa.Table.from_pylist(sequence_rows, schema=SEQUENCES),
    )
    return tables, packer.n_rows, len(sequence_rows)


def _pieces(example: Example, number: int) -> tuple[list[str], list[tuple[int | None, int | None]]]:
    """The pieces of an example and each word's first and last."""
    cut = [
        [word.text[start : start + PIECE] for start in range(0, len(word.text), PIECE)]
        for word in example.words
    ]
    ends = [1]
    for parts in cut:
        ends.append(ends[-1] + len(parts))
    spans: list[tuple[int | None, int | None]] = [(first, end - 1) for first, end in pairwise(ends)]
    if number == SHARED:
        spans[0] = (spans[0][0], spans[1][0])
    if number == LOST:
        spans[-1] = (None, None)
    return ["[CLS]", *(piece for parts in cut for piece in parts), "[SEP]"], spans
