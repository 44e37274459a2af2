"""The driver's loop: events of the crew into the schedule, its decisions back to the crew."""

import time
from collections.abc import Callable, Iterator

from actstore.cluster.crew import Arrived, Crew, Ended, Event, Lost, Unborn
from actstore.cluster.nodes import describe_resources
from actstore.errors import ClusterError
from actstore.plan.schedule import Schedule, lost_worker
from actstore.schema.ports import Outcome, Unit

CHECK_SECONDS = 3.0
"""How often the size of the cluster is looked at; everything else happens when it happens."""
CLOSE_SECONDS = 30.0
INTERRUPTED_CLOSE_SECONDS = 2.0
MAX_FAILED_STARTS = 3


class Drive:
    """One map on a crew. `wanted` says how many workers there should be now."""

    def __init__(
        self, crew: Crew, schedule: Schedule, wanted: Callable[[], int], *, placement_seconds: float
    ) -> None:
        self._crew, self._schedule, self._wanted = crew, schedule, wanted
        self._placement_seconds = placement_seconds
        self._failed_starts: list[str] = []
        self._checked = self._seen = time.monotonic()

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
                self._check_alive()
            close_seconds = CLOSE_SECONDS
        finally:
            self._crew.stop(close_seconds)

    def _grow(self) -> None:
        self._checked = time.monotonic()
        self._crew.grow(min(max(1, self._wanted()), self._schedule.n_left))

    def _take(self, event: Event) -> Iterator[Outcome]:
        match event:
            case Arrived(worker):
                self._failed_starts.clear()
                self._schedule.join(worker)
            case Ended():
                yield from self._end(event)
            case Lost(worker, label, reason):
                for unit in self._schedule.lose(worker):
                    yield self._given_up(unit, label, reason)
            case Unborn(reason):
                self._failed_starts.append(reason)

    def _end(self, event: Ended) -> Iterator[Outcome]:
        attempts = self._schedule.done(event.worker, event.unit.key)
        done, unit, label = event.done, event.unit, event.label
        yield Outcome(unit=unit, result=done.result, failure=done.failure, attempts=attempts, worker=label)
        if not done.opened:
            for unit in self._schedule.drop_group(event.unit.group):
                attempts = self._schedule.losses(unit.key) + 1
                yield Outcome(unit=unit, failure=done.failure, attempts=attempts, worker=label)

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
                f"{self._crew.asked}; {describe_resources()}: ask for less, wait for other jobs or add nodes"
            )
