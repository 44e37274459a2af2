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
    generation: Counter[str] = field(default_factory=Counter)


def simulate(
    units: Sequence[Unit],
    n_workers: int,
    *,
    load_cost: float,
    fails: Callable[[Unit, random.Random], bool] = lambda unit, rng: False,
    restart: float = 0.0,
    seed: int = 0,
    seconds: Callable[[Unit, random.Random], float] = lambda unit, rng: unit.weight,
) -> Simulated:
    """Run the units to the end. A worker that fails does so half way through the unit."""
    rng = random.Random(seed)
    schedule = Schedule(units, load_cost=load_cost)
    crew, result = _Crew(), Simulated()
    events: list[tuple[float, int, str, str, str]] = []
    number = 0

    def push(time: float, kind: str, worker: str, key: str) -> None:
        nonlocal number
        number += 1
        heapq.heappush(events, (time, number, kind, worker, key))

    for index in range(n_workers):
        push(0.0, "join", f"w{index}", "")
    while events:
        now, _, kind, worker, key = heapq.heappop(events)
        if kind == "join":
            schedule.join(worker)
            crew.open[worker] = None
        elif kind == "done":
            schedule.done(worker, key)
            result.done[key] += 1
            result.makespan = now
        else:
            result.n_losses += 1
            result.given_up.update(unit.key for unit in schedule.lose(worker))
            push(now + restart, "join", worker, "")
        for given in schedule.assign():
            opening = crew.open[given.worker] != given.unit.group
            crew.open[given.worker] = given.unit.group
            result.n_opened += opening
            begin = now + load_cost * opening
            lasts = seconds(given.unit, rng)
            if fails(given.unit, rng):
                push(begin + lasts / 2, "lose", given.worker, given.unit.key)
            else:
                push(begin + lasts, "done", given.worker, given.unit.key)
    assert schedule.n_left == 0
    return result
