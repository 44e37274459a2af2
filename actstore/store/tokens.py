"""Tokenisations: the token, word and sequence tables of a text through one tokenizer."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import DamagedShardError, NotFoundError
from actstore.plan.sequences import SequenceIndex
from actstore.schema.tokens import SEQUENCES, TOKENS, WORD_TOKENS, TokensMeta
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.parquet import file_records, read_table, staged_table
from actstore.store.records import create_record, find_record


class TokenTables(Protocol):
    """A piece of a tokenisation, as tables with the columns of schema.tokens."""

    @property
    def tokens(self) -> pa.Table: ...

    @property
    def word_tokens(self) -> pa.Table: ...

    @property
    def sequences(self) -> pa.Table: ...


def store_tables(objects: Objects, text_id: str, tokens_id: str, pieces: Iterable[TokenTables]) -> None:
    """Store the three tables, piece by piece, one row group each. `store_meta` makes them count."""

    def key(name: str) -> str:
        return paths.tokens(text_id, tokens_id, f"{name}.parquet")

    with (
        staged_table(objects, key("tokens"), TOKENS) as tokens,
        staged_table(objects, key("word_tokens"), WORD_TOKENS) as word_tokens,
        staged_table(objects, key("sequences"), SEQUENCES) as sequences,
    ):
        for piece in pieces:
            tokens.write_table(piece.tokens)
            word_tokens.write_table(piece.word_tokens)
            sequences.write_table(piece.sequences)


def store_meta(objects: Objects, meta: TokensMeta) -> None:
    """The record that a tokenisation is complete."""
    names = ("tokens", "word_tokens", "sequences")
    keys = [paths.tokens(meta.text_id, meta.tokens_id, f"{name}.parquet") for name in names]
    record = {**meta.to_dict(), "files": file_records(objects, keys)}
    create_record(objects, paths.tokens(meta.text_id, meta.tokens_id, "meta.json"), record)


def find_meta(objects: Objects, text_id: str, tokens_id: str) -> TokensMeta | None:
    """The record of a complete tokenisation, None when there is none."""
    record = find_record(objects, paths.tokens(text_id, tokens_id, "meta.json"))
    return None if record is None else TokensMeta.from_dict(record)


def list_metas(objects: Objects, text_id: str) -> list[TokensMeta]:
    """Every complete tokenisation of a text."""
    names = objects.children(paths.text(text_id, "tokens"))
    found = (find_meta(objects, text_id, name) for name in names)
    return [meta for meta in found if meta is not None]


def text_of_tokens(objects: Objects, tokens_id: str) -> str:
    """The text that a tokenisation belongs to. Raises NotFoundError."""
    for text_id in objects.children(paths.TEXTS):
        if objects.size(paths.tokens(text_id, tokens_id, "meta.json")) is not None:
            return text_id
    raise NotFoundError(f"no tokenisation {tokens_id!r} in {objects.url}; `actstore ls` lists what is there")


def read_sequences(objects: Objects, text_id: str, tokens_id: str) -> SequenceIndex:
    """Where each sequence lies."""
    key = paths.tokens(text_id, tokens_id, "sequences.parquet")
    return SequenceIndex.from_table(_read(objects, key, ["example", "window", "first_row", "n_tokens"]))


def read_tokens(
    objects: Objects,
    text_id: str,
    tokens_id: str,
    columns: Sequence[str],
    rows: tuple[int, int] | None = None,
) -> pa.Table:
    """Columns of the token table in row order, of all rows or of a range of them."""
    filters = None if rows is None else [("row", ">=", rows[0]), ("row", "<", rows[1])]
    return _read(objects, paths.tokens(text_id, tokens_id, "tokens.parquet"), columns, filters)


def read_word_tokens(objects: Objects, text_id: str, tokens_id: str, columns: Sequence[str]) -> pa.Table:
    """Columns of the word table, by example and word: which tokens each word has, null where it vanished."""
    return _read(objects, paths.tokens(text_id, tokens_id, "word_tokens.parquet"), columns)


def read_inputs(
    objects: Objects, text_id: str, tokens_id: str, rows: tuple[int, int]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    """What a model takes of a range of rows: token ids [T] and segments [T]."""
    table = read_tokens(objects, text_id, tokens_id, ["token_id", "segment"], rows)
    ids_T = table.column("token_id").to_numpy().astype(np.int32, copy=False)
    return ids_T, table.column("segment").to_numpy().astype(np.int8, copy=False)


def _read(objects: Objects, key: str, columns: Sequence[str], filters: Any = None) -> pa.Table:
    try:
        return read_table(objects, key, columns, filters)
    except FileNotFoundError:
        raise DamagedShardError(
            f"{objects.url}/{key} is missing, and a run needs it; was the store deleted or moved? run "
            "`actstore verify STORE --repair`, then extract again"
        ) from None
