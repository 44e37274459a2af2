"""A simulated crew: workers with a clock, loads, failures and restarts, driven by the real schedule."""

import heapq
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from actstore.plan.schedule import Schedule
from actstore.schema.ports import Unit


@dataclass(slots=True)
class Simulated:
    """What came of a simulated map; times in units of weight."""

    makespan: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    given_up: set[str] = field(default_factory=set)
    n_losses: int = 0
    n_opened: int = 0


@dataclass(slots=True)
class _Crew:
    """One unit at a time a worker; `generation` tells a worker from the one that it replaces."""

    open: dict[str, str | None] = field(default_factory=dict)
    free_at: dict[str, float] = field(default_factory=dict)
    generation: Counter[str] = field(default_factory=Counter)


def simulate(
    units: Sequence[Unit],
    n_workers: int,
    *,
    load_cost: float,
    fails: Callable[[Unit, random.Random], bool] = lambda unit, rng: False,
    refuses: Callable[[str, str, random.Random], bool] = lambda worker, group, rng: False,
    restart: float = 0.0,
    seed: int = 0,
    seconds: Callable[[Unit, random.Random], float] = lambda unit, rng: unit.weight,
    ahead: bool = False,
) -> Simulated:
    """Run the units to the end. A worker that fails does so half way through the unit.

    A worker computes one unit at a time; what it opens ahead it opens meanwhile. `refuses`: whether a worker
    can not open a group.
    """
    rng = random.Random(seed)
    schedule = Schedule(units, load_cost=load_cost, ahead=ahead)
    crew, result = _Crew(), Simulated()
    events: list[tuple[float, int, str, str, str, int]] = []
    number = 0

    def push(time: float, kind: str, worker: str, key: str) -> None:
        nonlocal number
        number += 1
        heapq.heappush(events, (time, number, kind, worker, key, crew.generation[worker]))

    for index in range(n_workers):
        push(0.0, "join", f"w{index}", "")
    while events:
        now, _, kind, worker, key, generation = heapq.heappop(events)
        if generation != crew.generation[worker]:
            continue  # of a worker that was lost since
        if kind == "join":
            schedule.join(worker)
            crew.open[worker], crew.free_at[worker] = None, now
        elif kind == "done":
            schedule.done(worker, key)
            result.done[key] += 1
            result.makespan = now
        elif kind == "refuse":
            schedule.refuse(worker, key)
            crew.open[worker] = None
        else:
            result.n_losses += 1
            result.given_up.update(unit.key for unit in schedule.lose(worker))
            crew.generation[worker] += 1
            push(now + restart, "join", worker, "")
        for given in schedule.assign():
            opening = crew.open[given.worker] != given.unit.group
            crew.open[given.worker] = given.unit.group
            result.n_opened += opening
            opened = now + load_cost * opening
            if opening and refuses(given.worker, given.unit.group, rng):
                push(opened, "refuse", given.worker, given.unit.key)
                continue
            begin = max(opened, crew.free_at[given.worker])
            lasts = seconds(given.unit, rng)
            crew.free_at[given.worker] = begin + lasts
            if fails(given.unit, rng):
                push(begin + lasts / 2, "lose", given.worker, given.unit.key)
            else:
                push(begin + lasts, "done", given.worker, given.unit.key)
        result.given_up.update(unit.key for unit in schedule.give_up())
    assert schedule.n_left == 0
    return result
