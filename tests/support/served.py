"""A small store behind real doors on loopback."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from actstore.query.limits import Limits
from actstore.serve.engine import SERVICE_LIMITS, Engine
from actstore.serve.flight import FlightDoor
from actstore.serve.gate import Gate
from actstore.serve.http.app import create_app
from actstore.serve.jobs import JobRunner
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


@contextmanager
def http_address(served: Engine, token: str | None = TOKEN, runner: JobRunner | None = None) -> Iterator[str]:
    """An HTTP service under uvicorn on a free port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(served, token, runner=runner), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
