"""Tables and activations to the terminal and to files, by suffix."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from safetensors.numpy import save_file

from actstore.errors import RequestError
from jobs.console import Console

ROWS_SHOWN = 1000
ACTIVATION_FILES = (".parquet", ".arrow", ".npz", ".safetensors")
TABLE_FILES = (".parquet", ".arrow", ".csv")


def check_suffix(path: Path, allowed: tuple[str, ...]) -> None:
    """Raise RequestError for a file of another kind, or one whose folder is missing."""
    if path.suffix not in allowed:
        raise RequestError(f"-o {path}: the suffix says how to write; allowed are {', '.join(allowed)}")
    if not path.absolute().parent.is_dir():
        raise RequestError(f"-o {path}: there is no folder {path.absolute().parent}; make it first")


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table by suffix: .parquet, .arrow or .csv."""
    check_suffix(path, TABLE_FILES)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".arrow":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    else:
        pa_csv.write_csv(table, path)


def print_table(table: pa.Table, form: str, console: Console) -> None:
    """Print a table as an aligned table (the first 1,000 rows), CSV or JSON."""
    if form == "csv":
        pa_csv.write_csv(table, sys.stdout.buffer)
    elif console.as_json:
        console.answer(table.to_pylist())
    elif form == "json":
        json.dump(table.to_pylist(), sys.stdout, ensure_ascii=False, default=str)
        sys.stdout.write("\n")
    else:
        rows = [[_cell(value) for value in row.values()] for row in table.slice(0, ROWS_SHOWN).to_pylist()]
        console.table(table.column_names, rows)
        if table.num_rows > ROWS_SHOWN:
            console.remark(f"... {table.num_rows - ROWS_SHOWN} more rows; write them with -o FILE")


def write_activations(reader: pa.RecordBatchReader, path: Path) -> int:
    """Write a query's answer by suffix, batch by batch where the format allows; returns its rows.

    .npz and .safetensors hold `activation` [N, D] and the columns beside it, and are made in memory.
    """
    check_suffix(path, ACTIVATION_FILES)
    if path.suffix in (".npz", ".safetensors"):
        return _write_arrays(reader.read_all(), path)
    rows = 0
    if path.suffix == ".parquet":
        with pq.ParquetWriter(path, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
                rows += batch.num_rows
        return rows
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _write_arrays(table: pa.Table, path: Path) -> int:
    column = table.column("activation").combine_chunks()
    width = table.schema.field("activation").type.list_size
    arrays = {"activation": column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)}
    for name in table.column_names:
        if name != "activation":
            values = table.column(name).to_numpy(zero_copy_only=False)
            arrays[name] = values.astype(str) if values.dtype == object else values
    if path.suffix == ".npz":
        np.savez(path, allow_pickle=False, **arrays)
    else:
        numeric = {name: values for name, values in arrays.items() if values.dtype.kind in "fiu"}
        texts = {
            name: json.dumps(values.tolist(), ensure_ascii=False)
            for name, values in arrays.items()
            if name not in numeric
        }
        save_file(numeric, path, metadata=texts)
    return int(table.num_rows)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
