"""What every executor promises: one test body over the one-process executor and Ray."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from actstore.cluster.executor import RayExecutor
from actstore.errors import CapacityError, StorageError
from actstore.schema.ports import Executor, Failure, Outcome, Resources, Unit
from actstore.serial import SerialExecutor
from tests.support.works import DiaryWork

N_RAY_WORKERS = 2
RAY = pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.slow])


@pytest.fixture(scope="module", params=["serial", RAY])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "serial":
        yield SerialExecutor()
        return
    with RayExecutor("local", N_RAY_WORKERS) as executor:
        yield executor


@pytest.fixture
def work(tmp_path: Path) -> DiaryWork:
    return DiaryWork(str(tmp_path))


def units_of(**counts: int) -> list[Unit]:
    return [Unit(key=f"{group}-{i}", group=group) for group, count in counts.items() for i in range(count)]


def by_key(outcomes: Iterator[Outcome]) -> dict[str, Outcome]:
    found = list(outcomes)
    assert len({outcome.unit.key for outcome in found}) == len(found)
    return {outcome.unit.key: outcome for outcome in found}


def failure(outcome: Outcome) -> Failure:
    assert outcome.failure is not None
    assert outcome.result is None
    return outcome.failure


def test_every_unit_is_done_exactly_once(executor: Executor, work: DiaryWork) -> None:
    units = units_of(a=5, b=5, c=5)
    outcomes = by_key(executor.map(work, units, Resources()))
    assert set(outcomes) == {unit.key for unit in units}
    assert all(outcome.result["key"] == key and outcome.attempts == 1 for key, outcome in outcomes.items())
    assert all(outcome.worker.rpartition(":")[2].isdigit() for outcome in outcomes.values())
    assert set(Counter(work.noted("do")).values()) == {1}


def test_nothing_to_do_is_done(executor: Executor, work: DiaryWork) -> None:
    assert list(executor.map(work, [], Resources())) == []


def test_a_group_is_opened_once_a_worker_and_closed(executor: Executor, work: DiaryWork) -> None:
    list(executor.map(work, units_of(a=10, b=10, c=10), Resources(overlap=2)))
    opened = Counter((line[1], line[2]) for line in work.lines() if line[0] == "open")
    assert set(opened.values()) == {1}
    assert len(opened) <= 3 + N_RAY_WORKERS
    assert sorted(work.noted("open")) == sorted(work.noted("close"))
    open_now: dict[str, str] = {}
    for what, name, pid, _ in work.lines():
        if what == "open":
            assert pid not in open_now
            open_now[pid] = name
        elif what == "close":
            assert open_now.pop(pid) == name


@pytest.mark.parametrize(
    ("error", "request_error"),
    [
        (CapacityError("tokens_per_batch is too large"), True),
        (StorageError("the disk is full"), False),
        (ZeroDivisionError("by 0"), False),
    ],
)
def test_what_a_unit_raises_is_its_failure(
    executor: Executor, work: DiaryWork, error: Exception, request_error: bool
) -> None:
    units = [*units_of(a=3), Unit(key="poison", group="a", args=("raise", error))]
    outcomes = by_key(executor.map(work, units, Resources()))
    found = failure(outcomes["poison"])
    assert (found.kind, found.message) == (type(error).__name__, str(error))
    assert found.request_error is request_error
    assert "in do" in found.details
    assert [key for key, outcome in outcomes.items() if outcome.failure] == ["poison"]
    assert work.noted("do").count("poison") == 1


def test_a_group_that_can_not_be_opened_fails_alone(executor: Executor, work: DiaryWork) -> None:
    outcomes = by_key(executor.map(work, units_of(good=4, bad=6, fine=4), Resources(overlap=2)))
    assert len(outcomes) == 14
    for key, outcome in outcomes.items():
        if key.startswith("bad"):
            found = failure(outcome)
            assert (found.kind, found.message) == ("ModelError", "bad: no such family")
            assert found.request_error
        else:
            assert outcome.failure is None


def test_units_of_a_worker_overlap(executor: Executor, work: DiaryWork) -> None:
    # Two of a pair have to be in hand at once in one process; spread over workers they would wait in vain.
    units = [Unit(key=f"{group}{i}", group=group, args=("meet", 20)) for group in "abcd" for i in range(2)]
    outcomes = by_key(executor.map(work, units, Resources(overlap=2)))
    assert [outcome.failure for outcome in outcomes.values()] == [None] * 8


def test_without_overlap_a_task_is_called_from_one_thread(executor: Executor, work: DiaryWork) -> None:
    list(executor.map(work, units_of(a=20), Resources(overlap=1)))
    active: set[str] = set()
    for what, name, pid, _ in work.lines():
        if what == "do":
            assert pid not in active, name
            active.add(pid)
        elif what == "did":
            active.remove(pid)


def test_ahead_the_next_group_is_opened_while_units_are_in_hand(executor: Executor, work: DiaryWork) -> None:
    waiting = [Unit(key=group, group=group, args=("ahead", 20)) for group in "ab"]
    units = [*waiting, *units_of(c=1, d=1)]
    outcomes = by_key(executor.map(work, units, Resources(overlap=2, ahead=True)))
    assert [outcome.failure for outcome in outcomes.values()] == [None] * 4
    assert sorted(work.noted("open")) == sorted(work.noted("close")) == list("abcd")


def test_ahead_is_only_where_it_is_asked_for(executor: Executor, work: DiaryWork) -> None:
    units = [Unit(key=group, group=group, args=("ahead", 0.3)) for group in "abcd"]
    outcomes = by_key(executor.map(work, units, Resources(overlap=2)))
    assert [failure(outcome).kind for outcome in outcomes.values()] == ["TimeoutError"] * 4


def test_stopping_early_closes_what_is_open_ahead(executor: Executor, work: DiaryWork) -> None:
    units = [Unit(key=f"{group}{i}", group=group, args=("sleep", 0.2)) for group in "abcd" for i in range(2)]
    outcomes = executor.map(work, units, Resources(overlap=2, ahead=True))
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert sorted(work.noted("close")) == sorted(work.noted("open"))


def test_two_thousand_tiny_units(executor: Executor, work: DiaryWork) -> None:
    units = units_of(a=1000, b=1000)
    outcomes = by_key(executor.map(work, units, Resources(overlap=2)))
    assert len(outcomes) == 2000
    assert not any(outcome.failure for outcome in outcomes.values())


def test_keys_are_unique(executor: Executor, work: DiaryWork) -> None:
    with pytest.raises(ValueError, match="name each unit once"):
        list(executor.map(work, [Unit(key="a", group="g")] * 2, Resources()))


def test_stopping_early_closes_what_is_open(executor: Executor, work: DiaryWork) -> None:
    outcomes = executor.map(work, units_of(a=50), Resources())
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert work.noted("close") == work.noted("open")
    assert len(work.noted("do")) < 50


@pytest.mark.parametrize("executor", [RAY], indirect=True)
def test_what_this_machine_can_not_hold_is_refused(executor: Executor, work: DiaryWork) -> None:
    with pytest.raises(CapacityError, match="no place for one"):
        list(executor.map(work, units_of(a=1), Resources(gpus=8)))
