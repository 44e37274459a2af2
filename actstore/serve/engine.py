"""Engine: a request becomes a stream of Arrow batches, within limits and counted. Knows no door."""

import time

import pyarrow as pa

from actstore import wire
from actstore.errors import ActstoreError, RequestError
from actstore.query.limits import Limits
from actstore.schema.requests import Request
from actstore.serve.answers import Answers
from actstore.serve.gate import Gate
from actstore.serve.metrics import Metrics
from actstore.serve.readers import CachedReaders
from actstore.session import Store
from actstore.store.objects import Objects

SERVICE_LIMITS = Limits(memory_bytes=1 << 30, seconds=60, rows=50_000_000, rows_in_memory=1 << 16)


class Engine:
    """Answers requests from one store. Holds caches of opened files, and no state beside."""

    def __init__(self, objects: Objects, limits: Limits, gate: Gate) -> None:
        self.gate = gate
        self.store = Store(objects, limits, CachedReaders(objects))
        self.answers = Answers(self.store)
        self.metrics = Metrics()

    def told(self, error: ActstoreError) -> dict[str, str]:
        """An error for whoever asked: without the place of the store, which is the server's business."""
        told = wire.error_to_dict(error)
        return {**told, "message": told["message"].replace(self.store.objects.url, "the store")}

    def answer(self, request: Request) -> pa.RecordBatchReader:
        """The answer; it holds a place until it is read to its end or let go.

        Raises RequestError, WorkError; BusyError while too much is going on.
        """
        steps = _Steps(self, wire.kind_of(request))
        try:
            self.gate.take_answer()
            steps.holds_place = True
            with self.gate.work():
                steps.reader = self.answers.of(request)
        except BaseException as error:
            steps.end(_outcome(error))
            raise
        return pa.RecordBatchReader.from_batches(steps.reader.schema, steps)


class _Steps:
    """The batches of one answer: each is made inside the gate and waits for the client outside of it."""

    def __init__(self, engine: Engine, kind: str) -> None:
        self.engine, self.kind, self.begin = engine, kind, time.monotonic()
        self.reader = pa.RecordBatchReader.from_batches(pa.schema([]), [])
        self.holds_place = False
        self.n_rows = 0
        self.ended = False
        engine.metrics.open_answers.inc()

    def __iter__(self) -> "_Steps":
        return self

    def __next__(self) -> pa.RecordBatch:
        try:
            with self.engine.gate.work():
                batch = next(self.reader)
        except BaseException as error:
            self.end(_outcome(error))
            raise
        self.n_rows += batch.num_rows
        return batch

    def __del__(self) -> None:
        """Whoever asked went away, before the first batch or in the middle."""
        self.end("left")

    def end(self, outcome: str) -> None:
        """Give the place back, once."""
        if self.ended:
            return
        self.ended = True
        if self.holds_place:
            self.engine.gate.give_back_answer()
        self.engine.metrics.open_answers.dec()
        self.engine.metrics.ended(self.kind, outcome, time.monotonic() - self.begin, self.n_rows)


def _outcome(error: BaseException) -> str:
    if isinstance(error, StopIteration):
        return "answered"
    return "refused" if isinstance(error, RequestError) else "failed"
