"""Select: a query becomes rows (by SQL), the rows become Arrow batches with their activations."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import RequestError
from actstore.query.candidates import Stretch, candidates
from actstore.query.limits import LOCAL, Limits, check_rows
from actstore.query.tables import ask
from actstore.schema.query import Query
from actstore.schema.spec import RunSpec
from actstore.store.reader import RunReader

BATCH_BYTES = 16 << 20
"""Activations of one record batch: the memory bound of a streamed answer."""

FIRST_EXAMPLES, GROWTH = 512, 8
"""A limited answer is looked for in the first examples, then in ever longer stretches of the following."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The tokens or words of an answer, in order."""

    table: pa.Table
    """Columns example, token (or word), text, first_row, last_row."""
    unit: str

    def __len__(self) -> int:
        return int(self.table.num_rows)


def select(
    connection: duckdb.DuckDBPyConnection,
    query: Query,
    readers: Sequence[RunReader],
    *,
    limits: Limits = LOCAL,
) -> Selected:
    """Tokens or words that the predicate chooses and every run holds, by example and position.

    Raises RequestError for SQL that DuckDB refuses, and for what is over the limits.
    """
    left_out = _left_out(readers)

    def found(stretch: Stretch | None = None) -> str:
        return f"SELECT * FROM ({candidates(query, readers[0].spec, stretch)}) WHERE {left_out}"

    def chosen(stretch: Stretch | None = None) -> str:
        return f"{found(stretch)} ORDER BY first_row, unit"

    def asked(sql: str, within: Limits = limits) -> pa.Table:
        return ask(connection, sql, shown=query.where, limits=within)

    if query.sample is not None:
        by_hash = f"ORDER BY hash(first_row, unit, {int(query.seed)}), first_row"
        sql = f"SELECT * FROM ({found()} {by_hash} LIMIT {int(query.sample)}) "
        table = asked(f"{sql} ORDER BY first_row, unit {_limit(query.limit)}")
    elif query.limit is not None:
        table = _first_of(query.limit, chosen, asked, readers[0], limits)
    else:
        table = asked(chosen())
    return Selected(table=table, unit=query.unit)


def _first_of(
    limit: int,
    chosen: Callable[[Stretch], str],
    asked: Callable[[str, Limits], pa.Table],
    reader: RunReader,
    limits: Limits,
) -> pa.Table:
    """The first rows, stretch by stretch of examples, whose rows follow one another as they do."""
    end = time.monotonic() + (limits.seconds or 0.0)
    parts: list[pa.Table] = []
    for stretch in _stretches(int(reader.sequences.example_S.max(initial=0)) + 1):
        rest = limits.seconds and max(0.001, end - time.monotonic())
        wanted = limit - sum(part.num_rows for part in parts)
        parts.append(asked(f"{chosen(stretch)} {_limit(wanted)}", replace(limits, seconds=rest)))
        if parts[-1].num_rows == wanted:
            break
    return pa.concat_tables(parts)


def _stretches(n_examples: int) -> Iterator[Stretch]:
    first, length = 0, FIRST_EXAMPLES
    while first < n_examples:
        yield first, first + length
        first, length = first + length, length * GROWTH


def _limit(limit: int | None) -> str:
    return "" if limit is None else f"LIMIT {int(limit)}"


def _left_out(readers: Sequence[RunReader]) -> str:
    """A predicate without the quarantined examples and missing shards of any of the runs."""
    examples = sorted(set().union(*(reader.quarantined for reader in readers)))
    ranges = [
        reader.spec.shard_range(shard)
        for reader in readers
        if not reader.complete
        for shard in sorted(set(range(reader.spec.n_shards)) - set(reader.receipts))
    ]
    parts = [f"example NOT IN ({', '.join(map(str, examples))})"] if examples else []
    parts += [f"NOT first_row BETWEEN {first} AND {end - 1}" for first, end in ranges]
    return " AND ".join(parts) or "true"


def answer(
    query: Query,
    selected: Selected,
    reader_of: Callable[[str], RunReader],
    sites_of: Callable[[RunSpec], Sequence[str]],
    *,
    limits: Limits = LOCAL,
) -> pa.RecordBatchReader:
    """Stream the answer: for each checkpoint and site, the selected tokens or words in order."""
    readers = {name: reader_of(name) for name in query.checkpoints}
    sites = {name: list(sites_of(reader.spec)) for name, reader in readers.items()}
    widths = {readers[name].spec.width(site) for name in readers for site in sites[name]}
    if len(widths) != 1:
        raise RequestError(
            f"the sites asked for have widths {sorted(widths)}; ask for those of one width at a time"
        )
    check_rows(len(selected) * sum(map(len, sites.values())), limits)
    halves = all(reader.spec.dtype == "float16" for reader in readers.values())
    schema = answer_schema(query.unit, widths.pop(), pa.float16() if halves else pa.float32())

    def batches() -> Iterator[pa.RecordBatch]:
        for name, reader in readers.items():
            for site in sites[name]:
                yield from _site_batches(query, selected, reader, checkpoint=name, site=site, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def answer_schema(unit: str, width: int, item: pa.DataType) -> pa.Schema:
    """Columns of an answer."""
    return pa.schema(
        [
            ("checkpoint", pa.string()),
            ("corpus", pa.string()),
            ("example", pa.int32()),
            (unit, pa.int32()),
            ("text", pa.string()),
            ("layer", pa.int32()),
            ("site", pa.string()),
            ("activation", pa.list_(item, width)),
        ]
    )


def _site_batches(
    query: Query, selected: Selected, reader: RunReader, *, checkpoint: str, site: str, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    item = schema.field("activation").type.value_type.to_pandas_dtype()
    row_bytes = reader.spec.width(site) * np.dtype(item).itemsize
    step = max(1, BATCH_BYTES // row_bytes)
    layer = site_layer_number(site)
    for first in range(0, len(selected), step):
        part = selected.table.slice(first, step)
        first_N, last_N = (part.column(name).to_numpy() for name in ("first_row", "last_row"))
        values_ND = pool_rows(reader, site, first_N, last_N, query.pool).astype(item, copy=False)
        flat = pa.array(values_ND.reshape(-1))
        n = part.num_rows
        columns = [
            pa.repeat(pa.scalar(checkpoint, pa.string()), n),
            pa.repeat(pa.scalar(query.corpus, pa.string()), n),
            part.column("example").combine_chunks().cast(pa.int32()),
            part.column("unit").combine_chunks().cast(pa.int32()),
            part.column("text").combine_chunks().cast(pa.string()),
            pa.repeat(pa.scalar(layer, pa.int32()), n),
            pa.repeat(pa.scalar(site, pa.string()), n),
            pa.FixedSizeListArray.from_arrays(flat, values_ND.shape[1]),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def site_layer_number(site: str) -> int | None:
    """The layer whose output a site is; None for sites within a layer and after the last."""
    return int(site[1:]) if site[1:].isdigit() else None


def pool_rows(
    reader: RunReader,
    site: str,
    first_N: npt.NDArray[np.int64],
    last_N: npt.NDArray[np.int64],
    pool: str,
) -> npt.NDArray[np.floating]:
    """One vector [N, D] for each range of rows: its first, its last, or the mean over it."""
    if pool == "first" or (first_N == last_N).all():
        return reader.gather(site, first_N)
    if pool == "last":
        return reader.gather(site, last_N)
    length_N = last_N - first_N + 1
    begin_N = np.cumsum(length_N) - length_N
    row_T = np.repeat(first_N - begin_N, length_N) + np.arange(length_N.sum())
    values_TD = reader.gather(site, row_T).astype(np.float32)
    return np.asarray(np.add.reduceat(values_TD, begin_N, axis=0) / length_N[:, None].astype(np.float32))
