"""Parquet files of the store: staged while they grow, created whole, read by column and row range."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from actstore.errors import DamagedShardError
from actstore.store.objectfile import ObjectFile
from actstore.store.objects import Objects
from actstore.store.system import explained_full

HASH_BYTES = 8 << 20


@contextmanager
def staged_table(objects: Objects, key: str, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """A writer whose file gets its name when the block ends well, and is removed when it does not."""
    path = objects.staging()
    try:
        with explained_full("write", path), pq.ParquetWriter(path, schema, compression="zstd") as writer:
            yield writer
        objects.create_from_file(key, path)
    finally:
        path.unlink(missing_ok=True)


def file_records(objects: Objects, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Bytes and sha256 of stored files by their last name, for the record that completes them."""
    out = {}
    for key in keys:
        size = objects.size(key) or 0
        out[key.rpartition("/")[2]] = {"bytes": size, "sha256": sha256_of(objects, key, size)}
    return out


def sha256_of(objects: Objects, key: str, size: int) -> str:
    """The sha256 of an object, read in pieces."""
    digest = hashlib.sha256()
    for start in range(0, size, HASH_BYTES):
        digest.update(objects.read_range(key, start, min(HASH_BYTES, size - start)))
    return digest.hexdigest()


def create_table(objects: Objects, key: str, table: pa.Table) -> bool:
    """Create a Parquet file from a table; False when there is one."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return objects.create(key, [sink.getvalue()])


def table_batches(objects: Objects, key: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Columns of a Parquet file, batch by batch: memory is bounded by one row group.

    Raises FileNotFoundError, or DamagedShardError when it is no readable Parquet file.
    """
    try:
        with pq.ParquetFile(_source(objects, key)) as file:
            yield from file.iter_batches(columns=list(columns))
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise DamagedShardError(
            f"{objects.url}/{key} is not a readable Parquet file ({error}); remove it and run again"
        ) from error


def read_table(
    objects: Objects,
    key: str,
    columns: Sequence[str] | None = None,
    filters: Any = None,
) -> pa.Table:
    """Read columns of a Parquet file, skipping row groups that the filters exclude.

    Raises FileNotFoundError, or DamagedShardError when it is no readable Parquet file.
    """
    # Of a distant table that is wanted whole, one request is cheaper than its footer and then its columns.
    whole = columns is None and filters is None and objects.local_path(key) is None
    source = io.BytesIO(objects.read(key)) if whole else _source(objects, key)
    try:
        return pq.read_table(source, columns=None if columns is None else list(columns), filters=filters)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise DamagedShardError(
            f"{objects.url}/{key} is not a readable Parquet file ({error}); remove it and extract again"
        ) from error


def distant_dataset(objects: Objects, key: str) -> pads.Dataset:
    """A Parquet file of an object store for SQL: columns and row groups are fetched when they are asked for.

    Raises FileNotFoundError, or DamagedShardError when it is no readable Parquet file.
    """
    format_ = pads.ParquetFileFormat()
    fragment = format_.make_fragment(pa.PythonFile(ObjectFile(objects, key), mode="r"))
    try:
        return pads.FileSystemDataset([fragment], fragment.physical_schema, format_)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise DamagedShardError(
            f"{objects.url}/{key} is not a readable Parquet file ({error}); run `actstore verify STORE`"
        ) from error


def _source(objects: Objects, key: str) -> Any:
    """What Parquet reads from: the file where there is one, else the ranges it asks for."""
    path = objects.local_path(key)
    return path if path is not None else ObjectFile(objects, key)
