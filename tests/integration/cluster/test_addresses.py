"""Addresses where no Ray is: refused fast and in words. Starts no Ray."""

import http.server
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from actstore.cluster.connect import connect, refusal
from actstore.errors import ClusterError


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def web_port() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        server.RequestHandlerClass.log_message = lambda *args: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def refused(address: str, message: str) -> float:
    begin = time.monotonic()
    with pytest.raises(ClusterError, match=message):
        connect(address, None)
    return time.monotonic() - begin


@pytest.mark.ray
def test_nothing_there(free_port: int) -> None:
    assert refused(f"127.0.0.1:{free_port}", "nothing answers at 127.0.0.1.*ray start --head") < 15


@pytest.mark.ray
def test_something_else_there(web_port: int) -> None:
    assert refused(f"127.0.0.1:{web_port}", "is no Ray head.*8265 is the dashboard") < 15


@pytest.mark.ray
def test_something_silent_there(silent_port: int) -> None:
    assert refused(f"127.0.0.1:{silent_port}", "nothing answers") < 15


@pytest.mark.ray
def test_no_address_at_all() -> None:
    refused("my-cluster", "allowed are host:port")


@pytest.mark.ray
def test_an_address_of_a_job_counts_unless_another_is_given(
    free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{free_port}")
    with pytest.raises(ClusterError, match=str(free_port)):
        connect(None, None)


def test_a_cluster_that_asks_for_a_token_is_told_from_one_that_is_not_there() -> None:
    # As Ray 2.60 fails: the reason is only in the cause.
    error = ConnectionError("Failed to connect to Ray cluster at h:1")
    assert "no Ray cluster at h:1" in refusal("h:1", error)
    error.__cause__ = RuntimeError("Unauthenticated: InvalidAuthToken: Authentication token is missing")
    assert "RAY_AUTH_MODE=token" in refusal("h:1", error)
