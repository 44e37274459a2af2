"""Gate: how many questions are worked on at once, and how many answers are open."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from actstore.errors import BusyError


class Gate:
    """At most `working` pieces of work at once, whoever comes later waits; at most `open_answers` streams."""

    def __init__(self, *, working: int, open_answers: int, wait_seconds: float) -> None:
        self.wait_seconds = wait_seconds
        self._working = threading.BoundedSemaphore(working)
        self._answers = threading.BoundedSemaphore(open_answers)

    @contextmanager
    def work(self) -> Iterator[None]:
        """Raises BusyError where no place came free in time."""
        with _held(self._working, self.wait_seconds, "questions at once"):
            yield

    @contextmanager
    def answer(self) -> Iterator[None]:
        """Held while an answer streams. Raises BusyError where too many do."""
        with _held(self._answers, self.wait_seconds, "open answers"):
            yield


@contextmanager
def _held(places: threading.BoundedSemaphore, wait_seconds: float, what: str) -> Iterator[None]:
    if not places.acquire(timeout=wait_seconds):
        raise BusyError(f"the service has as many {what} as it takes; ask again in a few seconds")
    try:
        yield
    finally:
        places.release()
