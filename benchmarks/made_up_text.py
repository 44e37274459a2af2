"""A made-up store with its texts: tagged words, tokens and runs of several checkpoints."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.plan.memory import blocks_per_shard, chunk_rows
from actstore.plan.packing import Packer
from actstore.schema.refs import CheckpointRef, CorpusRef
from actstore.schema.spec import RunSpec
from actstore.schema.text import Example, Word
from actstore.schema.tokens import SEQUENCES, TOKENS, WORD_TOKENS, TokenSettings, TokensMeta
from actstore.store import names, runs, texts, tokens
from actstore.store.objects import Objects
from actstore.store.root import create_root
from actstore.store.writer import ShardWriter

BLOCK_ROWS, LENGTH, CORPUS = 4096, 64, "made-up"
"""Tokens of an example, of which the first and last are special."""
SITES = ("L02", "L04", "L06")
WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "sat",
    "ran",
    "on",
    "under",
    "mat",
    "tree",
    "red",
    "green",
    "quickly",
    "slowly",
    "and",
]
UPOS = [
    "DET",
    "DET",
    "NOUN",
    "NOUN",
    "VERB",
    "VERB",
    "ADP",
    "ADP",
    "NOUN",
    "NOUN",
    "ADJ",
    "ADJ",
    "ADV",
    "ADV",
    "CCONJ",
]
EXAMPLES_A_PIECE = 1024


class Pieces:
    """A stretch of a tokenisation: one token a word, and one special token at either end."""

    def __init__(
        self, first: int, word_NW: npt.NDArray[np.int64], first_row_N: npt.NDArray[np.int64]
    ) -> None:
        n, length_T = len(word_NW), np.arange(LENGTH)
        example_T = np.repeat(np.arange(first, first + n), LENGTH)
        special_T = np.tile((length_T == 0) | (length_T == LENGTH - 1), n)
        piece_NT = np.pad(np.array(WORDS)[word_NW], ((0, 0), (1, 1)), constant_values="[X]")
        columns = {
            "example": example_T, "token": np.tile(length_T, n),
            "row": (first_row_N[:, None] + length_T[None, :]).reshape(-1),
            "token_id": np.pad(word_NW, ((0, 0), (1, 1)), constant_values=99).reshape(-1),
            "piece": piece_NT.reshape(-1), "segment": np.zeros(n * LENGTH), "special": special_T,
            "window": np.zeros(n * LENGTH), "best_context": np.ones(n * LENGTH, np.bool_),
        }  # fmt: skip
        self.tokens = _table(TOKENS, columns, n * LENGTH)
        n_words = LENGTH - 2
        position_W = np.tile(np.arange(n_words), n)
        words = {"example": np.repeat(np.arange(first, first + n), n_words), "word": position_W,
                 "first_token": position_W + 1, "last_token": position_W + 1}  # fmt: skip
        self.word_tokens = _table(WORD_TOKENS, words, n * n_words)
        sequences = {"example": np.arange(first, first + n), "window": np.zeros(n), "first_row": first_row_N,
                     "n_tokens": np.full(n, LENGTH), "truncated": np.zeros(n, np.bool_)}  # fmt: skip
        self.sequences = _table(SEQUENCES, sequences, n)


def _table(schema: pa.Schema, columns: dict[str, npt.NDArray[np.generic]], n_rows: int) -> pa.Table:
    arrays = [
        pa.array(columns[field.name]).cast(field.type)
        if field.name in columns
        else pa.nulls(n_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def make_store(place: Path, n_tokens: int, n_checkpoints: int, width: int) -> Objects:
    """Complete runs of checkpoints c0, c1, ... over one corpus, with random values."""
    objects = create_root(str(place))
    rng = np.random.default_rng(0)
    word_NW = rng.integers(0, len(WORDS), size=(n_tokens // LENGTH, LENGTH - 2))
    digest = texts.digest_text(map(_example, word_NW))
    texts.store_text(objects, digest, lambda: map(_example, word_NW))
    names.bind_corpus(objects, CorpusRef(name=CORPUS, text_id=digest.text_id, domain="made up",
                                         word_labels=digest.word_labels,
                                         example_labels=digest.example_labels))  # fmt: skip
    tokens_id, n_rows = _tokenise(objects, digest.text_id, word_NW)
    for number in range(n_checkpoints):
        trunk = f"{number:064x}"
        names.bind_checkpoint(objects, CheckpointRef(
            name=f"c{number}", trunk_sha256=trunk, tokenizer_sha256="0" * 64, family="made up", n_layers=6,
            width=width, max_positions=None, source="made up"))  # fmt: skip
        spec = RunSpec(
            trunk_sha256=trunk, text_id=digest.text_id, tokens_id=tokens_id, sites=SITES,
            widths=(width,) * len(SITES), n_rows=n_rows, block_rows=BLOCK_ROWS, tokens_per_batch=BLOCK_ROWS,
            blocks_per_shard=blocks_per_shard(n_rows, BLOCK_ROWS, [width] * len(SITES), 2),
            chunk_rows=chunk_rows([width], 2, BLOCK_ROWS),
        )  # fmt: skip
        _extract(objects, spec, len(word_NW) * LENGTH, rng)
    return objects


def _example(word_W: npt.NDArray[np.int64]) -> Example:
    words, position = [], 0
    for number in word_W.tolist():
        end = position + len(WORDS[number])
        words.append(Word(segment=0, char_start=position, char_end=end, text=WORDS[number],
                          upos=UPOS[number], xpos=None, head=None, deprel=None))  # fmt: skip
        position = end + 1
    return Example(source_id=None, text=" ".join(word.text for word in words), words=tuple(words))


def _tokenise(objects: Objects, text_id: str, word_NW: npt.NDArray[np.int64]) -> tuple[str, int]:
    n = len(word_NW)
    first_row_N, packer = Packer(BLOCK_ROWS).pack([LENGTH] * n)
    meta = TokensMeta(
        text_id=text_id, tokenizer_sha256="0" * 64, settings=TokenSettings(max_length=LENGTH),
        block_rows=BLOCK_ROWS, n_examples=n, n_sequences=n, n_tokens=n * LENGTH, n_rows=packer.n_rows,
        n_words=word_NW.size, n_truncated=0, n_vanished_words=0, n_unknown=0,
    )  # fmt: skip
    steps = range(0, n, EXAMPLES_A_PIECE)
    pieces = (
        Pieces(at, word_NW[at : at + EXAMPLES_A_PIECE], first_row_N[at : at + EXAMPLES_A_PIECE])
        for at in steps
    )
    tokens.store_tables(objects, text_id, meta.tokens_id, pieces)
    tokens.store_meta(objects, meta)
    return meta.tokens_id, packer.n_rows


def _extract(objects: Objects, spec: RunSpec, n_used: int, rng: np.random.Generator) -> None:
    """Every row is used but those after the last example: 64 divides a block."""
    runs.begin_run(objects, spec)
    for shard in range(spec.n_shards):
        first, end = spec.shard_range(shard)
        row_T = np.arange(first, min(end, n_used))
        writer = ShardWriter(objects, spec, shard)
        for site in spec.sites:
            writer.put(site, row_T, rng.standard_normal((len(row_T), spec.width(site)), dtype=np.float32))
        writer.receipt(writer.store(), n_tokens=len(row_T), environment={}, measured={})
    runs.seal(objects, spec)
