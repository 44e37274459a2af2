"""The one-process executor, where it differs from Ray."""

import threading
from pathlib import Path

import pytest

from actstore.schema.ports import Resources, Unit
from actstore.serial import SerialExecutor
from tests.support.works import DiaryWork


def test_an_interrupt_stops_the_map_and_closes_the_group(tmp_path: Path) -> None:
    work = DiaryWork(str(tmp_path))
    units = [
        Unit(key="first", group="a"),
        Unit(key="stop", group="a", args=("raise", KeyboardInterrupt())),
        Unit(key="never", group="a"),
    ]
    with pytest.raises(KeyboardInterrupt):
        list(SerialExecutor().map(work, units, Resources()))
    assert work.noted("do") == ["first", "stop"]
    assert work.noted("close") == ["a"]


def test_groups_come_in_order_and_only_one_is_open(tmp_path: Path) -> None:
    work = DiaryWork(str(tmp_path))
    units = [Unit(key=f"{group}{i}", group=group) for i in range(2) for group in "ba"]
    list(SerialExecutor().map(work, units, Resources(overlap=2)))
    assert [line[1] for line in work.lines() if line[0] in ("open", "close")] == ["b", "b", "a", "a"]


def test_one_at_a_time_runs_in_the_calling_thread(tmp_path: Path) -> None:
    list(SerialExecutor().map(DiaryWork(str(tmp_path)), [Unit(key="u", group="a")], Resources()))
    (diary,) = tmp_path.glob("*.diary")
    assert diary.stem.endswith(f"-{threading.get_ident()}")
