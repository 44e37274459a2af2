"""Workers and nodes that are killed in mid-run, on a cluster of several nodes on this machine."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from actstore.cluster.executor import RayExecutor
from actstore.errors import ClusterError
from actstore.schema.ports import Outcome, Resources, Unit
from tests.support.ray_cluster import ray_cluster
from tests.support.works import BROKEN_NODE, DiaryWork

pytestmark = [pytest.mark.ray, pytest.mark.slow]
PICKY = ["picky-1", "picky-2"]
"""Groups that a broken node can not open."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with ray_cluster(head_cpus=2) as cluster, RayExecutor(cluster.address):
        yield cluster


@pytest.fixture
def work(tmp_path: Path) -> DiaryWork:
    return DiaryWork(str(tmp_path))


def sleeping(n_units: int, seconds: float, groups: Sequence[str] = "ab") -> list[Unit]:
    return [
        Unit(key=f"{group}{i}", group=group, args=("sleep", seconds))
        for group in groups
        for i in range(n_units)
    ]


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def meanwhile(act: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def assert_all_done(outcomes: list[Outcome], units: list[Unit]) -> None:
    assert Counter(outcome.unit.key for outcome in outcomes) == Counter(unit.key for unit in units)
    assert [outcome.failure for outcome in outcomes if outcome.failure] == []


def test_killed_actors_lose_nothing(cluster: Any, work: DiaryWork) -> None:
    units = sleeping(12, 0.25)
    killed: list[int] = []

    def kill_two() -> None:
        for n_begun in (3, 9):
            wait_for(lambda: len(work.noted("did")) >= n_begun)  # noqa: B023
            victim = int(work.lines()[-1][2])
            killed.append(victim)
            os.kill(victim, signal.SIGKILL)

    killer = meanwhile(kill_two)
    outcomes = list(RayExecutor(cluster.address).map(work, units, Resources(overlap=2)))
    killer.join()
    assert len(set(killed)) == 2
    assert_all_done(outcomes, units)
    again = [outcome for outcome in outcomes if outcome.attempts > 1]
    assert 2 <= len(again) <= 4
    assert all(outcome.attempts == 2 for outcome in again)


def test_a_unit_that_kills_every_worker_is_given_up_alone(cluster: Any, work: DiaryWork) -> None:
    # In groups of their own, so that neither of the two is ever in the hands of a worker that the other ends.
    units = [
        *sleeping(6, 0.05, "a"),
        Unit(key="deadly", group="a", args=("kill-self", None)),
        Unit(key="unlucky", group="b", args=("kill-self-once", None)),
    ]
    outcomes = {
        outcome.unit.key: outcome
        for outcome in RayExecutor(cluster.address).map(work, units, Resources(overlap=2))
    }
    failed = {key: outcome for key, outcome in outcomes.items() if outcome.failure}
    assert len(outcomes) == 8
    assert list(failed) == ["deadly"]
    assert failed["deadly"].failure is not None
    assert failed["deadly"].failure.kind == "LostWorkerError"
    assert failed["deadly"].attempts == 3
    assert work.noted("do").count("deadly") == 3
    assert (outcomes["unlucky"].attempts, work.noted("do").count("unlucky")) == (2, 2)


def test_a_result_that_can_not_be_sent_is_the_units_failure(cluster: Any, work: DiaryWork) -> None:
    units = [Unit(key="odd", group="a", args=("unsendable", None)), Unit(key="good", group="a")]
    outcomes = {
        outcome.unit.key: outcome for outcome in RayExecutor(cluster.address).map(work, units, Resources())
    }
    assert outcomes["good"].failure is None
    assert outcomes["odd"].failure is not None
    assert "lock" in outcomes["odd"].failure.message
    assert work.noted("do").count("odd") == 1


def test_an_added_node_takes_work_and_its_loss_loses_nothing(cluster: Any, work: DiaryWork) -> None:
    units = sleeping(40, 0.5)
    outcomes: list[Outcome] = []
    node: Any = None
    killer: threading.Thread | None = None
    first: set[str] = set()
    for outcome in RayExecutor(cluster.address).map(work, units, Resources(overlap=2)):
        outcomes.append(outcome)
        if len(outcomes) == 4:
            first = {outcome.worker for outcome in outcomes}
            node = cluster.add_node(num_cpus=2)
        added = {outcome.worker for outcome in outcomes} - first
        if node is not None and killer is None and len(added) == 2:
            # SIGKILL of all its processes while units are in hand, as a preempted machine goes.
            killer = meanwhile(partial(cluster.remove_node, node, allow_graceful=False))
    assert killer is not None, "the added node took no work"
    killer.join()
    assert_all_done(outcomes, units)
    assert 1 <= sum(outcome.attempts > 1 for outcome in outcomes) <= 4


def test_what_a_broken_node_can_not_open_others_do(cluster: Any, work: DiaryWork) -> None:
    broken = cluster.add_node(num_cpus=2, env_vars={BROKEN_NODE: "1"})
    try:
        # However late the broken node's workers are there, picky units are left for them to be refused.
        picky = [
            Unit(key=f"{group}-{i}", group=group, args=("until-refused", PICKY))
            for group in PICKY
            for i in range(10)
        ]
        units = [*picky, *sleeping(10, 0.2, "a"), *sleeping(2, 0.0, ["bad"])]
        executor = RayExecutor(cluster.address)
        outcomes = {item.unit.key: item for item in executor.map(work, units, Resources(overlap=2))}
    finally:
        cluster.remove_node(broken)
    failed = {key: item.failure.kind for key, item in outcomes.items() if item.failure}
    assert len(outcomes) == 32
    assert failed == {"bad0": "ModelError", "bad1": "ModelError"}
    assert set(work.noted("refuse")) == {"bad", *PICKY}
    assert all(1 <= work.noted("refuse").count(name) <= 2 for name in PICKY)


def test_a_node_that_joined_later_and_sees_no_model_gets_no_work(cluster: Any, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "diary").mkdir()
    work, told = DiaryWork(str(tmp_path / "diary")), list[str]()
    units = sleeping(45, 0.25)
    workers: set[str] = set()
    node: Any = None
    with RayExecutor(cluster.address, tell=told.append) as executor:
        executor.check_nodes([tmp_path], [model])
        outcomes = []
        for outcome in executor.map(work, units, Resources()):
            outcomes.append(outcome)
            workers.add(outcome.worker)
            if node is None and len(workers) == 2:
                (model / "model.safetensors").rename(tmp_path / "elsewhere")
                node = cluster.add_node(num_cpus=2)
    cluster.remove_node(node)
    assert_all_done(outcomes, units)
    assert len(workers) == 2
    (remark,) = told
    assert "does not see" in remark
    assert "model.safetensors" in remark
    assert "its workers get no work" in remark
    assert not list(tmp_path.glob(".staging/probe-*"))


def test_workers_that_find_no_place_hold_nobody_up(cluster: Any, work: DiaryWork) -> None:
    units = sleeping(4, 0.05)
    outcomes = list(RayExecutor(cluster.address, 50).map(work, units, Resources()))
    assert_all_done(outcomes, units)


def test_no_place_at_all_is_told(cluster: Any, work: DiaryWork) -> None:
    executor = RayExecutor(cluster.address, placement_seconds=1.0)
    with pytest.raises(ClusterError, match=r"no worker could be started.*64.*ask for less"):
        list(executor.map(work, sleeping(1, 0.0), Resources(cpus=64)))


def test_a_work_that_no_worker_can_load_is_told(cluster: Any) -> None:
    with pytest.raises(ClusterError, match="workers in a row could not be started"):
        list(RayExecutor(cluster.address).map(Unloadable(), sleeping(1, 0.0), Resources()))


def test_workers_have_their_threads_and_variables(cluster: Any, work: DiaryWork) -> None:
    units = [
        Unit(key=name, group="a", args=("variable", name))
        for name in ("OMP_NUM_THREADS", "MINE", "PYTHONPATH")
    ]
    executor = RayExecutor(cluster.address, environment={"MINE": "1"})
    found = {
        outcome.unit.key: outcome.result["value"]
        for outcome in executor.map(work, units, Resources(threads=3))
    }
    assert (found["OMP_NUM_THREADS"], found["MINE"]) == ("3", "1")
    assert str(Path(__file__).parents[3]) in found["PYTHONPATH"].split(os.pathsep)


def fail_to_load() -> "Unloadable":
    raise ImportError("a library is missing on this node")


class Unloadable:
    """Pickles here, and does not unpickle there."""

    def __reduce__(self) -> Any:
        return fail_to_load, ()

    def open(self, group: str) -> Any:
        raise AssertionError(group)
