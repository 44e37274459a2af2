"""The schedule: who does what next, on simulated crews."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actstore.plan.schedule import MAX_ATTEMPTS, Schedule, lost_worker
from actstore.schema.ports import Unit
from tests.support.simulate import simulate


def units_of(**counts: int) -> list[Unit]:
    return [Unit(key=f"{name}{i}", group=name) for name, count in counts.items() for i in range(count)]


def handed(schedule: Schedule) -> list[tuple[str, str]]:
    return [(given.worker, given.unit.key) for given in schedule.assign()]


def test_thousand_checkpoints_with_failures_end_near_the_lower_bound() -> None:
    rng = random.Random(1)
    sizes = [rng.uniform(0.3, 3.0) for _ in range(1000)]
    units = [
        Unit(key=f"c{g}/{i}", group=f"c{g}", weight=size) for g, size in enumerate(sizes) for i in range(100)
    ]
    n_workers, load = 64, 5.0
    begin = time.perf_counter()
    result = simulate(
        units,
        n_workers,
        load_cost=load,
        fails=lambda unit, rng: rng.random() < 0.005,
        restart=10.0,
        seconds=lambda unit, rng: unit.weight * rng.uniform(0.8, 1.2),
    )
    seconds = time.perf_counter() - begin
    lower_bound = (sum(unit.weight for unit in units) + load * len(sizes)) / n_workers
    assert result.n_losses > 300
    assert set(result.done) | result.given_up == {unit.key for unit in units}
    assert set(result.done.values()) == {1}
    assert len(result.given_up) <= 1
    assert lower_bound <= result.makespan <= 1.1 * lower_bound
    assert seconds < 10


def test_one_huge_group_is_shared_by_all() -> None:
    units = units_of(huge=640, a=10, b=10)
    result = simulate(units, 8, load_cost=2.0)
    assert result.makespan <= 1.1 * (660 + 3 * 2.0) / 8 + 2.0


def test_equal_groups_are_loaded_once_each() -> None:
    result = simulate(units_of(a=10, b=10, c=10, d=10), 4, load_cost=3.0)
    assert result.n_opened == 4
    assert result.makespan == 13.0


def test_dear_loads_are_not_worth_a_helper_and_cheap_ones_are() -> None:
    assert simulate(units_of(a=4), 4, load_cost=100.0).n_opened == 1
    assert simulate(units_of(a=4), 4, load_cost=0.0).makespan == 1.0


def test_few_units_spread_over_the_workers_before_any_has_two() -> None:
    schedule = Schedule(units_of(a=2), slots=2, load_cost=0.0)
    schedule.join("w0")
    schedule.join("w1")
    assert handed(schedule) == [("w0", "a0"), ("w1", "a1")]


def test_a_window_holds_units_of_one_group_only() -> None:
    schedule = Schedule(units_of(a=3, b=3), slots=2)
    schedule.join("w")
    assert handed(schedule) == [("w", "a0"), ("w", "a1")]
    schedule.done("w", "a1")
    assert handed(schedule) == [("w", "a2")]
    schedule.done("w", "a0")
    assert handed(schedule) == []
    schedule.done("w", "a2")
    assert handed(schedule) == [("w", "b0"), ("w", "b1")]


def test_an_idle_worker_takes_what_a_lost_one_held() -> None:
    schedule = Schedule(units_of(a=1))
    schedule.join("w0")
    schedule.join("w1")
    assert handed(schedule) == [("w0", "a0")]
    assert schedule.lose("w0") == ()
    assert handed(schedule) == [("w1", "a0")]
    assert schedule.done("w1", "a0") == 2
    assert schedule.n_left == 0


def test_a_unit_that_was_lost_is_done_again_alone() -> None:
    schedule = Schedule(units_of(a=4), slots=2)
    schedule.join("w0")
    assert handed(schedule) == [("w0", "a0"), ("w0", "a1")]
    schedule.lose("w0")
    schedule.join("w1")
    assert handed(schedule) == [("w1", "a0")]
    schedule.done("w1", "a0")
    assert handed(schedule) == [("w1", "a1")]
    schedule.done("w1", "a1")
    assert handed(schedule) == [("w1", "a2"), ("w1", "a3")]


def test_a_unit_that_kills_its_workers_is_given_up_and_its_neighbours_are_not() -> None:
    schedule = Schedule(units_of(a=6), slots=2)
    given_up: list[str] = []
    done: list[str] = []
    for attempt in range(20):
        schedule.join(f"w{attempt}")
        while given := schedule.assign():
            keys = [entry.unit.key for entry in given]
            if "a3" in keys:
                given_up += [unit.key for unit in schedule.lose(f"w{attempt}")]
                break
            for key in keys:
                schedule.done(f"w{attempt}", key)
                done.append(key)
    assert given_up == ["a3"]
    assert sorted(done) == ["a0", "a1", "a2", "a4", "a5"]
    assert schedule.losses("a3") == MAX_ATTEMPTS
    assert lost_worker(Unit(key="a3", group="a"), "killed").kind == "LostWorkerError"


def test_a_dropped_group_leaves_the_others() -> None:
    schedule = Schedule(units_of(bad=3, good=2))
    schedule.join("w")
    assert handed(schedule) == [("w", "bad0")]
    assert [unit.key for unit in schedule.drop_group("bad")] == ["bad1", "bad2"]
    assert schedule.drop_group("bad") == ()
    schedule.done("w", "bad0")
    assert handed(schedule) == [("w", "good0")]
    assert schedule.n_left == 2


def test_keys_are_unique() -> None:
    with pytest.raises(ValueError, match="different keys"):
        Schedule([Unit(key="a", group="g"), Unit(key="a", group="h")])


@settings(max_examples=200, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 8), min_size=0, max_size=8),
    n_workers=st.integers(1, 6),
    load=st.floats(0, 5),
    failing=st.floats(0, 0.5),
    seed=st.integers(0, 1000),
)
def test_every_unit_leaves_exactly_once(
    sizes: list[int], n_workers: int, load: float, failing: float, seed: int
) -> None:
    units = [Unit(key=f"{g}/{i}", group=str(g)) for g, size in enumerate(sizes) for i in range(size)]
    result = simulate(
        units,
        n_workers,
        load_cost=load,
        fails=lambda unit, rng: rng.random() < failing,
        restart=1.0,
        seed=seed,
    )
    assert not set(result.done) & result.given_up
    assert set(result.done) | result.given_up == {unit.key for unit in units}
    assert set(result.done.values()) <= {1}


@settings(max_examples=200, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 20), min_size=1, max_size=8),
    n_workers=st.integers(1, 6),
    load=st.floats(0, 5),
)
def test_makespan_is_within_a_load_and_a_few_units_of_the_bound(
    sizes: list[int], n_workers: int, load: float
) -> None:
    units = [Unit(key=f"{g}/{i}", group=str(g)) for g, size in enumerate(sizes) for i in range(size)]
    result = simulate(units, n_workers, load_cost=load)
    bound = (len(units) + load * len(sizes)) / n_workers
    # Each worker may load once in vain, and wait for a unit and a load that it could not share.
    assert result.makespan <= bound + 2 * (load + 2) + load * len(sizes) / n_workers
