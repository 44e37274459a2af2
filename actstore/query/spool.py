"""Spool: a stream of Arrow batches as one table, on disk once it is long, so that memory stays bounded."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa


def spooled(reader: pa.RecordBatchReader, rows_in_memory: int) -> pa.Table:
    """All batches as a table; beyond `rows_in_memory` rows it is a map of a file that is deleted already.

    The file lies in the system's folder of temporary files (TMPDIR).
    """
    batches, n_rows = [], 0
    for batch in reader:
        batches.append(batch)
        n_rows += batch.num_rows
        if n_rows > rows_in_memory:
            return _mapped(reader.schema, _chain(batches, reader))
    return pa.Table.from_batches(batches, schema=reader.schema)


def _chain(batches: list[pa.RecordBatch], reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    while batches:
        yield batches.pop(0)
    yield from reader


def _mapped(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> pa.Table:
    handle, name = tempfile.mkstemp(prefix="actstore-answer-", suffix=".arrow")
    os.close(handle)
    try:
        with pa.OSFile(name, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
        return pa.ipc.open_file(pa.memory_map(name)).read_all()
    finally:
        Path(name).unlink()  # the map keeps the bytes until the table is let go
