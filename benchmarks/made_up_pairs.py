"""Made-up stores for similarity: a corpus of so many tokens, and runs whose layers are alike."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.plan.memory import blocks_per_shard, chunk_rows
from actstore.plan.packing import Packer
from actstore.schema import content_id
from actstore.schema.spec import RunSpec
from actstore.schema.tokens import SEQUENCES, TOKENS, WORD_TOKENS, TokenSettings, TokensMeta
from actstore.store import runs, tokens
from actstore.store.root import create_root
from actstore.store.writer import ShardWriter
from analyses.similarity.request import StoredCorpus, StoredRun

BLOCK_ROWS, LENGTH = 4096, 64
NOISE = 0.3


class Pieces:
    """A tokenisation of examples of one length, without special tokens."""

    word_tokens = WORD_TOKENS.empty_table()

    def __init__(self, first_row_N: npt.NDArray[np.int64]) -> None:
        n, length_T = len(first_row_N), np.arange(LENGTH)
        columns = {
            "example": np.repeat(np.arange(n, dtype=np.int32), LENGTH),
            "token": np.tile(length_T.astype(np.int32), n),
            "row": (first_row_N[:, None] + length_T[None, :]).reshape(-1),
            "token_id": np.zeros(n * LENGTH, np.int32),
            "special": np.zeros(n * LENGTH, np.bool_),
            "window": np.zeros(n * LENGTH, np.int32),
            "best_context": np.ones(n * LENGTH, np.bool_),
        }
        made = [
            pa.array(columns[field.name]) if field.name in columns else pa.nulls(n * LENGTH, field.type)
            for field in TOKENS
        ]
        self.tokens = pa.Table.from_arrays(made, schema=TOKENS)
        self.sequences = pa.Table.from_arrays(
            [pa.array(np.arange(n, dtype=np.int32)), pa.array(np.zeros(n, np.int32)), pa.array(first_row_N),
             pa.array(np.full(n, LENGTH, np.int32)), pa.array(np.zeros(n, np.bool_))],
            schema=SEQUENCES,
        )  # fmt: skip


def make_runs(place: Path, n_tokens: int, n_runs: int, n_layers: int, width: int) -> StoredCorpus:
    """A store with complete float16 runs over one corpus; run k is the first one with k times some noise."""
    objects = create_root(str(place))
    first_row_N, packer = Packer(BLOCK_ROWS).pack([LENGTH] * (n_tokens // LENGTH))
    sites = tuple(f"L{layer:02d}" for layer in range(n_layers))
    meta = TokensMeta(
        text_id=content_id({"tokens": n_tokens}), tokenizer_sha256="0" * 64,
        settings=TokenSettings(max_length=LENGTH), block_rows=BLOCK_ROWS, n_examples=len(first_row_N),
        n_sequences=len(first_row_N), n_tokens=len(first_row_N) * LENGTH, n_rows=packer.n_rows, n_words=0,
        n_truncated=0, n_vanished_words=0, n_unknown=0,
    )  # fmt: skip
    tokens.store_tables(objects, meta.text_id, meta.tokens_id, iter([Pieces(first_row_N)]))
    tokens.store_meta(objects, meta)
    found = {}
    for number in range(n_runs):
        spec = RunSpec(
            trunk_sha256=f"{number:064x}", text_id=meta.text_id, tokens_id=meta.tokens_id, sites=sites,
            widths=(width,) * n_layers, n_rows=packer.n_rows, block_rows=BLOCK_ROWS,
            tokens_per_batch=BLOCK_ROWS, chunk_rows=chunk_rows([width], 2, BLOCK_ROWS),
            blocks_per_shard=blocks_per_shard(packer.n_rows, BLOCK_ROWS, [width] * n_layers, 2),
        )  # fmt: skip
        runs.begin_run(objects, spec)
        for shard in range(spec.n_shards):
            _store(ShardWriter(objects, spec, shard), number)
        runs.seal(objects, spec)
        name = f"run-{number}"
        found[name] = StoredRun(
            checkpoint=name, run_id=spec.run_id, tokens_id=meta.tokens_id, sites=sites, widths=spec.widths,
            n_rows=spec.n_rows,
        )  # fmt: skip
    return StoredCorpus(name="made up", runs=found)


def _store(writer: ShardWriter, number: int) -> None:
    """Every row of a shard is used: examples fill the blocks."""
    first, end = writer.spec.shard_range(writer.shard)
    for layer, (site, width) in enumerate(zip(writer.spec.sites, writer.spec.widths, strict=True)):
        rng = np.random.default_rng([writer.shard, layer])
        values_TD = rng.standard_normal((end - first, width), dtype=np.float32) + 0.5
        if number:
            other = np.random.default_rng([writer.shard, layer, number])
            values_TD += number * NOISE * other.standard_normal((end - first, width), dtype=np.float32)
        writer.put(site, np.arange(first, end), values_TD)
    writer.receipt(writer.store(), n_tokens=int(end - first), environment={}, measured={})
