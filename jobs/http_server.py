"""HttpServer: uvicorn, ended by SIGINT or SIGTERM as by any other end, so that what it serves is closed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

ENDING = (signal.SIGINT, signal.SIGTERM)


class HttpServer(uvicorn.Server):
    """A signal asks the server to end; it is not raised again once the server has ended."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in ENDING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
