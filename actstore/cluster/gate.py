"""The inside of a worker: one group open at a time, whatever order units arrive in. Knows no Ray."""

from dataclasses import dataclass
from functools import partial
from threading import Condition
from typing import Any

from actstore.plan.outcomes import attempt
from actstore.schema.ports import Failure, Task, Unit, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a worker sends back: small."""

    result: Any = None
    failure: Failure | None = None
    opened: bool = True
    """False where the unit failed because its group could not be opened."""


class Gate:
    """Opens, does and closes for the threads of one worker.

    A unit of another group waits until the units in hand are done; then the old task is closed and the new
    one opened, so that never two groups are in memory. At most `slots` units are in hand, also when the
    driver has given up on some of them and sends more.
    """

    def __init__(self, work: Work, slots: int) -> None:
        self._work = work
        self._slots = slots
        self._changed = Condition()
        self._group: str | None = None
        self._task: Task | Failure | None = None
        self._n_in_hand = 0

    def do(self, unit: Unit) -> Done:
        """Do one unit. What it raises comes back as a failure."""
        task = self._enter(unit.group)
        if isinstance(task, Failure):
            return Done(failure=task, opened=False)
        try:
            result = attempt(partial(task.do, unit))
        finally:
            self._leave()
        return Done(failure=result) if isinstance(result, Failure) else Done(result=result)

    def close(self) -> None:
        """Wait for the units in hand, then close what is open."""
        with self._changed:
            self._changed.wait_for(lambda: self._n_in_hand == 0)
            self._close_task()

    def _enter(self, group: str) -> Task | Failure:
        with self._changed:
            self._changed.wait_for(lambda: self._admits(group))
            if self._task is None or self._group != group:
                self._close_task()
                self._group = group
                # A failure is kept like a task: the next unit of the group need not try again.
                self._task = attempt(partial(self._work.open, group))
            if not isinstance(self._task, Failure):
                self._n_in_hand += 1
            return self._task

    def _admits(self, group: str) -> bool:
        return self._n_in_hand == 0 or (self._group == group and self._n_in_hand < self._slots)

    def _leave(self) -> None:
        with self._changed:
            self._n_in_hand -= 1
            self._changed.notify_all()

    def _close_task(self) -> None:
        task, self._task = self._task, None
        if task is not None and not isinstance(task, Failure):
            task.close()
