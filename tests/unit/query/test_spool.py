"""Spool: short answers stay in memory, long ones lie in a file that is gone once nobody holds it."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest

from actstore.query.spool import spooled


def stream(n_batches: int, rows: int = 10) -> pa.RecordBatchReader:
    schema = pa.schema([("number", pa.int64()), ("text", pa.string())])
    batches = (
        pa.record_batch([range(i * rows, i * rows + rows), [f"word {i}"] * rows], schema=schema)
        for i in range(n_batches)
    )
    return pa.RecordBatchReader.from_batches(schema, batches)


@pytest.mark.parametrize("n_batches", [0, 1, 3, 4, 50])
def test_every_row_comes_back_in_order(n_batches: int) -> None:
    table = spooled(stream(n_batches), rows_in_memory=30)
    assert table.column("number").to_pylist() == list(range(n_batches * 10))
    assert table.schema == stream(0).schema


def test_a_long_answer_takes_no_memory_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = pa.total_allocated_bytes()
    table = spooled(stream(200, rows=1000), rows_in_memory=5000)
    assert table.num_rows == 200_000
    assert table.nbytes > 3_000_000
    assert pa.total_allocated_bytes() - before < 100_000
    assert not list(tmp_path.iterdir())
    assert table.column("text")[-1].as_py() == "word 199"
