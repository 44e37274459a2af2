"""A small store behind real doors on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager

from actstore.query.limits import Limits
from actstore.serve.engine import SERVICE_LIMITS, Engine
from actstore.serve.flight import FlightDoor
from actstore.serve.gate import Gate
from actstore.store.objects import Objects

TOKEN = "a-token-of-some-length"


def engine(objects: Objects, limits: Limits = SERVICE_LIMITS, open_answers: int = 32) -> Engine:
    """An engine that does not wait long."""
    return Engine(objects, limits, Gate(working=4, open_answers=open_answers, wait_seconds=0.5))


@contextmanager
def flight_address(served: Engine, token: str | None = TOKEN) -> Iterator[str]:
    """A Flight service on a free port."""
    with FlightDoor(served, "127.0.0.1", 0, token) as door:
        yield f"grpc://127.0.0.1:{door.port}"
