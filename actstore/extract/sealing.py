"""Sealing: complete runs sealed beside the work that goes on, one after the other. Knows no executor."""

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from actstore.schema.receipts import Manifest
from actstore.schema.spec import RunSpec
from actstore.store.objects import Objects
from actstore.store.runs import seal


class Sealing:
    """Seals in a thread: the receipts of a large run take minutes to read, in which others can compute.

    Used as a context. Left by an exception, what has not begun is not sealed: whoever comes next does it.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="seal")
        self._begun: list[Future[Manifest]] = []

    def begin(self, spec: RunSpec) -> None:
        """Seal a run that is whole. Raises what an earlier sealing ended with."""
        self.check()
        self._begun.append(self._pool.submit(seal, self._objects, spec))

    def check(self) -> None:
        """Raise what a sealing ended with; forget those that are done."""
        done = [future for future in self._begun if future.done()]
        self._begun = [future for future in self._begun if not future.done()]
        for future in done:
            future.result()

    def wait(self) -> None:
        """Until all is sealed. Raises as `check`."""
        begun, self._begun = self._begun, []
        for future in begun:
            future.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
