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
    begin = time.process_time()
    result = simulate(
        units,
        n_workers,
        load_cost=load,
        fails=lambda unit, rng: rng.random() < 0.005,
        restart=10.0,
        seconds=lambda unit, rng: unit.weight * rng.uniform(0.8, 1.2),
    )
    seconds = time.process_time() - begin
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
    assert schedule.losses("a3") == MAX_ATTEMPTS == 3
    assert lost_worker(Unit(key="a3", group="a"), "killed").kind == "LostWorkerError"


def test_a_group_that_nobody_can_open_leaves_the_others() -> None:
    schedule = Schedule(units_of(bad=3, good=2))
    schedule.join("w")
    assert handed(schedule) == [("w", "bad0")]
    schedule.refuse("w", "bad0")
    assert handed(schedule) == [("w", "good0")]
    assert [unit.key for unit in schedule.give_up()] == ["bad0", "bad1", "bad2"]
    assert schedule.give_up() == ()
    assert schedule.n_left == 2


def test_what_one_worker_can_not_open_another_does() -> None:
    schedule = Schedule(units_of(a=2), slots=2)
    schedule.join("broken", "node1")
    assert handed(schedule) == [("broken", "a0"), ("broken", "a1")]
    schedule.join("sound", "node2")
    assert handed(schedule) == []
    schedule.refuse("broken", "a0")
    schedule.refuse("broken", "a1")
    assert schedule.give_up() == ()
    assert handed(schedule) == [("sound", "a1"), ("sound", "a0")]
    assert schedule.losses("a0") == 0
    assert schedule.done("sound", "a0") == schedule.done("sound", "a1") == 1
    assert schedule.n_left == 0


def test_a_place_is_tried_twice_and_a_group_in_three_places() -> None:
    schedule = Schedule(units_of(bad=1), load_cost=0.0)
    tried = []
    for place in ("n1", "n2", "n3", "n4"):
        for number in range(4):
            schedule.join(f"{place}-{number}", place)
    while not schedule.give_up(expecting=True):
        for worker, key in handed(schedule):
            tried.append(worker)
            schedule.refuse(worker, key)
    assert tried == ["n1-0", "n1-1", "n2-0", "n2-1", "n3-0"]
    assert schedule.n_left == 0


def test_workers_that_are_expected_are_waited_for() -> None:
    schedule = Schedule(units_of(a=1))
    schedule.join("broken", "node1")
    handed(schedule)
    schedule.refuse("broken", "a0")
    assert schedule.give_up(expecting=True) == ()
    schedule.join("sound", "node2")
    assert handed(schedule) == [("sound", "a0")]


def test_a_worker_that_came_back_elsewhere_may_try_again() -> None:
    schedule = Schedule(units_of(a=1))
    schedule.join("w", "node1")
    handed(schedule)
    schedule.refuse("w", "a0")
    schedule.lose("w")
    schedule.join("w", "node1")
    assert handed(schedule) == []
    schedule.lose("w")
    schedule.join("w", "node2")
    assert handed(schedule) == [("w", "a0")]


def test_what_was_open_somewhere_is_not_given_up_because_three_places_refuse() -> None:
    schedule = Schedule(units_of(a=4), load_cost=0.0)
    schedule.join("good", "n0")
    assert handed(schedule) == [("good", "a0")]
    schedule.done("good", "a0")
    for place in ("n1", "n2", "n3"):
        schedule.join(place, place)
    for worker, key in handed(schedule):
        if worker != "good":
            schedule.refuse(worker, key)
    assert schedule.give_up() == ()
    assert schedule.n_left == 3


def test_ahead_the_next_group_is_begun_while_the_last_units_are_in_hand() -> None:
    schedule = Schedule(units_of(a=2, b=1, c=1), slots=2, ahead=True)
    schedule.join("w")
    assert handed(schedule) == [("w", "a0"), ("w", "a1"), ("w", "b0")]
    schedule.done("w", "a0")
    assert handed(schedule) == []  # never a third group
    schedule.done("w", "a1")
    assert handed(schedule) == [("w", "c0")]


def test_ahead_nobody_takes_a_group_from_a_worker_with_empty_hands() -> None:
    schedule = Schedule(units_of(a=2, b=2, c=2), slots=2, ahead=True)
    schedule.join("w0")
    schedule.join("w1")
    assert handed(schedule) == [("w0", "a0"), ("w1", "b0"), ("w0", "a1"), ("w1", "b1"), ("w0", "c0")]


def test_ahead_a_unit_that_was_lost_is_still_done_alone() -> None:
    schedule = Schedule(units_of(a=1, b=1), slots=2, ahead=True)
    schedule.join("w0")
    assert handed(schedule) == [("w0", "a0"), ("w0", "b0")]
    schedule.lose("w0")
    schedule.join("w1")
    assert len(handed(schedule)) == 1


def test_a_worker_that_is_lost_before_it_was_given_anything_is_forgotten() -> None:
    schedule = Schedule(units_of(a=1))
    schedule.join("w0")
    assert schedule.lose("w0") == ()
    assert handed(schedule) == []
    schedule.join("w1")
    assert handed(schedule) == [("w1", "a0")]


def test_ahead_is_for_the_next_group_not_for_more_of_the_same() -> None:
    schedule = Schedule(units_of(a=3, b=1), slots=2, ahead=True)
    schedule.join("w")
    assert handed(schedule) == [("w", "a0"), ("w", "a1")]


def test_opening_costs_a_units_weight_where_nothing_else_is_said() -> None:
    schedule = Schedule(units_of(a=4))
    schedule.join("w0")
    schedule.join("w1")
    assert handed(schedule) == [("w0", "a0"), ("w1", "a1")]


def test_a_helper_that_would_end_later_than_the_worker_alone_does_not_begin() -> None:
    """Alone: half of 5, then 5. With help: a load of 4, then 5."""
    schedule = Schedule([Unit(key=str(i), group="a", weight=5.0) for i in range(2)], load_cost=4.0)
    schedule.join("w0")
    schedule.join("w1")
    assert handed(schedule) == [("w0", "0")]


@pytest.mark.parametrize("seed", range(5))
def test_a_groups_weights_are_those_of_its_units_after_any_event(seed: int) -> None:
    rng = random.Random(seed)
    units = [Unit(key=f"{g}{i}", group=g, weight=float(2**i)) for g in "abc" for i in range(6)]
    schedule = Schedule(units, slots=2, load_cost=0.0)
    workers: dict[str, list[Unit]] = {}
    for number in range(60):
        if not workers or rng.random() < 0.2:
            workers[f"w{number}"] = []
            schedule.join(f"w{number}", rng.choice("xyz"))
        name = rng.choice(sorted(workers))
        event = rng.choice(["done", "lose", "refuse", "drop"])
        if event == "lose":
            del workers[name]
            schedule.lose(name)
        elif event == "drop":
            schedule.give_up()
        elif workers[name]:
            (schedule.done if event == "done" else schedule.refuse)(name, workers[name].pop().key)
        for made in schedule.assign():
            workers[made.worker].append(made.unit)
        flying = [unit for held in workers.values() for unit in held]
        for group_name, group in schedule._groups.items():
            assert group.pending_weight == sum(unit.weight for unit in group.pending)
            assert group.flying_weight == sum(unit.weight for unit in flying if unit.group == group_name)


def test_what_a_worker_had_open_is_not_given_up_for_its_places() -> None:
    schedule = Schedule(units_of(a=3), load_cost=0.0)
    schedule.join("good", "n0")
    handed(schedule)
    schedule.done("good", "a0")
    for place in ("n1", "n2", "n3"):
        schedule.join(place, place)
        schedule.lose("good") if "good" in schedule._workers else ()
        ((worker, key),) = handed(schedule)
        schedule.refuse(worker, key)
    assert schedule.give_up(expecting=True) == ()
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
    refusing=st.floats(0, 1),
    ahead=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_every_unit_leaves_exactly_once(
    sizes: list[int], n_workers: int, load: float, failing: float, refusing: float, ahead: bool, seed: int
) -> None:
    units = [Unit(key=f"{g}/{i}", group=str(g)) for g, size in enumerate(sizes) for i in range(size)]
    result = simulate(
        units,
        n_workers,
        load_cost=load,
        fails=lambda unit, rng: rng.random() < failing,
        refuses=lambda worker, group, rng: rng.random() < refusing,
        restart=1.0,
        seed=seed,
        ahead=ahead,
    )
    assert not set(result.done) & result.given_up
    assert set(result.done) | result.given_up == {unit.key for unit in units}
    assert set(result.done.values()) <= {1}


def test_ahead_loading_costs_no_time_but_the_first() -> None:
    units = [Unit(key=f"{g}/{i}", group=f"{g}") for g in range(40) for i in range(5)]
    alone, ahead = (simulate(units, 4, load_cost=2.0, ahead=way) for way in (False, True))
    assert alone.makespan == 10 * (2.0 + 5.0)
    # The unit in hand hides half of a load of two.
    assert ahead.makespan == 2.0 + 5.0 + 9 * (1.0 + 5.0)


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
