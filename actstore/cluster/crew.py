"""The actors of one map: who is there, what each has in hand, and what happened to them. Decides nothing."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import ray
from ray import exceptions

from actstore.cluster import actor
from actstore.cluster.gate import Done
from actstore.cluster.nodes import node_name
from actstore.cluster.probes import AnyProbe, renew
from actstore.errors import ActstoreError
from actstore.plan.outcomes import failure_of
from actstore.schema.ports import Resources, Unit, Work

LOST = (
    exceptions.RayActorError,
    exceptions.OutOfMemoryError,
    exceptions.WorkerCrashedError,
    exceptions.NodeDiedError,
    exceptions.ObjectLostError,
)
"""What Ray raises where a worker, its node or what it sent is gone."""
UNSENT = (exceptions.RayTaskError, exceptions.RaySystemError, exceptions.UnserializableException)
"""What Ray raises where a unit or its result can not be sent: the unit's own fault, it would happen again."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A worker answers and has nothing open: a new one, or one that came back."""

    worker: str
    node: str


@dataclass(frozen=True, slots=True)
class Blind:
    """A worker answers from a node that does not see what it needs. It gets no work."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A unit came back from a worker."""

    worker: str
    label: str
    unit: Unit
    done: Done


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker is gone, with what it had in hand. It is quarantined until it answers again."""

    worker: str
    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unborn:
    """A worker that never answered is dead for good."""

    reason: str


Event = Arrived | Blind | Ended | Lost | Unborn


@dataclass(slots=True)
class _Member:
    handle: Any
    label: str = ""
    answers: bool = False
    units: dict[Any, Unit] = field(default_factory=dict)
    """By reference to their result."""


class Crew:
    """Starts actors, gives them units and tells what came of it."""

    def __init__(
        self,
        work: Work,
        resources: Resources,
        environment: Mapping[str, str],
        probes: Sequence[AnyProbe] = (),
    ) -> None:
        self._work, self._resources, self._environment = work, resources, environment
        self._probes = tuple(probes)
        self._members: dict[str, _Member] = {}
        self._pings: dict[Any, str] = {}
        self._holders: dict[Any, str] = {}
        self._n_started = 0

    @property
    def asked(self) -> str:
        """What each worker asks for, for messages."""
        return (
            f"{self._resources.cpus} CPUs, {self._resources.gpus} GPUs, {self._resources.memory_bytes} bytes"
        )

    @property
    def n_answering(self) -> int:
        return sum(member.answers for member in self._members.values())

    @property
    def n_expected(self) -> int:
        """Workers that were asked for and do not answer yet."""
        return len(self._pings)

    def grow(self, n_members: int) -> None:
        """Have this many actors; those that find no place yet wait without holding anybody up."""
        while len(self._members) < n_members:
            name = f"worker-{self._n_started}"
            self._n_started += 1
            handle = actor.start(self._work, self._resources, self._environment)
            self._members[name] = _Member(handle)
            self._ping(name)

    def give(self, worker: str, unit: Unit) -> None:
        member = self._members[worker]
        reference = member.handle.do.remote(unit)
        member.units[reference] = unit
        self._holders[reference] = worker

    def wait(self, timeout_seconds: float) -> list[Event]:
        """What happened, as soon as something did. Results come before the losses of the same moment."""
        references = [*self._pings, *self._holders]
        ready, _ = ray.wait(references, num_returns=1, timeout=timeout_seconds)
        if ready:
            ready, _ = ray.wait(references, num_returns=len(references), timeout=0)
        events: list[Event] = []
        reasons: dict[str, str] = {}
        for reference in ready:
            if reference in self._pings:
                events.append(self._answer(reference))
            else:
                self._collect(reference, events, reasons)
        return events + [self._quarantine(worker, reason) for worker, reason in reasons.items()]

    def stop(self, timeout_seconds: float) -> None:
        """Let the workers close what they have open, for so long; then end them."""
        closing = [member.handle.close.remote() for member in self._members.values() if member.answers]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=timeout_seconds)
        for member in self._members.values():
            ray.kill(member.handle)
        self._members.clear()

    def _ping(self, name: str) -> None:
        """Ask a worker to answer once it is there and has looked for the probes."""
        for probe in self._probes:
            with suppress(OSError, ActstoreError):  # the worker tells what it does not find
                renew(probe)
        self._pings[actor.ping(self._members[name].handle, self._probes)] = name

    def _answer(self, reference: Any) -> Event:
        name = self._pings.pop(reference)
        member = self._members[name]
        try:
            arrival: actor.Arrival = ray.get(reference)
        except exceptions.RayError as error:
            del self._members[name]
            ray.kill(member.handle)
            return Unborn(str(error))
        member.label = arrival.label
        if arrival.lacks is not None:
            # It stays and holds its place, so that no other one is started there.
            return Blind(f"node {node_name(arrival.node)} {arrival.lacks}")
        member.answers = True
        return Arrived(name, arrival.node)

    def _collect(self, reference: Any, events: list[Event], reasons: dict[str, str]) -> None:
        name = self._holders.pop(reference)
        member = self._members[name]
        unit = member.units[reference]
        try:
            done: Done = ray.get(reference)
        except LOST as error:
            reasons[name] = str(error)
            return
        except UNSENT as error:
            done = Done(failure=failure_of(getattr(error, "cause", None) or error))
        del member.units[reference]
        events.append(Ended(name, member.label, unit, done))

    def _quarantine(self, name: str, reason: str) -> Lost:
        member = self._members[name]
        for reference in member.units:
            self._holders.pop(reference, None)
        member.units.clear()
        member.answers = False
        self._ping(name)
        return Lost(name, member.label, reason)
