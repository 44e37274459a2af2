"""A table of faults and objects that suffer them: a decorator around real objects, nothing is patched.

A fault strikes at the nth call of an operation whose key fits: before, during (half the bytes written) or
after it. Its effect is any callable: `kill`, `fail(errno)`, `delay(seconds)` or a test's own.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from actstore.errors import NotFoundError
from actstore.store.folder import FolderObjects
from actstore.store.objects import Buffer, ObjectInfo, Objects
from actstore.store.root import check_format

Effect = Callable[[], None]


def kill() -> None:
    """End this process as a power cut does: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail(number: int) -> Effect:
    """Raise OSError with an errno."""
    return partial(_raise, number)


def delay(seconds: float) -> Effect:
    """Make the operation late."""
    return partial(time.sleep, seconds)


def _raise(number: int) -> None:
    raise OSError(number, os.strerror(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row of the table."""

    operation: str
    """create, create_from_file, read, read_range, read_into, size, children, walk, delete or sync (fsync)."""
    effect: Effect
    key: str = "*"
    """Pattern of the keys it fits; for sync: of the path below the root ('.' is the root)."""
    nth: int | None = 1
    """Which of the calls that fit, from 1; None: each."""
    moment: str = "before"


class FaultTable:
    """Counts calls and says which faults are due; remembers every call."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults)
        self.calls: list[tuple[str, str]] = []
        self._counts = [0] * len(self.faults)
        self._lock = Lock()

    def due(self, operation: str, key: str) -> dict[str, list[Effect]]:
        """Effects of one call by moment."""
        effects: dict[str, list[Effect]] = {"before": [], "during": [], "after": []}
        with self._lock:
            self.calls.append((operation, key))
            for number, fault in enumerate(self.faults):
                if fault.operation == operation and fnmatchcase(key, fault.key):
                    self._counts[number] += 1
                    if fault.nth in (None, self._counts[number]):
                        effects[fault.moment].append(fault.effect)
        return effects


def strike(effects: Sequence[Effect]) -> None:
    for effect in effects:
        effect()


class InterruptedParts(Sequence[Buffer]):
    """Parts of an object of which half is given out, then the effects come, then the rest."""

    def __init__(self, parts: Sequence[Buffer], effects: Sequence[Effect]) -> None:
        self._data, self._effects = b"".join(parts), effects

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return list(self)[index]

    def __iter__(self) -> Iterator[Buffer]:
        half = len(self._data) // 2
        yield self._data[:half]
        strike(self._effects)
        yield self._data[half:]


class FaultyObjects:
    """Real objects that suffer a table's faults."""

    def __init__(self, inner: Objects, table: FaultTable) -> None:
        self.inner, self.table = inner, table

    @property
    def url(self) -> str:
        return self.inner.url

    def create(self, key: str, parts: Sequence[Buffer]) -> bool:
        due = self.table.due("create", key)
        given = InterruptedParts(parts, due["during"]) if due["during"] else parts
        return self._do(due, lambda: self.inner.create(key, given))

    def create_from_file(self, key: str, path: Path) -> bool:
        return self._do(
            self.table.due("create_from_file", key), lambda: self.inner.create_from_file(key, path)
        )

    def staging(self) -> Path:
        return self.inner.staging()

    def read(self, key: str) -> bytes:
        return self._do(self.table.due("read", key), lambda: self.inner.read(key))

    def read_range(self, key: str, start: int, length: int) -> bytes:
        return self._do(self.table.due("read_range", key), lambda: self.inner.read_range(key, start, length))

    def read_into(self, key: str, start: int, buffers: Sequence[memoryview]) -> int:
        return self._do(self.table.due("read_into", key), lambda: self.inner.read_into(key, start, buffers))

    def size(self, key: str) -> int | None:
        return self._do(self.table.due("size", key), lambda: self.inner.size(key))

    def children(self, prefix: str) -> list[str]:
        return self._do(self.table.due("children", prefix), lambda: self.inner.children(prefix))

    def walk(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._do(self.table.due("walk", prefix), lambda: self.inner.walk(prefix))

    def delete(self, key: str) -> None:
        self._do(self.table.due("delete", key), lambda: self.inner.delete(key))

    def local_path(self, key: str) -> Path | None:
        return self.inner.local_path(key)

    def _do(self, due: dict[str, list[Effect]], call: Callable[[], Any]) -> Any:
        strike(due["before"])
        result = call()
        strike(due["after"])
        return result


def open_faulty(table: FaultTable, url: str) -> FaultyObjects:
    """A folder's objects whose calls and fsyncs suffer the table's faults."""
    root = Path(url)

    def fsync(handle: int) -> None:
        path = os.readlink(f"/proc/self/fd/{handle}")
        due = table.due("sync", os.path.relpath(path, root))
        strike(due["before"])
        os.fsync(handle)
        strike(due["after"])

    objects = FaultyObjects(FolderObjects(root, fsync=fsync), table)
    if not check_format(objects.inner):
        raise NotFoundError(f"no store at {url!r}")
    return objects
