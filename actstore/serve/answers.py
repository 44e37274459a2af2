"""Answers: what a store answers to each kind of request, as a stream of Arrow batches."""

from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatchmethod
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import NotFoundError, RequestError
from actstore.query.limits import check_rows
from actstore.query.select import BATCH_BYTES
from actstore.schema import canonical_json, requests
from actstore.schema.query import Nearest, Query
from actstore.schema.requests import Request
from actstore.schema.spec import RunSpec
from actstore.schema.tokens import SEQUENCES, TOKENS, WORD_TOKENS
from actstore.session import Store
from actstore.session.reading import LocalReader, Step
from actstore.store.precision import read_dtype
from actstore.store.source import StoreSource

FOUND_RUN = pa.schema([("run_id", pa.string()), ("spec", pa.string())])
"""Answer to FindRun and Spec: one row, the spec as JSON."""
TOKENS_PER_BATCH = 1 << 20


class Answers:
    """Answers from one store; streams are made as they are read."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.source = StoreSource(store.objects.url)

    def of(self, request: Request) -> pa.RecordBatchReader:
        """The answer to a request. Raises what the store raises."""
        return self._of(request)

    @singledispatchmethod
    def _of(self, request: Any) -> pa.RecordBatchReader:
        raise RequestError(f"a request of class {type(request).__name__} is not known")

    @_of.register
    def _(self, request: Query) -> pa.RecordBatchReader:
        return self.store.ask(request)

    @_of.register
    def _(self, request: Nearest) -> pa.RecordBatchReader:
        return self.store.ask_nearest(request).to_reader()

    @_of.register
    def _(self, request: requests.Sql) -> pa.RecordBatchReader:
        return self.store.sql(request.statement).to_reader()

    @_of.register
    def _(self, request: requests.Table) -> pa.RecordBatchReader:
        table: pa.Table = getattr(self.store, request.name)
        return table.to_reader()

    @_of.register
    def _(self, request: requests.FindRun) -> pa.RecordBatchReader:
        run = self.store.run(
            request.checkpoint, request.corpus, run=request.run, allow_partial=request.allow_partial
        )
        return _found(run.spec)

    @_of.register
    def _(self, request: requests.Spec) -> pa.RecordBatchReader:
        return _found(self._open(request.run_id).spec)

    @_of.register
    def _(self, request: requests.Sequences) -> pa.RecordBatchReader:
        index = self._open(request.run_id, request.allow_partial).sequences
        columns = (index.example_S, index.window_S, index.first_row_S, index.n_tokens_S)
        schema = pa.schema([SEQUENCES.field(i) for i in range(len(columns))])
        arrays = [pa.array(values).cast(field.type) for values, field in zip(columns, schema, strict=True)]
        return pa.table(arrays, schema=schema).to_reader()

    @_of.register
    def _(self, request: requests.Tokens) -> pa.RecordBatchReader:
        schema = _schema(request.columns, TOKENS)
        first, end = request.rows or (0, self.source.n_rows(request.tokens_id))
        parts = (
            self.source.tokens(request.tokens_id, request.columns, (at, min(at + TOKENS_PER_BATCH, end)))
            for at in range(first, end, TOKENS_PER_BATCH)
        )
        batches = (batch for part in parts for batch in part.cast(schema).to_batches())
        return pa.RecordBatchReader.from_batches(schema, batches)

    @_of.register
    def _(self, request: requests.WordTokens) -> pa.RecordBatchReader:
        schema = _schema(request.columns, WORD_TOKENS)
        return self.source.word_tokens(request.tokens_id, request.columns).cast(schema).to_reader()

    @_of.register
    def _(self, request: requests.Rows) -> pa.RecordBatchReader:
        reader = self._open(request.run_id, request.allow_partial)
        check_rows(sum(end - first for first, end in request.ranges), self.store.limits)
        end_row = max((end for _, end in request.ranges), default=0)
        if end_row > reader.spec.n_rows:
            raise RequestError(f"rows up to {end_row} were asked for; the run has {reader.spec.n_rows}")
        parts = _parts(request.ranges, max(1, BATCH_BYTES // (4 * _width(reader, request.site))))
        steps = ((part, reader.gather(request.site, part, check=request.check)) for part in parts)
        return _activations(reader, request.site, steps)

    @_of.register
    def _(self, request: requests.Scan) -> pa.RecordBatchReader:
        reader = self._open(request.run_id, request.allow_partial)
        _width(reader, request.site)
        wrong = sorted(set(request.shards or ()) - set(range(reader.spec.n_shards)))
        if wrong:
            raise RequestError(f"shards {wrong} were asked for; the run has 0 to {reader.spec.n_shards - 1}")
        steps = reader.scan(request.site, rows_per_step=request.rows_per_step, shards=request.shards)
        return _activations(reader, request.site, steps)

    @_of.register
    def _(self, request: requests.Fidelity) -> pa.RecordBatchReader:
        return self._open(request.run_id).fidelity().to_reader()

    def _open(self, run_id: str, allow_partial: bool = False) -> LocalReader:
        return self.store.readers(run_id, allow_partial=allow_partial)


def _found(spec: RunSpec) -> pa.RecordBatchReader:
    row = {"run_id": spec.run_id, "spec": canonical_json(spec.to_dict())}
    return pa.Table.from_pylist([row], schema=FOUND_RUN).to_reader()


def _schema(columns: Sequence[str], of: pa.Schema) -> pa.Schema:
    unknown = sorted(set(columns) - set(of.names))
    if unknown or not columns:
        raise RequestError(f"columns {', '.join(unknown) or '(none)'}: allowed are {', '.join(of.names)}")
    return pa.schema([of.field(name) for name in columns])


def _width(reader: LocalReader, site: str) -> int:
    if site not in reader.spec.sites:
        raise NotFoundError(f"no site {site} in run {reader.run_id}; it has {', '.join(reader.spec.sites)}")
    return reader.spec.width(site)


def _parts(ranges: Iterable[requests.Range], step: int) -> Iterator[npt.NDArray[np.int64]]:
    """The rows of all ranges in their order, at most `step` at a time."""
    waiting: list[npt.NDArray[np.int64]] = []
    n_waiting = 0
    for first, end in ranges:
        for at in range(first, end, step):
            waiting.append(np.arange(at, min(at + step, end), dtype=np.int64))
            n_waiting += len(waiting[-1])
            while n_waiting >= step:
                rows = np.concatenate(waiting)
                yield rows[:step]
                waiting, n_waiting = [rows[step:]], n_waiting - step
    if n_waiting:
        yield np.concatenate(waiting)


def _activations(reader: LocalReader, site: str, steps: Iterable[Step]) -> pa.RecordBatchReader:
    """Columns row and activation."""
    item = pa.from_numpy_dtype(read_dtype(reader.spec.dtype))
    schema = pa.schema([("row", pa.int64()), ("activation", pa.list_(item, reader.spec.width(site)))])
    batches = (
        pa.RecordBatch.from_arrays(
            [
                pa.array(row_T),
                pa.FixedSizeListArray.from_arrays(pa.array(values_TD.reshape(-1)), values_TD.shape[1]),
            ],
            schema=schema,
        )
        for row_T, values_TD in steps
    )
    return pa.RecordBatchReader.from_batches(schema, batches)
