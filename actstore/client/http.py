"""HttpConnection: requests to a service over HTTP, answered as Arrow streams."""

import io
from collections.abc import Iterator
from typing import Any

import httpx
import pyarrow as pa

from actstore import wire
from actstore.errors import ActstoreError, ServiceError
from actstore.schema.requests import Request

ARROW = "application/vnd.apache.arrow.stream"
SECONDS = httpx.Timeout(10, read=300)
"""To connect and to send; a slow question may take longer to answer."""


class HttpConnection:
    """One HTTP service. Picklable: it is opened where it is used."""

    def __init__(self, location: str, token: str | None) -> None:
        self.location, self._token = location, token
        self._client: httpx.Client | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"location": self.location, "token": self._token}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["location"], state["token"])  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"HttpConnection({self.location!r})"

    def stream(self, request: Request) -> pa.RecordBatchReader:
        """The answer, batch by batch. Raises what the service raised, ServiceError where it is not there."""
        headers = {"accept": ARROW, "content-type": "application/json"}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        asked = self._opened().build_request("POST", "/v1/ask", content=wire.encode(request), headers=headers)
        try:
            response = self._opened().send(asked, stream=True)
            if response.status_code != httpx.codes.OK:
                response.read()
                raise self._told(response)
            body = pa.ipc.open_stream(pa.PythonFile(io.BufferedReader(_Body(response)), "r"))
        except httpx.HTTPError as error:
            raise ServiceError(f"{self.location}: no service answers there ({error})") from error
        return pa.RecordBatchReader.from_batches(body.schema, self._batches(response, body))

    def table(self, request: Request) -> pa.Table:
        """The whole answer."""
        return self.stream(request).read_all()

    def close(self) -> None:
        """Close the connection; a later question opens another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def __del__(self) -> None:
        self.close()

    def _batches(self, response: httpx.Response, body: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        try:
            yield from body
        except (httpx.HTTPError, pa.ArrowException, OSError) as error:
            raise ServiceError(f"{self.location}: the answer broke off ({error}); ask again") from error
        finally:
            response.close()

    def _opened(self) -> httpx.Client:
        if self._client is None:
            self._client = httpx.Client(base_url=self.location, timeout=SECONDS)
        return self._client

    def _told(self, response: httpx.Response) -> ActstoreError:
        try:
            told = response.json()
        except ValueError:
            told = None
        if isinstance(told, dict) and "error" in told:
            return wire.error_from_dict(told)
        return ServiceError(f"{self.location}: HTTP status {response.status_code}; is actstore served there?")


class _Body(io.RawIOBase):
    """A response's bytes as a file."""

    def __init__(self, response: httpx.Response) -> None:
        self._pieces = response.iter_raw()
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        n = min(len(into), len(self._rest))
        into[:n], self._rest = self._rest[:n], self._rest[n:]
        return n
