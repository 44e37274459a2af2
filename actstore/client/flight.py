"""FlightConnection: requests to a Flight service and their answers, errors as the classes they were."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyarrow import flight

from actstore import wire
from actstore.errors import AccessError, ActstoreError, ServiceError
from actstore.schema.requests import Request


class FlightConnection:
    """One Flight service. Picklable: it is opened where it is used."""

    def __init__(self, location: str, token: str | None) -> None:
        self.location, self._token = location, token
        self._client: flight.FlightClient | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"location": self.location, "token": self._token}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["location"], state["token"])  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"FlightConnection({self.location!r})"

    def stream(self, request: Request) -> pa.RecordBatchReader:
        """The answer, batch by batch. Raises what the service raised, ServiceError where it is not there."""
        try:
            answer = self._opened().do_get(flight.Ticket(wire.encode(request)), self._options())
            schema = answer.schema
        except (flight.FlightError, pa.ArrowException) as error:
            raise self._translated(error) from error
        return pa.RecordBatchReader.from_batches(schema, self._batches(answer))

    def table(self, request: Request) -> pa.Table:
        """The whole answer."""
        return self.stream(request).read_all()

    def close(self) -> None:
        """Close the connection; a later question opens another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _batches(self, answer: flight.FlightStreamReader) -> Iterator[pa.RecordBatch]:
        try:
            for chunk in answer:
                yield chunk.data
        except (flight.FlightError, pa.ArrowException) as error:
            raise self._translated(error) from error
        finally:
            answer.cancel()  # ends the work there if we leave before the end

    def _opened(self) -> flight.FlightClient:
        if self._client is None:
            self._client = flight.connect(self.location)
        return self._client

    def _options(self) -> flight.FlightCallOptions:
        headers = [] if self._token is None else [(b"authorization", f"Bearer {self._token}".encode())]
        return flight.FlightCallOptions(headers=headers)

    def _translated(self, error: Exception) -> ActstoreError:
        extra = getattr(error, "extra_info", b"")
        if extra:
            try:
                return wire.error_from_dict(json.loads(extra))
            except ValueError:
                pass
        if isinstance(error, flight.FlightUnauthenticatedError | flight.FlightUnauthorizedError):
            return AccessError(f"{self.location}: the service wants its token; set ACTSTORE_TOKEN")
        if isinstance(error, flight.FlightUnavailableError):
            return ServiceError(f"{self.location}: no service answers there ({_first_line(error)})")
        return ServiceError(f"{self.location}: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
