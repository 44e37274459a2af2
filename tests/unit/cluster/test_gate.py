"""The gate inside a worker, with threads of our own instead of Ray's."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from actstore.cluster.gate import Gate
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
    lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, group: str) -> "CountingTask":
        self.opened.append(group)
        if group == "bad":
            raise ModelError("bad")
        self.n_open += 1
        self.most_open = max(self.most_open, self.n_open)
        return CountingTask(self)


@dataclass
class CountingTask:
    work: CountingWork

    def do(self, unit: Unit) -> str:
        with self.work.lock:
            self.work.n_active += 1
            self.work.most_active = max(self.work.most_active, self.work.n_active)
        time.sleep(0.002)
        with self.work.lock:
            self.work.n_active -= 1
        return unit.key

    def close(self) -> None:
        assert self.work.n_active == 0
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
