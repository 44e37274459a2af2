"""The driver's loop: events of the crew into the schedule, its decisions back to the crew."""

import time
from collections.abc import Callable, Iterator

from actstore.cluster.crew import Arrived, Blind, Crew, Ended, Event, Lost, Unborn
from actstore.cluster.nodes import describe_resources
from actstore.errors import ClusterError
from actstore.plan.schedule import Schedule, lost_worker
from actstore.schema.ports import Failure, Outcome, Unit

CHECK_SECONDS = 3.0
"""How often the size of the cluster is looked at; everything else happens when it happens."""
CLOSE_SECONDS = 30.0
INTERRUPTED_CLOSE_SECONDS = 2.0
MAX_FAILED_STARTS = 3
EXPECT_SECONDS = 30.0
"""How long a group that nobody could open waits for workers that were asked for and are not there yet."""


class Drive:
    """One map on a crew. `wanted` says how many workers there should be now, `tell` takes remarks."""

    def __init__(
        self,
        crew: Crew,
        schedule: Schedule,
        wanted: Callable[[], int],
        *,
        placement_seconds: float,
        tell: Callable[[str], None] = lambda remark: None,
    ) -> None:
        self._crew, self._schedule, self._wanted, self._tell = crew, schedule, wanted, tell
        self._placement_seconds = placement_seconds
        self._failed_starts: list[str] = []
        self._blind: dict[str, None] = {}
        self._refusals: dict[str, tuple[Failure | None, str]] = {}
        """Why a group could not be opened, and by whom: the last one of each."""
        self._checked = self._seen = self._refused = time.monotonic()

    def outcomes(self) -> Iterator[Outcome]:
        """Raises ClusterError when no worker can be had."""
        close_seconds = INTERRUPTED_CLOSE_SECONDS
        try:
            self._grow()
            while self._schedule.n_left:
                for event in self._crew.wait(CHECK_SECONDS):
                    yield from self._take(event)
                if time.monotonic() - self._checked >= CHECK_SECONDS:
                    self._grow()
                for given in self._schedule.assign():
                    self._crew.give(given.worker, given.unit)
                yield from self._hopeless()
                self._check_alive()
            close_seconds = CLOSE_SECONDS
        finally:
            self._crew.stop(close_seconds)

    def _grow(self) -> None:
        self._checked = time.monotonic()
        self._crew.grow(min(max(1, self._wanted()), self._schedule.n_left))

    def _take(self, event: Event) -> Iterator[Outcome]:
        match event:
            case Arrived(worker, node):
                self._failed_starts.clear()
                self._schedule.join(worker, node)
            case Blind(reason):
                if reason not in self._blind:
                    self._tell(f"{reason}: its workers get no work")
                self._blind[reason] = None
            case Ended():
                yield from self._end(event)
            case Lost(worker, label, reason):
                for unit in self._schedule.lose(worker):
                    yield self._given_up(unit, label, reason)
            case Unborn(reason):
                self._failed_starts.append(reason)

    def _end(self, event: Ended) -> Iterator[Outcome]:
        done, unit, label = event.done, event.unit, event.label
        if not done.opened:
            self._schedule.refuse(event.worker, unit.key)
            self._refusals[unit.group] = done.failure, label
            self._refused = time.monotonic()
            return
        attempts = self._schedule.done(event.worker, unit.key)
        yield Outcome(unit=unit, result=done.result, failure=done.failure, attempts=attempts, worker=label)

    def _hopeless(self) -> Iterator[Outcome]:
        """What nobody can open."""
        waited = time.monotonic() - self._refused
        for unit in self._schedule.give_up(expecting=self._crew.n_expected > 0 and waited < EXPECT_SECONDS):
            failure, label = self._refusals[unit.group]
            attempts = self._schedule.losses(unit.key) + 1
            yield Outcome(unit=unit, failure=failure, attempts=attempts, worker=label)

    def _given_up(self, unit: Unit, label: str, reason: str) -> Outcome:
        attempts = self._schedule.losses(unit.key)
        return Outcome(unit=unit, failure=lost_worker(unit, reason), attempts=attempts, worker=label)

    def _check_alive(self) -> None:
        now = time.monotonic()
        if self._crew.n_answering:
            self._seen = now
        elif len(self._failed_starts) >= MAX_FAILED_STARTS:
            raise ClusterError(
                f"{len(self._failed_starts)} workers in a row could not be started on the cluster; the last "
                f"one because of: {self._failed_starts[-1]}"
            )
        elif now - self._seen > self._placement_seconds:
            raise ClusterError(
                f"no worker could be started for {self._placement_seconds:.0f} s; each asks for "
                f"{self._crew.asked}; {'; '.join([*self._blind, describe_resources()])}: "
                "ask for less, wait for other jobs or add nodes"
            )
