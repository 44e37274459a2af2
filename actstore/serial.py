"""The executor of one process: the same units without Ray, one group after the other."""

import os
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from itertools import islice
from typing import Any, Self

from actstore.plan.outcomes import attempt
from actstore.schema.ports import Failure, Outcome, Resources, Task, Unit, Work


class SerialExecutor:
    """Opens one group after the other; `resources.overlap` threads do its units. The twin of RayExecutor."""

    n_workers = 1

    def map(self, work: Work, units: Sequence[Unit], resources: Resources) -> Iterator[Outcome]:
        """Yield one outcome a unit, in the order they end within a group.

        A group that fails to open fails its own units only. With overlap = 1 units run in the calling thread,
        so that an interrupt stops the unit itself; else it stops after the units in hand.
        Raises ValueError where two units have one key.
        """
        groups = list(_by_group(units).items())
        worker = f"{socket.gethostname()}:{os.getpid()}"
        with _Opener(work, ahead=resources.ahead) as opener:
            for number, (group, members) in enumerate(groups):
                following = groups[number + 1][0] if number + 1 < len(groups) else None
                results = _results(opener.take(group), members, resources.overlap)
                n_left = len(members)
                opener.begin(following, n_left <= resources.overlap)
                for unit, result in results:
                    n_left -= 1
                    opener.begin(following, n_left <= resources.overlap)
                    if isinstance(result, Failure):
                        yield Outcome(unit=unit, failure=result, worker=worker)
                    else:
                        yield Outcome(unit=unit, result=result, worker=worker)


class _Opener:
    """Opens groups, with `ahead` the next one in a thread while the last units of the one before are done."""

    def __init__(self, work: Work, *, ahead: bool) -> None:
        self._work, self._ahead = work, ahead
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="open")
        self._begun: Future[Task | Failure] | None = None

    def begin(self, group: str | None, near: bool) -> None:
        """Open the next group now, where it is near and not begun."""
        if self._ahead and near and group is not None and self._begun is None:
            self._begun = self._pool.submit(attempt, partial(self._work.open, group))

    def take(self, group: str) -> Task | Failure:
        """What was begun for the group, else opened now."""
        begun, self._begun = self._begun, None
        return attempt(partial(self._work.open, group)) if begun is None else begun.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._begun is not None and not isinstance(task := self._begun.result(), Failure):
            task.close()
        self._pool.shutdown()


def _by_group(units: Sequence[Unit]) -> dict[str, list[Unit]]:
    if len({unit.key for unit in units}) != len(units):
        raise ValueError(f"{len(units)} units, and some share a key: name each unit once")
    groups: dict[str, list[Unit]] = {}
    for unit in units:
        groups.setdefault(unit.group, []).append(unit)
    return groups


def _results(
    task: Task | Failure, units: Sequence[Unit], n_threads: int
) -> Iterator[tuple[Unit, Any | Failure]]:
    if isinstance(task, Failure):
        yield from ((unit, task) for unit in units)
        return
    try:
        if n_threads == 1:
            yield from ((unit, attempt(partial(task.do, unit))) for unit in units)
        else:
            yield from _in_threads(task, units, n_threads)
    finally:
        task.close()


def _in_threads(task: Task, units: Sequence[Unit], n_threads: int) -> Iterator[tuple[Unit, Any | Failure]]:
    todo = iter(units)
    running: dict[Future[Any], Unit] = {}
    with ThreadPoolExecutor(n_threads, thread_name_prefix="unit") as pool:

        def fill() -> None:
            for unit in islice(todo, n_threads - len(running)):
                running[pool.submit(attempt, partial(task.do, unit))] = unit

        fill()
        while running:
            ended = [
                (running.pop(future), future) for future in wait(running, return_when=FIRST_COMPLETED).done
            ]
            # Before the outcomes go out, so that threads never wait for whoever reads them.
            fill()
            yield from ((unit, future.result()) for unit, future in ended)
