"""Which unit a worker does next, as decisions that follow from events. Knows no Ray, no thread and no clock.

Events: `join`, `done`, `refuse`, `lose`. Decisions: `assign`, `give_up`. Three rules: a worker stays with the
group it has open; with empty hands and nothing left there it starts the largest group nobody works on; when
there is none it helps the group with the most work left per worker, provided that it then ends sooner than
alone. With `ahead` a worker is given the first unit of the next group while its last units of the one before
are in hand, so that it can open the one while it computes the other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from actstore.plan.group import Group, urgency
from actstore.schema.ports import Failure, Unit

MAX_ATTEMPTS = 3
"""Attempts that end with a lost worker, after which the unit itself is taken for the cause."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A decision: this worker does this unit now."""

    worker: str
    unit: Unit


@dataclass(slots=True)
class _Worker:
    name: str
    number: int
    place: str
    group: str | None = None
    in_hand: dict[str, Unit] = field(default_factory=dict)

    @property
    def is_ahead(self) -> bool:
        """Whether it holds units of the group before the one it is to open."""
        return any(unit.group != self.group for unit in self.in_hand.values())


class Schedule:
    """Every unit is handed out until it is done, dropped or given up: exactly once it leaves the schedule.

    `slots` units may be in the hands of one worker. `load_cost` is what opening a group costs, in units of
    weight (None: the mean weight of a unit). A unit that was in hand when a worker was lost is done again
    alone, so that a unit that kills its workers takes no other unit with it. `ahead`: a worker may hold one
    unit more, of the next group, which nobody else works on.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        *,
        slots: int = 1,
        load_cost: float | None = None,
        ahead: bool = False,
    ) -> None:
        self._groups: dict[str, Group] = {}
        self._pending: dict[str, Group] = {}
        self._workers: dict[str, _Worker] = {}
        self._asking: dict[str, None] = {}
        self._idle: dict[str, None] = {}
        self._losses: dict[str, int] = {}
        self._refused: dict[str, Group] = {}
        self._slots, self._ahead = slots, ahead
        self._left: set[str] = set()
        self._n_joined = 0
        for unit in units:
            self._add(unit)
        if len(self._left) != len(units):
            raise ValueError(f"{len(units)} units with {len(self._left)} different keys: name each unit once")
        total = sum(group.pending_weight for group in self._groups.values())
        self._load_cost = total / max(1, len(units)) if load_cost is None else load_cost

    @property
    def n_left(self) -> int:
        """Units that are neither done, dropped nor given up."""
        return len(self._left)

    def join(self, worker: str, place: str = "") -> None:
        """A worker is there, with nothing open. `place`: what it shares files and hardware with others by."""
        assert worker not in self._workers, f"{worker} joined twice"
        self._workers[worker] = _Worker(worker, self._n_joined, place)
        self._n_joined += 1
        self._asking[worker] = None

    def done(self, worker: str, key: str) -> int:
        """A worker ended a unit, well or not. Returns the attempts it took."""
        unit = self._workers[worker].in_hand.pop(key)
        group = self._groups[unit.group]
        group.flying_weight -= unit.weight
        group.opens = True
        self._left.remove(key)
        self._ask(worker)
        return self._losses.get(key, 0) + 1

    def refuse(self, worker: str, key: str) -> None:
        """A worker could not open the group of a unit: the unit goes back, for others; it lost nothing."""
        holder = self._workers[worker]
        unit = holder.in_hand.pop(key)
        group = self._groups[unit.group]
        group.flying_weight -= unit.weight
        group.refused.setdefault(holder.place, set()).add(worker)
        self._refused[unit.group] = group
        self._return(unit)
        if holder.group == unit.group:
            group.workers -= 1
            holder.group = None
        self._ask(worker)
        self._ask_idle()

    def give_up(self, *, expecting: bool = False) -> tuple[Unit, ...]:
        """Take out and return the units of groups that can not be opened.

        Those are groups that nobody who is there may try any more; while more workers are expected, only
        those that several places refused.
        """
        hopeless = [name for name, group in self._refused.items() if self._is_hopeless(group, expecting)]
        return tuple(unit for name in hopeless for unit in self._drop(name))

    def lose(self, worker: str) -> tuple[Unit, ...]:
        """A worker is gone: its units go back, first in line. Returns those that are given up."""
        holder = self._workers.pop(worker)
        self._asking.pop(worker, None)
        self._idle.pop(worker, None)
        if holder.group is not None:
            self._groups[holder.group].workers -= 1
        given_up = tuple(unit for unit in reversed(holder.in_hand.values()) if not self._put_back(unit))
        self._ask_idle()
        return given_up

    def assign(self) -> tuple[Assignment, ...]:
        """All that can be handed out now; empty hands first, so that few units spread over all workers."""
        return tuple(self._assignments())

    def losses(self, key: str) -> int:
        """Attempts of a unit that ended with a lost worker."""
        return self._losses.get(key, 0)

    def _assignments(self) -> Iterator[Assignment]:
        for n_held in range(self._slots + self._ahead):
            for name in self._asking_with(n_held):
                unit = self._next(self._workers[name])
                if unit is not None:
                    yield Assignment(name, unit)
        for name in tuple(self._asking):
            del self._asking[name]
            if len(self._workers[name].in_hand) < self._slots:
                self._idle[name] = None

    def _asking_with(self, n_held: int) -> Iterable[str]:
        names = [name for name in self._asking if len(self._workers[name].in_hand) == n_held]
        return sorted(names, key=lambda name: self._workers[name].number)

    def _next(self, worker: _Worker) -> Unit | None:
        if any(key in self._losses for key in worker.in_hand):
            return None
        name = worker.group if worker.group in self._pending else self._choose(worker)
        if name is None or (name == worker.group and len(worker.in_hand) >= self._slots):
            return None
        group = self._pending[name]
        if group.pending[0].key in self._losses and worker.in_hand:
            return None
        self._open(worker, name)
        return self._take(worker, name, group)

    def _choose(self, worker: _Worker) -> str | None:
        """The group to open next, None where opening one ends nothing sooner."""
        if worker.in_hand and (not self._ahead or worker.is_ahead):
            return None
        able = (item for item in self._pending.items() if item[1].may_open(worker.name, worker.place))
        name, group = max(able, key=urgency, default=("", None))
        if group is None:
            return None
        if group.workers and (
            worker.in_hand or self._load_cost + group.pending[0].weight >= group.ends_after
        ):
            return None
        return name

    def _open(self, worker: _Worker, name: str) -> None:
        if worker.group == name:
            return
        if worker.group is not None:
            self._groups[worker.group].workers -= 1
        worker.group = name
        self._groups[name].workers += 1

    def _take(self, worker: _Worker, name: str, group: Group) -> Unit:
        unit = group.pending.popleft()
        group.pending_weight -= unit.weight
        group.flying_weight += unit.weight
        if not group.pending:
            del self._pending[name]
        worker.in_hand[unit.key] = unit
        return unit

    def _add(self, unit: Unit) -> None:
        group = self._groups.setdefault(unit.group, Group())
        group.pending.append(unit)
        group.pending_weight += unit.weight
        self._pending[unit.group] = group
        self._left.add(unit.key)

    def _put_back(self, unit: Unit) -> bool:
        """False where the unit was lost too often and is given up."""
        self._groups[unit.group].flying_weight -= unit.weight
        self._losses[unit.key] = self._losses.get(unit.key, 0) + 1
        if self._losses[unit.key] >= MAX_ATTEMPTS:
            self._left.remove(unit.key)
            return False
        self._return(unit)
        return True

    def _return(self, unit: Unit) -> None:
        """First in line again."""
        group = self._groups[unit.group]
        group.pending.appendleft(unit)
        group.pending_weight += unit.weight
        self._pending[unit.group] = group

    def _ask(self, worker: str) -> None:
        self._idle.pop(worker, None)
        self._asking[worker] = None

    def _ask_idle(self) -> None:
        """What was not worth joining before may be now."""
        self._asking.update(self._idle)
        self._idle.clear()

    def _is_hopeless(self, group: Group, expecting: bool) -> bool:
        if group.workers or not group.pending:
            return False
        tried_out = not any(group.may_open(item.name, item.place) for item in self._workers.values())
        return group.opens_nowhere or (tried_out and not expecting)

    def _drop(self, name: str) -> tuple[Unit, ...]:
        group = self._pending.pop(name)
        units = tuple(group.pending)
        group.pending.clear()
        group.pending_weight = 0.0
        self._left.difference_update(unit.key for unit in units)
        return units


def lost_worker(unit: Unit, reason: str) -> Failure:
    """The failure of a unit that was given up; the reason is that of the last loss.

    Ray tells an actor that was ended for its memory like one that was killed, once it is started again.
    """
    return Failure(
        kind="LostWorkerError",
        message=(
            f"{unit.key}: {MAX_ATTEMPTS} workers were lost while they did it (killed, out of memory or "
            "crashed), at last with nothing else in hand; give a worker more memory, for extraction set a "
            "smaller tokens_per_batch or fewer sites, or look for the cause in the worker logs, then run "
            "again: what is done is kept"
        ),
        details=reason,
    )
