"""The inside of a worker: one group at work at a time, whatever order units arrive in. Knows no Ray."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from threading import Condition
from typing import Any, Self

from actstore.plan.outcomes import attempt
from actstore.schema.ports import Failure, Task, Unit, Work

CLOSED = Failure(kind="ClosedError", message="the worker was told to stop before it began this unit")
"""What comes back for a unit that was not begun; nobody waits for it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a worker sends back: small."""

    result: Any = None
    failure: Failure | None = None
    opened: bool = True
    """False where the unit failed because its group could not be opened."""


@dataclass(frozen=True, slots=True)
class _Opening:
    """A group that is being opened, or was."""

    group: str
    task: Future[Task | Failure] = field(default_factory=Future)

    def by(self, work: Work) -> Self:
        """Itself, once it was opened or failed to."""
        self.task.set_result(attempt(partial(work.open, self.group)))
        return self

    def close(self) -> None:
        """Give back what was opened; waits where it still is being opened."""
        task = self.task.result()
        if not isinstance(task, Failure):
            task.close()


class Gate:
    """Opens, does and closes for the threads of one worker.

    A unit of another group waits until the units in hand are done. Without `ahead` its group is opened only
    then, after the old one was closed, so that never two groups are in memory; with `ahead` it is opened
    meanwhile, so that never three are. At most `slots` units are in hand, also when the driver has given up
    on some of them and sends more.
    """

    def __init__(self, work: Work, slots: int, *, ahead: bool = False) -> None:
        self._work = work
        self._slots = slots
        self._ahead = ahead
        self._changed = Condition()
        self._now: _Opening | None = None
        self._next: _Opening | None = None
        self._n_in_hand = 0
        self._is_closed = False

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
        """Wait for the units in hand, then close what is open. Units that wait to be let in never are."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._n_in_hand == 0 and not self._is_opening())
            self._close_all_but("")

    def _enter(self, group: str) -> Task | Failure:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._is_closed or self._admits(group) or self._may_open_ahead(group)
                )
                if self._is_closed:
                    return CLOSED
                if self._admits(group):
                    return self._admit(group)
                self._next = opening = _Opening(group)
            opening.by(self._work)
            with self._changed:
                self._changed.notify_all()

    def _admit(self, group: str) -> Task | Failure:
        """One unit more in hand, unless its group can not be opened."""
        if self._now is None or self._now.group != group:
            self._close_all_but(group)
            self._now, self._next = self._next or _Opening(group).by(self._work), None
        # A failure is kept like a task: the next unit of the group need not try again.
        task = self._now.task.result()
        if not isinstance(task, Failure):
            self._n_in_hand += 1
        return task

    def _admits(self, group: str) -> bool:
        if self._n_in_hand:
            return self._is_now(group) and self._n_in_hand < self._slots
        return not self._is_opening()

    def _may_open_ahead(self, group: str) -> bool:
        """Whether another group is at work, and none is beside it yet."""
        return self._ahead and self._n_in_hand > 0 and self._next is None and not self._is_now(group)

    def _is_now(self, group: str) -> bool:
        return self._now is not None and self._now.group == group

    def _is_opening(self) -> bool:
        return self._next is not None and not self._next.task.done()

    def _leave(self) -> None:
        with self._changed:
            self._n_in_hand -= 1
            self._changed.notify_all()

    def _close_all_but(self, group: str) -> None:
        """Close the group at work, and the one beside it where it is another one."""
        if self._now is not None:
            self._now.close()
        if self._next is not None and self._next.group != group:
            self._next.close()
            self._next = None
        self._now = None
