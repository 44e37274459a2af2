"""Flight: the engine behind Arrow Flight. A ticket is a request as JSON (actstore.wire)."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from pyarrow import flight

from actstore import wire
from actstore.errors import AccessError, ActstoreError, BusyError, RequestError
from actstore.schema.query import Query
from actstore.schema.requests import Table
from actstore.serve.auth import check_authorization
from actstore.serve.engine import Engine


class FlightDoor(flight.FlightServerBase):  # type: ignore[misc]
    """Serves an engine on `grpc://host:port`; port 0 takes a free one, `.port` says which."""

    def __init__(self, engine: Engine, host: str, port: int, token: str | None) -> None:
        middleware = {} if token is None else {"auth": _AuthFactory(token)}
        super().__init__(f"grpc://{host}:{port}", middleware=middleware)
        self.engine = engine

    def do_get(self, context: Any, ticket: flight.Ticket) -> flight.GeneratorStream:
        """The answer to a ticket."""
        with translated(self.engine):
            answer = self.engine.answer(wire.decode(ticket.ticket))
        return flight.GeneratorStream(answer.schema, _steps(self.engine, answer))

    def list_flights(self, context: Any, criteria: bytes) -> Iterator[flight.FlightInfo]:
        """One flight a complete run and corpus: a query of all its layers."""
        with translated(self.engine):
            runs = self.engine.answer(Table(name="runs")).read_all().to_pylist()
        for row in runs:
            if row["complete"]:
                query = Query(checkpoints=(row["checkpoint"],), corpus=row["corpus"], runs=(row["run_id"],))
                yield _info(
                    pa.schema([]), flight.FlightDescriptor.for_command(wire.encode(query)), row["bytes"]
                )

    def get_flight_info(self, context: Any, descriptor: flight.FlightDescriptor) -> flight.FlightInfo:
        """The schema of an answer and the ticket that gets it; the command is a ticket."""
        with translated(self.engine):
            if descriptor.command is None:
                raise RequestError("give a descriptor with a command: a request as JSON, as in a ticket")
            schema = self.engine.answer(wire.decode(descriptor.command)).schema
        return _info(schema, descriptor, -1)


def _info(schema: pa.Schema, descriptor: flight.FlightDescriptor, n_bytes: int) -> flight.FlightInfo:
    endpoint = flight.FlightEndpoint(flight.Ticket(descriptor.command), [])
    return flight.FlightInfo(schema, descriptor, [endpoint], -1, n_bytes)


def _steps(engine: Engine, answer: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    with translated(engine):
        yield from answer


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Our errors as Flight's, with class and message beside; others stay as they are."""
    try:
        yield
    except ActstoreError as error:
        told = engine.told(error)
        kind = flight.FlightUnavailableError if isinstance(error, BusyError) else flight.FlightServerError
        raise kind(told["message"], json.dumps(told).encode()) from error


class _AuthFactory(flight.ServerMiddlewareFactory):  # type: ignore[misc]
    def __init__(self, token: str) -> None:
        self._token = token

    def start_call(self, info: Any, headers: Mapping[str, list[str]]) -> None:
        given = [
            value for name, values in headers.items() if name.lower() == "authorization" for value in values
        ]
        try:
            check_authorization(given[0] if given else None, self._token)
        except AccessError as error:
            extra = json.dumps(wire.error_to_dict(error)).encode()
            raise flight.FlightUnauthenticatedError(str(error), extra) from error
