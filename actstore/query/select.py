"""Select: a query becomes rows (by SQL), the rows become Arrow batches with their activations."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import RequestError
from actstore.query.limits import LOCAL, Limits, check_rows
from actstore.query.tables import ask
from actstore.schema.query import Query
from actstore.schema.spec import RunSpec
from actstore.store.reader import RunReader

BATCH_BYTES = 16 << 20
"""Activations of one record batch: the memory bound of a streamed answer."""

CANDIDATES = """
SELECT token.*, word.word, word.text, word.text AS word_text, word.upos, word.xpos, word.head, word.deprel,
       example.source_id, example.domain, example.text AS example_text, example.text_b, example.label,
       corpora.text_id, corpora.n_examples, corpora.n_words, corpora.n_tokens, corpora.n_truncated,
       token.row AS first_row, token.row + {extra} AS last_row
FROM tokens token
{join} JOIN word_tokens ON word_tokens.tokens_id = token.tokens_id AND word_tokens.corpus = token.corpus
     AND word_tokens.example = token.example AND {match}
LEFT JOIN words word ON word.corpus = token.corpus AND word.example = token.example
     AND word.word = word_tokens.word
LEFT JOIN examples example ON example.corpus = token.corpus AND example.example = token.example
LEFT JOIN corpora ON corpora.name = token.corpus AND corpora.tokens_id = token.tokens_id
WHERE token.tokens_id = '{tokens_id}' AND token.corpus = '{corpus}' AND token.best_context
"""
"""What a predicate sees: the columns of the token, word, example and corpus tables; `text` is the word's."""


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
    spec = readers[0].spec
    sql = (_token_sql if query.unit == "token" else _word_sql)(query, spec)
    sql = f"SELECT * FROM ({sql}) WHERE {_left_out(readers)} ORDER BY first_row, unit"
    if query.sample is not None:
        chosen = f"SELECT * FROM ({sql}) ORDER BY hash(first_row, unit, {int(query.seed)}), first_row"
        sql = f"SELECT * FROM ({chosen} LIMIT {int(query.sample)}) ORDER BY first_row, unit"
    if query.limit is not None:
        sql += f" LIMIT {int(query.limit)}"
    return Selected(table=ask(connection, sql, shown=query.where, limits=limits), unit=query.unit)


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


def _token_sql(query: Query, spec: RunSpec) -> str:
    """Tokens; one that belongs to several words is given once."""
    match = "token.token BETWEEN word_tokens.first_token AND word_tokens.last_token"
    return (
        "SELECT DISTINCT ON (row) example, token AS unit, piece AS text, first_row, last_row "
        f"FROM ({_candidates(query, spec, join='LEFT', match=match, extra='0')}) {_where(query)} ORDER BY row"
    )


def _word_sql(query: Query, spec: RunSpec) -> str:
    """Words that have tokens; a word's rows are consecutive."""
    match = "token.token = word_tokens.first_token"
    extra = "word_tokens.last_token - word_tokens.first_token"
    return (
        "SELECT example, word AS unit, text, first_row, last_row "
        f"FROM ({_candidates(query, spec, join='', match=match, extra=extra)}) {_where(query)} "
        "ORDER BY example, word"
    )


def _candidates(query: Query, spec: RunSpec, **parts: str) -> str:
    corpus = query.corpus.replace("'", "''")
    return CANDIDATES.format(tokens_id=spec.tokens_id, corpus=corpus, **parts)


def _where(query: Query) -> str:
    return f"WHERE ({query.where}\n)" if query.where else ""  # the line's end closes a comment
