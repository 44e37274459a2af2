"""ModelClock: the lock around a worker's model, and how long the model stood still for the disk."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class ModelClock:
    """Shards in hand take turns at the model; while one computes, another is read or written.

    The model waits for the disk where it is free, and the shard that comes next could not be begun before an
    earlier one was written: that is the disk as the limit.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._released_seconds: float | None = None
        self._written_seconds = 0.0

    @contextmanager
    def hold(self) -> Iterator[float]:
        """Have the model; gives the seconds for which it stood still because a shard was being written."""
        with self._lock:
            waited = 0.0
            if self._released_seconds is not None:
                waited = max(0.0, self._written_seconds - self._released_seconds)
            try:
                yield waited
            finally:
                self._released_seconds = time.monotonic()

    def written(self) -> None:
        """A shard is durable."""
        self._written_seconds = time.monotonic()
