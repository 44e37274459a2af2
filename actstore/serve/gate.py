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
        self._take(self._working, "questions at once")
        try:
            yield
        finally:
            self._working.release()

    def take_answer(self) -> None:
        """Held while an answer streams, until it is given back. Raises BusyError where too many are open."""
        self._take(self._answers, "open answers")

    def give_back_answer(self) -> None:
        """The place of one answer."""
        self._answers.release()

    def _take(self, places: threading.BoundedSemaphore, what: str) -> None:
        if not places.acquire(timeout=self.wait_seconds):
            raise BusyError(f"the service has as many {what} as it takes; ask again in a few seconds")
