"""Made-up stores for benchmarks: a layer of random values, a catalog of complete runs without activations."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.plan.memory import blocks_per_shard, chunk_rows
from actstore.plan.packing import Packer
from actstore.schema import canonical_json, content_id
from actstore.schema.receipts import Manifest
from actstore.schema.refs import CheckpointRef, CorpusRef
from actstore.schema.spec import RunSpec
from actstore.schema.tokens import SEQUENCES, TOKENS, WORD_TOKENS
from actstore.store import names, paths, runs, tokens
from actstore.store.objects import Objects
from actstore.store.root import create_root
from actstore.store.writer import ShardWriter

BLOCK_ROWS, SITE, N_SITES = 4096, "L06", 13
CHECKPOINTS = 100
Values = npt.NDArray[np.float16]


class Pieces:
    """A tokenisation of which a reader needs the sequences only."""

    tokens, word_tokens = TOKENS.empty_table(), WORD_TOKENS.empty_table()

    def __init__(self, first_row_S: npt.NDArray[np.int64], n_tokens_S: npt.NDArray[np.int64]) -> None:
        n = len(first_row_S)
        columns = [
            np.arange(n, dtype=np.int32), np.zeros(n, np.int32), first_row_S, n_tokens_S.astype(np.int32),
            np.zeros(n, np.bool_),
        ]  # fmt: skip
        self.sequences = pa.Table.from_arrays([pa.array(column) for column in columns], schema=SEQUENCES)


class Layer:
    """A complete run of one site in a store, and its used rows as one array."""

    def __init__(self, place: Path, n_rows: int, width: int) -> None:
        self.objects = create_root(str(place))
        rng = np.random.default_rng(0)
        n_tokens_S = rng.integers(8, 120, size=max(2, n_rows // 64))
        n_tokens_S = n_tokens_S[np.cumsum(n_tokens_S) <= n_rows]
        first_row_S, packer = Packer(BLOCK_ROWS).pack(n_tokens_S.tolist())
        identity = content_id({"rows": n_rows})
        self.spec = RunSpec(
            trunk_sha256="0" * 64, text_id=identity, tokens_id=identity, sites=(SITE,), widths=(width,),
            n_rows=packer.n_rows, block_rows=BLOCK_ROWS, tokens_per_batch=BLOCK_ROWS,
            blocks_per_shard=blocks_per_shard(packer.n_rows, BLOCK_ROWS, [width] * N_SITES, 2),
            chunk_rows=chunk_rows([width], 2, BLOCK_ROWS),
        )  # fmt: skip
        tokens.store_tables(self.objects, identity, identity, [Pieces(first_row_S, n_tokens_S)])
        runs.begin_run(self.objects, self.spec)
        self.row_T = np.concatenate(
            [np.arange(first, first + n) for first, n in zip(first_row_S.tolist(), n_tokens_S, strict=True)]
        )
        self.values_TD = self._store(rng, width)
        runs.seal(self.objects, self.spec)

    def _store(self, rng: np.random.Generator, width: int) -> Values:
        kept = np.empty((len(self.row_T), width), np.float16)
        for shard in range(self.spec.n_shards):
            first, end = self.spec.shard_range(shard)
            low, high = np.searchsorted(self.row_T, [first, end])
            kept[low:high] = rng.standard_normal((high - low, width), dtype=np.float32)
            writer = ShardWriter(self.objects, self.spec, shard)
            writer.put(SITE, self.row_T[low:high], kept[low:high].astype(np.float32))
            writer.receipt(writer.store(), n_tokens=int(high - low), environment={}, measured={})
        return kept

    @property
    def array_place(self) -> Path:
        path = self.objects.local_path(paths.run(self.spec.run_id, SITE))
        if path is None:
            raise RuntimeError("the store is no folder")
        return path


def make_catalog(place: Path, n_runs: int) -> Objects:
    """Complete runs without activations: manifests, run folders, names."""
    objects = create_root(str(place))
    for number in range(CHECKPOINTS):
        trunk = f"{number:064x}"
        names.bind_checkpoint(objects, CheckpointRef(
            name=f"checkpoint-{number}", trunk_sha256=trunk, tokenizer_sha256="0" * 64, family="bert",
            n_layers=12, width=768, max_positions=512, source="made up"))  # fmt: skip
        names.bind_corpus(objects, CorpusRef(
            name=f"corpus-{number}", text_id=content_id({"text": number}), domain="none",
            word_labels=(), example_labels=()))  # fmt: skip
    folder = place / paths.MANIFESTS
    folder.mkdir()
    sites = tuple(f"L{layer:02d}" for layer in range(N_SITES))
    for number in range(n_runs):
        checkpoint, corpus = number % CHECKPOINTS, number // CHECKPOINTS
        spec = RunSpec(
            trunk_sha256=f"{checkpoint:064x}", text_id=content_id({"text": corpus}), tokens_id="0" * 16,
            sites=sites, widths=(768,) * N_SITES, n_rows=10**6, block_rows=BLOCK_ROWS, blocks_per_shard=2,
            chunk_rows=512, tokens_per_batch=BLOCK_ROWS,
        )  # fmt: skip
        manifest = Manifest(
            run_id=spec.run_id, spec=spec, n_shards=123, n_tokens=10**6, n_quarantined=0,
            bytes=2 * 10**10, receipts_sha256="0" * 64, content_sha256="0" * 64,
        )  # fmt: skip
        # Made without the fsyncs of a real one, which are not what is measured.
        (folder / f"{spec.run_id}.json").write_text(canonical_json(manifest.to_dict()) + "\n")
        (place / paths.run(spec.run_id)).mkdir(parents=True)
    return objects
