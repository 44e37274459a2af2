"""The gate inside a worker, with threads of our own instead of Ray's."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from actstore.cluster.gate import CLOSED, Done, Gate
from actstore.errors import ModelError
from actstore.schema.ports import Unit


@dataclass
class CountingWork:
    """Tells how many groups and units are open at most, and in which order groups came."""

    opened: list[str] = field(default_factory=list)
    n_open: int = 0
    most_open: int = 0
    n_active: int = 0
    most_active: int = 0
    active_groups: Counter[str] = field(default_factory=Counter)
    groups_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, group: str) -> "CountingTask":
        self.opened.append(group)
        if group == "bad":
            raise ModelError("bad")
        with self.lock:
            self.n_open += 1
            self.most_open = max(self.most_open, self.n_open)
        return CountingTask(self, group)


@dataclass
class CountingTask:
    work: CountingWork
    group: str

    def do(self, unit: Unit) -> str:
        with self.work.lock:
            self.work.n_active += 1
            self.work.most_active = max(self.work.most_active, self.work.n_active)
            self.work.active_groups[unit.group] += 1
            self.work.groups_at_once = max(self.work.groups_at_once, len(+self.work.active_groups))
        time.sleep(0.002)
        with self.work.lock:
            self.work.n_active -= 1
            self.work.active_groups[unit.group] -= 1
        return unit.key

    def close(self) -> None:
        with self.work.lock:
            assert self.work.active_groups[self.group] == 0
            self.work.n_open -= 1


def test_many_threads_and_groups_never_share_the_gate_or_block_it() -> None:
    work = CountingWork()
    gate = Gate(work, slots=3)
    units = [Unit(key=f"{group}{i}", group=group) for i in range(20) for group in "abc"]
    with ThreadPoolExecutor(12) as pool:
        results = [done.result for done in pool.map(gate.do, units, timeout=30)]
    gate.close()
    assert results == [unit.key for unit in units]
    assert (work.most_open, work.n_open) == (1, 0)
    assert 1 < work.most_active <= 3


def test_a_group_that_fails_to_open_is_tried_once_in_a_row() -> None:
    work = CountingWork()
    gate = Gate(work, slots=1)
    done = [gate.do(Unit(key=f"{i}", group=group)) for i, group in enumerate(["bad", "bad", "a", "bad"])]
    gate.close()
    assert [one.opened for one in done] == [False, False, True, False]
    assert work.opened == ["bad", "a", "bad"]
    assert done[0].failure is not None
    assert done[0].failure.kind == "ModelError"


@dataclass
class MeetingWork:
    """Opening `b` and doing a unit of `a` wait for each other, or fail."""

    meeting: threading.Barrier = field(default_factory=lambda: threading.Barrier(2))

    def open(self, group: str) -> "MeetingTask":
        if group == "b":
            self.meeting.wait(timeout=20)
        return MeetingTask(self)


@dataclass
class MeetingTask:
    work: MeetingWork

    def do(self, unit: Unit) -> str:
        if unit.group == "a":
            self.work.meeting.wait(timeout=20)
        return unit.key

    def close(self) -> None:
        pass


def test_the_next_group_is_opened_while_the_one_before_is_at_work() -> None:
    gate = Gate(MeetingWork(), slots=1, ahead=True)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(gate.do, Unit(key="a0", group="a"))
        time.sleep(0.05)  # so that `a` is the one at work
        second = pool.submit(gate.do, Unit(key="b0", group="b"))
        assert (first.result(30), second.result(30)) == (Done(result="a0"), Done(result="b0"))
    gate.close()


def test_ahead_never_three_groups_are_open_and_never_two_at_work() -> None:
    work = CountingWork()
    gate = Gate(work, slots=3, ahead=True)
    units = [Unit(key=f"{group}{i}", group=group) for i in range(20) for group in ("a", "b", "bad", "c")]
    with ThreadPoolExecutor(12) as pool:
        results = [(done.result, done.opened) for done in pool.map(gate.do, units, timeout=30)]
    gate.close()
    assert results == [(None, False) if unit.group == "bad" else (unit.key, True) for unit in units]
    assert (work.most_open, work.n_open) == (2, 0)
    assert work.groups_at_once == 1
    assert work.most_active <= 3


@dataclass
class ChainWork:
    """`a` is done once `b` is open and `c` waits; the other two once both of them were open together."""

    n_came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    opened: set[str] = field(default_factory=set)
    b_open: threading.Event = field(default_factory=threading.Event)
    together: threading.Event = field(default_factory=threading.Event)

    def open(self, group: str) -> "ChainTask":
        self.opened.add(group)
        if group == "b":
            self.b_open.set()
        if self.opened >= {"b", "c"}:
            self.together.set()
        return ChainTask(self, group)


@dataclass
class ChainTask:
    work: ChainWork
    group: str

    def do(self, unit: Unit) -> str:
        if unit.group == "a":
            assert self.work.b_open.wait(timeout=5)
            assert self.work.n_came.acquire(timeout=5)
            time.sleep(0.05)  # so that `c` waits
        else:
            assert self.work.together.wait(timeout=5), "the next group was not opened meanwhile"
        return unit.key

    def close(self) -> None:
        self.work.opened.discard(self.group)


def test_a_group_that_could_not_be_opened_ahead_at_once_is_opened_when_it_can() -> None:
    work = ChainWork()
    gate = Gate(work, slots=1, ahead=True)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(gate.do, Unit(key="a0", group="a"))
        time.sleep(0.05)  # so that `a` is the one at work
        second = pool.submit(gate.do, Unit(key="b0", group="b"))
        assert work.b_open.wait(timeout=5)
        third = pool.submit(gate.do, Unit(key="c0", group="c"))
        work.n_came.release()
        results = [one.result(30) for one in (first, second, third)]
    gate.close()
    assert results == [Done(result="a0"), Done(result="b0"), Done(result="c0")]


def test_a_unit_that_waits_when_the_gate_closes_opens_nothing() -> None:
    work = CountingWork()
    gate = Gate(work, slots=1)
    with ThreadPoolExecutor(9) as pool:
        waiting = [pool.submit(gate.do, Unit(key=group, group=group)) for group in "abcdefgh"]
        closing = pool.submit(gate.close)
        closing.result(30)
        done = [unit.result(30) for unit in waiting]
    assert work.n_open == 0
    assert all(one.failure == CLOSED for one in done if one.failure)
    assert gate.do(Unit(key="z", group="z")).failure == CLOSED
    assert (work.n_open, "z" in work.opened) == (0, False)
