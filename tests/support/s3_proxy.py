"""A proxy before an S3 server that counts requests, makes them late, and makes them fail as asked."""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

PIECE_BYTES = 1 << 18
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Fault:
    """What happens to one request."""

    status: int | None = None
    """Answered with this status instead of being passed on (503: throttled)."""
    lose_answer: bool = False
    """Passed on, then the connection is closed: the server did it, the client does not know."""
    cut_after_bytes: int | None = None
    """Of the answer's body, then the connection is closed."""
    pause_seconds: float = 0.0
    """In the middle of the answer's body."""


@dataclass(frozen=True)
class Request:
    """One request as it went by."""

    method: str
    path: str
    range: str | None
    begun: float
    ended: float
    status: int
    n_bytes: int

    @property
    def is_list(self) -> bool:
        return self.method == "GET" and "list-type=2" in self.path


Rule = Callable[[str, str, int], Fault | None]
"""(method, path, how many requests were before) -> what happens to it."""


@dataclass
class Proxy:
    """What the proxy saw, and what it does. Change `rule` and `latency_seconds` at any time."""

    endpoint: str
    upstream: tuple[str, int]
    rule: Rule | None = None
    latency_seconds: float = 0.0
    requests: list[Request] = field(default_factory=list)
    faults: int = 0
    is_down: bool = False
    _seen: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def strike(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self._seen += 1
            fault = self.rule(method, path, self._seen - 1) if self.rule is not None else None
            self.faults += fault is not None
            return fault

    def note(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def count(self, *methods: str) -> int:
        return sum(request.method in methods for request in self.requests)

    def down_for(self, seconds: float) -> threading.Timer:
        """Every connection is refused for a while, those that are open are closed at their next request."""
        self.is_down = True
        timer = threading.Timer(seconds, self._up)
        timer.daemon = True
        timer.start()
        return timer

    def _up(self) -> None:
        self.is_down = False


@contextmanager
def s3_proxy(endpoint: str) -> Iterator[Proxy]:
    """Start a proxy before `endpoint` on a free port of loopback."""
    parts = urlsplit(endpoint)
    assert parts.hostname is not None
    assert parts.port is not None
    server = _Server(("127.0.0.1", 0), _Handler)
    server.proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}", (parts.hostname, parts.port))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    proxy: Proxy

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return not self.proxy.is_down

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are the point of this."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._upstream = http.client.HTTPConnection(*self.server.proxy.upstream, timeout=120)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def do_GET(self) -> None:
        proxy, begun = self.server.proxy, time.monotonic()
        if proxy.is_down:
            return self._hang_up()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = proxy.strike(self.command, self.path)
        time.sleep(proxy.latency_seconds)
        if fault is not None and fault.status is not None:
            return self._refuse(fault.status, begun)
        self._upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP_BY_HOP:
                self._upstream.putheader(name, value)
        self._upstream.endheaders(body or None)
        answer = self._upstream.getresponse()
        if fault is not None and fault.lose_answer:
            answer.read()
            return self._hang_up()
        return self._pass_back(answer, fault, begun)

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def _pass_back(self, answer: http.client.HTTPResponse, fault: Fault | None, begun: float) -> None:
        data = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in {*HOP_BY_HOP, "content-length"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        if answer.status != 204:
            self.send_header("Content-Length", length or "0")
        self.end_headers()
        if fault is not None:
            if fault.cut_after_bytes is not None:
                self.wfile.write(data[: fault.cut_after_bytes])
                return self._hang_up()
            half = len(data) // 2
            self.wfile.write(data[:half])
            time.sleep(fault.pause_seconds)
            data = data[half:]
        for first in range(0, len(data), PIECE_BYTES):
            self.wfile.write(data[first : first + PIECE_BYTES])
        self._note(begun, answer.status, len(data))
        return None

    def _refuse(self, status: int, begun: float) -> None:
        body = b"" if self.command == "HEAD" else b"<Error><Code>SlowDown</Code></Error>"
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self._note(begun, status, 0)

    def _note(self, begun: float, status: int, n_bytes: int) -> None:
        self.server.proxy.note(
            Request(
                self.command, self.path, self.headers.get("Range"), begun, time.monotonic(), status, n_bytes
            )
        )

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
