"""The tables of a store as DuckDB views, named and shaped as docs/format.md says."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from actstore.errors import DamagedShardError, RequestError
from actstore.query.limits import LOCAL, Limits, check_rows, deadline
from actstore.query.lock import lock, unlocked
from actstore.query.spool import spooled
from actstore.schema import tables, text, tokens
from actstore.schema.refs import CorpusRef
from actstore.schema.text import EXAMPLE_LABEL_SET, TREEBANK_SETS, WORD_LABEL_SET
from actstore.store import catalog, names, paths, results
from actstore.store.labels import current_labels
from actstore.store.objects import Objects
from actstore.store.parquet import distant_dataset
from actstore.store.texts import has_text
from actstore.store.tokens import list_metas


class Files:
    """The store's Parquet files as SQL: those of a folder by name, those of an object store as datasets."""

    def __init__(self, objects: Objects, connection: duckdb.DuckDBPyConnection) -> None:
        self.objects, self._connection = objects, connection
        self.named: list[str] = []
        self._datasets: dict[str, str] = {}

    def sql(self, key: str) -> str:
        """What reads one file, to stand after FROM."""
        path = self.objects.local_path(key)
        if path is None:
            return self._dataset(key)
        self.named.append(str(path))
        return f"read_parquet({_quoted(str(path))})"

    def _dataset(self, key: str) -> str:
        if key not in self._datasets:
            self._datasets[key] = f"object_{len(self._datasets)}"
            self._connection.register(self._datasets[key], distant_dataset(self.objects, key))
        return self._datasets[key]


@contextmanager
def connect(
    objects: Objects, limits: Limits = LOCAL, *, corpus: str | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with every view of the store; it can read these files only, and write none.

    `corpus`: only the views of texts and tokens, of this corpus alone, which is a part of the
    work. A corpus whose text is not stored yet is left out. Raises DamagedShardError for a damaged table.
    """
    with TemporaryDirectory(prefix="actstore-sql-") as folder, unlocked(limits, folder) as connection:
        files = Files(objects, connection)
        if corpus is None:
            _create_views(connection, files)
        else:
            connection.register("corpora", catalog.corpus_table(objects, corpus))
            _create_text_views(connection, files, [names.corpus(objects, corpus)])
        lock(connection, files.named)
        yield connection


def _create_views(connection: duckdb.DuckDBPyConnection, files: Files) -> None:
    objects = files.objects
    for name, table in (
        ("checkpoints", catalog.checkpoint_table(objects)),
        ("corpora", catalog.corpus_table(objects)),
        ("runs", catalog.run_table(objects)),
    ):
        connection.register(name, table)
    _create_text_views(connection, files, names.corpora(objects))
    fresh = results.fresh_tables(objects)
    for kind, schema in tables.RESULTS.items():
        parts = [f"SELECT {_names(schema)} FROM {files.sql(key)}" for key in fresh.get(kind, [])]
        _create_view(connection, kind, _union(parts, _columns(schema)))


def _create_text_views(connection: duckdb.DuckDBPyConnection, files: Files, corpora: list[CorpusRef]) -> None:
    stored = [ref for ref in corpora if has_text(files.objects, ref.text_id)]
    for name, sql in (
        ("examples", _examples(files, stored)),
        ("words", _words(files, stored)),
        ("tokens", _tokens(files, stored, "tokens", tokens.TOKENS)),
        ("word_tokens", _tokens(files, stored, "word_tokens", tokens.WORD_TOKENS)),
        ("labels", _labels(files, stored)),
    ):
        _create_view(connection, name, sql)


def ask(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    *,
    shown: str | None = None,
    limits: Limits = LOCAL,
) -> pa.Table:
    """The rows of one statement that only reads; `shown` is the part of it that the user wrote.

    A long answer is a map of a temporary file. Raises RequestError for SQL that DuckDB refuses, for what is
    not one reading statement, and for what is over the limits.
    """
    shown = statement if shown is None else shown
    with explained(shown), deadline(connection, limits.seconds):
        found = connection.extract_statements(statement)
        # SHOW, DESCRIBE and SUMMARIZE count as SELECT; all else, EXPLAIN ANALYZE too, could write a file.
        if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
            raise RequestError(f"SQL {shown!r}: give one SELECT, all else could write; nothing was done")
        answer = pa.RecordBatchReader.from_stream(connection.sql(statement))
        counted = pa.RecordBatchReader.from_batches(answer.schema, _counted(answer, limits))
        return spooled(counted, limits.rows_in_memory)


def _counted(batches: pa.RecordBatchReader, limits: Limits) -> Iterator[pa.RecordBatch]:
    n_rows = 0
    for batch in batches:
        n_rows += batch.num_rows
        check_rows(n_rows, limits)
        yield batch


@contextmanager
def explained(sql: str) -> Iterator[None]:
    """Turn DuckDB's complaints about a user's SQL into a RequestError."""
    try:
        yield
    except duckdb.Error as error:
        word = re.search(r'syntax error at or near "(\w+)"', str(error))
        quote = (
            f'; the column {word[1]} is a word of SQL too: write it as "{word[1]}"'
            if (word and word[1] in {*tokens.TOKENS.names, *tokens.SEQUENCES.names})
            else ""
        )
        raise RequestError(
            f'SQL {sql!r}: {error}{quote}; `actstore sql STORE "SHOW TABLES"` lists tables'
        ) from error


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> None:
    try:
        connection.execute(f"CREATE VIEW {name} AS {sql}")
    except duckdb.Error as error:
        raise DamagedShardError(
            f"the table {name!r} can not be read ({error}); `actstore verify STORE` names the damaged files"
        ) from error


def _examples(files: Files, corpora: list[CorpusRef]) -> str:
    parts = []
    for ref in corpora:
        label, join = "NULL::VARCHAR", ""
        if ref.example_labels is not None:
            file = files.sql(paths.label_set(ref.text_id, EXAMPLE_LABEL_SET, ref.example_labels))
            label, join = "c.label", f"LEFT JOIN {file} c USING (example)"
        source = files.sql(paths.text(ref.text_id, "examples.parquet"))
        parts.append(
            f"SELECT {_quoted(ref.text_id)} text_id, {_quoted(ref.name)} corpus, example, e.source_id, "
            f"{_quoted(ref.domain)} AS domain, e.text, e.text_b, {label} AS label FROM {source} e {join}"
        )
    return _union(parts, [("text_id", "VARCHAR"), ("corpus", "VARCHAR"), ("example", "INTEGER"),
                          ("source_id", "VARCHAR"), ("domain", "VARCHAR"), ("text", "VARCHAR"),
                          ("text_b", "VARCHAR"), ("label", "VARCHAR")])  # fmt: skip


def _words(files: Files, corpora: list[CorpusRef]) -> str:
    parts = []
    for ref in corpora:
        columns = "NULL::VARCHAR upos, NULL::VARCHAR xpos, NULL::INTEGER head, NULL::VARCHAR deprel"
        join = ""
        if ref.word_labels is not None:
            file = files.sql(paths.label_set(ref.text_id, WORD_LABEL_SET, ref.word_labels))
            columns, join = "l.upos, l.xpos, l.head, l.deprel", f"LEFT JOIN {file} l USING (example, word)"
        source = files.sql(paths.text(ref.text_id, "words.parquet"))
        parts.append(
            f"SELECT {_quoted(ref.text_id)} text_id, {_quoted(ref.name)} corpus, example, word, w.segment, "
            f"w.char_start, w.char_end, w.text, {columns} FROM {source} w {join}"
        )
    names_types = [("text_id", "VARCHAR"), ("corpus", "VARCHAR"), *_columns(text.WORDS)]
    return _union(parts, [*names_types, ("upos", "VARCHAR"), ("xpos", "VARCHAR"), ("head", "INTEGER"),
                          ("deprel", "VARCHAR")])  # fmt: skip


def _tokens(files: Files, corpora: list[CorpusRef], name: str, schema: pa.Schema) -> str:
    parts = [
        f"SELECT {_quoted(meta.tokens_id)} tokens_id, {_quoted(ref.name)} corpus, * FROM "
        + files.sql(paths.tokens(ref.text_id, meta.tokens_id, f"{name}.parquet"))
        for ref in corpora
        for meta in list_metas(files.objects, ref.text_id)
    ]
    return _union(parts, [("tokens_id", "VARCHAR"), ("corpus", "VARCHAR"), *_columns(schema)])


def _labels(files: Files, corpora: list[CorpusRef]) -> str:
    parts = []
    for ref in corpora:
        for name, hash_ in current_labels(files.objects, ref):
            file = files.sql(paths.label_set(ref.text_id, name, hash_))
            parts.append(f"SELECT {_quoted(name)} label_set, {_quoted(ref.name)} corpus, * FROM {file}")
        if ref.word_labels is not None:
            parts += [_treebank_set(ref.name, name) for name in TREEBANK_SETS]
    columns = [("label_set", "VARCHAR"), ("corpus", "VARCHAR"), *_columns(text.SPAN_LABELS)]
    return _union(parts, columns)


def _treebank_set(corpus: str, name: str) -> str:
    """A word label as a label set: span1 is the word, for dependencies span2 is its head."""
    head = "head, head + 1" if name == "deprel" else "NULL::INTEGER, NULL::INTEGER"
    headed = " AND head IS NOT NULL" if name == "deprel" else ""
    return (
        f"SELECT '{name}' label_set, corpus, example, word AS target, word AS span1_start, "
        f"word + 1 AS span1_end, {head}, {name} AS label, NULL::VARCHAR AS info FROM words "
        f"WHERE corpus = {_quoted(corpus)} AND {name} IS NOT NULL{headed}"
    )


def _columns(schema: pa.Schema) -> list[tuple[str, str]]:
    kinds = {
        pa.string(): "VARCHAR",
        pa.int64(): "BIGINT",
        pa.int8(): "TINYINT",
        pa.bool_(): "BOOLEAN",
        pa.float64(): "DOUBLE",
        pa.float32(): "FLOAT",
    }
    return [(field.name, kinds.get(field.type, "INTEGER")) for field in schema]


def _names(schema: pa.Schema) -> str:
    return ", ".join(f'"{name}"' for name in schema.names)


def _union(parts: list[str], columns: list[tuple[str, str]]) -> str:
    """One query of all parts; with none of them an empty table of the given columns."""
    empty = "SELECT " + ", ".join(f"NULL::{kind} AS {name}" for name, kind in columns) + " WHERE false"
    return " UNION ALL ".join([empty, *parts])


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
