"""Engine: a request becomes a stream of Arrow batches, within limits. Knows no door."""

from collections.abc import Iterator
from contextlib import ExitStack

import pyarrow as pa

from actstore import wire
from actstore.errors import ActstoreError
from actstore.query.limits import Limits
from actstore.schema.requests import Request
from actstore.serve.answers import Answers
from actstore.serve.gate import Gate
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

    def told(self, error: ActstoreError) -> dict[str, str]:
        """An error for whoever asked: without the place of the store, which is the server's business."""
        told = wire.error_to_dict(error)
        return {**told, "message": told["message"].replace(self.store.objects.url, "the store")}

    def answer(self, request: Request) -> pa.RecordBatchReader:
        """The answer; it holds a place until it is read to its end or let go.

        Raises RequestError, WorkError; BusyError while too much is going on.
        """
        with ExitStack() as stack:
            stack.enter_context(self.gate.answer())
            with self.gate.work():
                reader = self.answers.of(request)
            held = stack.pop_all()
        return pa.RecordBatchReader.from_batches(reader.schema, self._steps(reader, held))

    def _steps(self, reader: pa.RecordBatchReader, held: ExitStack) -> Iterator[pa.RecordBatch]:
        """Each batch is made inside the gate, and waits for the client outside of it."""
        with held:
            while True:
                with self.gate.work():
                    batch = next(reader, None)
                if batch is None:
                    return
                yield batch
