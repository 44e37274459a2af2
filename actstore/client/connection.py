"""Connection: what the client asks a service through. Implementations: Flight and HTTP."""

from typing import Protocol

import pyarrow as pa

from actstore.schema.requests import Request


class Connection(Protocol):
    """One service. Picklable: it is opened where it is used."""

    location: str

    def stream(self, request: Request) -> pa.RecordBatchReader:
        """The answer, batch by batch. Raises what the service raised, ServiceError where it is not there."""
        ...

    def close(self) -> None:
        """Close the connection; a later question opens another."""
        ...

    def table(self, request: Request) -> pa.Table:
        """The whole answer."""
        ...
