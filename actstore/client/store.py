"""RemoteStore: a served store, as `actstore.open("grpc://host:port")` returns it."""

import json

import pyarrow as pa

from actstore.client.connection import Connection
from actstore.client.reader import RemoteReader
from actstore.client.source import FlightSource
from actstore.schema import requests
from actstore.schema.query import Nearest, Query
from actstore.schema.spec import RunSpec
from actstore.session.questions import Questions
from actstore.session.run import Run


class RemoteStore(Questions):
    """An open store behind a service: asked as a Store is, with the same answers and errors."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __repr__(self) -> str:
        return f"RemoteStore({self.connection.location!r})"

    def close(self) -> None:
        """Close the connection; a later question opens another."""
        self.connection.close()

    @property
    def checkpoints(self) -> pa.Table:
        """The table `checkpoints`."""
        return self.connection.table(requests.Table(name="checkpoints"))

    @property
    def corpora(self) -> pa.Table:
        """The table `corpora`."""
        return self.connection.table(requests.Table(name="corpora"))

    @property
    def runs(self) -> pa.Table:
        """The table `runs`."""
        return self.connection.table(requests.Table(name="runs"))

    def run(
        self, checkpoint: str, corpus: str, *, run: str | None = None, allow_partial: bool = False
    ) -> Run:
        """As Store.run."""
        asked = requests.FindRun(checkpoint=checkpoint, corpus=corpus, run=run, allow_partial=allow_partial)
        found = self.connection.table(asked).to_pylist()[0]
        spec = RunSpec.from_dict(json.loads(found["spec"]))
        reader = RemoteReader(FlightSource(self.connection), spec, allow_partial=allow_partial)
        return Run(reader, checkpoint, corpus)

    def ask(self, query: Query) -> pa.RecordBatchReader:
        """As `query`, for a Query."""
        return self.connection.stream(query)

    def ask_nearest(self, asked: Nearest) -> pa.Table:
        """As `nearest`, for a Nearest."""
        return self.connection.table(asked)

    def sql(self, statement: str) -> pa.Table:
        """The answer to a SELECT over the store's tables, within the service's limits."""
        return self.connection.table(requests.Sql(statement=statement))
