"""A scan holds a few steps and a reading its result, however large the run."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from actstore.plan.sequences import SequenceIndex
from actstore.schema.spec import RunSpec
from actstore.store import runs
from actstore.store.folder import FolderObjects
from actstore.store.reader import READ_AHEAD, RunReader
from actstore.store.writer import ShardWriter


class Run(RunReader):
    """A reader whose sequences are given: whole blocks of one token a row."""

    n_blocks = 0

    @property
    def sequences(self) -> SequenceIndex:  # type: ignore[override]
        n = self.n_blocks
        first_S = np.arange(n) * self.spec.block_rows
        return SequenceIndex(
            example_S=np.arange(n), window_S=np.zeros(n, np.int64), first_row_S=first_S,
            n_tokens_S=np.full(n, self.spec.block_rows),
        )  # fmt: skip


def make_run(place: Path, dtype: str, n_blocks: int) -> Run:
    spec = RunSpec(
        trunk_sha256="0" * 64, text_id="t", tokens_id="k", sites=("L00", "L01"), widths=(64, 32),
        n_rows=n_blocks * 1024, block_rows=1024, blocks_per_shard=4, chunk_rows=256, tokens_per_batch=64,
        dtype=dtype,
    )  # fmt: skip
    objects = FolderObjects(place)
    runs.begin_run(objects, spec)
    rng = np.random.default_rng(0)
    for shard in range(spec.n_shards):
        writer = ShardWriter(objects, spec, shard)
        rows = np.arange(*spec.shard_range(shard))
        for site in spec.sites:
            writer.put(site, rows, rng.standard_normal((len(rows), spec.width(site)), dtype=np.float32))
        records = writer.store()
        assert [record.array for record in records] == list(writer.arrays)
        writer.receipt(records, n_tokens=len(rows), environment={}, measured={})
    runs.seal(objects, spec)
    reader = Run(objects, spec.run_id)
    reader.n_blocks = n_blocks
    return reader


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int8"])
def test_a_scans_memory_is_a_few_steps_however_large_the_run(tmp_path: Path, dtype: str) -> None:
    n_blocks = 64
    reader = make_run(tmp_path, dtype, n_blocks)
    next(iter(reader.scan("L00", shards=[0])))  # receipts and modules are there
    step_bytes = 1024 * 64 * (2 if dtype == "float16" else 4)
    stored_bytes = 0 if dtype in ("float16", "float32") else 1024 * 64 * reader.spec.item_bytes
    tracemalloc.start()
    try:
        n_rows = 0
        for row_T, _ in reader.scan("L00"):
            n_rows += len(row_T)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert n_rows == n_blocks * 1024
    # Steps waiting, under way and in hand; stored values of those under way; open shards and small things.
    bound_bytes = (READ_AHEAD + 2) * step_bytes + READ_AHEAD * stored_bytes + (1 << 20)
    assert peak_bytes < bound_bytes < n_blocks * step_bytes / 2


def test_reading_a_layer_takes_its_own_size_and_little_more(tmp_path: Path) -> None:
    reader = make_run(tmp_path, "float16", 64)
    reader.read("L01")
    tracemalloc.start()
    try:
        whole = reader.read("L00")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < whole.nbytes + (1 << 20)


def test_values_go_into_strided_memory_too(tmp_path: Path) -> None:
    reader = make_run(tmp_path, "float16", 8)
    whole = reader.read("L00")
    wide = np.zeros((len(whole), 128), np.float16)
    assert np.array_equal(reader.read("L00", out=wide[:, ::2]), whole)
    assert np.array_equal(wide[:, ::2], whole)
    rows = np.random.default_rng(0).integers(0, len(whole), 500)
    for check in (True, False):
        out = np.zeros((500, 128), np.float16)[:, ::2]
        assert np.array_equal(reader.gather("L00", rows, out=out, check=check), whole[rows])
