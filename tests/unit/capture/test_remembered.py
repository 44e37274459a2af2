"""What is remembered of files, and when it is not."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from actstore.capture.remembered import SETTLED_SECONDS, Remembered, cache_folder

OLD_SECONDS = 10 * SETTLED_SECONDS


class Counted:
    """Reads a file, and how often."""

    def __init__(self, path: Path) -> None:
        self.path, self.n = path, 0

    def __call__(self) -> str:
        self.n += 1
        return self.path.read_text()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that has not changed for a while: the clock is moved on, as its times can not be set back."""
    path = tmp_path / "weights"
    path.write_text("one")
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + OLD_SECONDS)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_unchanged_files_are_read_once_by_any_number_of_commands(file: Path, cache: Path) -> None:
    make = Counted(file)
    found = [Remembered(cache).value(["hash"], [file], make) for _ in range(3)]
    assert (found, make.n) == (["one"] * 3, 1)
    assert Remembered(cache).value(["another hash"], [file], make) == "one"
    assert make.n == 2


def rewritten(file: Path) -> None:
    file.write_text("two")


def replaced(file: Path) -> None:
    stat = file.stat()
    other = file.with_name("other")
    other.write_text("two")
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(file)


def rewritten_with_its_time_set_back(file: Path) -> None:
    stat = file.stat()
    file.write_text("two")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("change", [rewritten, replaced, rewritten_with_its_time_set_back])
def test_changed_files_are_read_again(file: Path, cache: Path, change: Callable[[Path], None]) -> None:
    make = Counted(file)
    assert Remembered(cache).value([], [file], make) == "one"
    change(file)  # of the same size
    assert Remembered(cache).value([], [file], make) == "two"


def test_a_file_of_a_moment_ago_is_not_remembered(tmp_path: Path, cache: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.write_text("one")
    make = Counted(fresh)
    for _ in range(2):
        Remembered(cache).value([], [fresh], make)
    assert make.n == 2
    assert not cache.exists()


def test_a_file_that_changes_while_it_is_read_is_not_remembered(file: Path, cache: Path) -> None:
    def torn() -> str:
        file.write_text("longer than before")
        return "torn"

    assert Remembered(cache).value([], [file], torn) == "torn"
    assert not cache.exists()


def test_damaged_records_are_made_anew(file: Path, cache: Path) -> None:
    make = Counted(file)
    Remembered(cache).value([], [file], make)
    (record,) = cache.rglob("*.json")
    for text in ("", "{", "[]", json.dumps({"key": "another", "value": "wrong"})):
        record.write_text(text)
        assert Remembered(cache).value([], [file], make) == "one"
    assert make.n == 5


def test_a_cache_that_can_not_be_written_costs_nothing_but_time(file: Path, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("no folder")
    assert Remembered(place).value([], [file], Counted(file)) == "one"


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ACTSTORE_CACHE", "none")
    assert cache_folder() is None
    monkeypatch.setenv("ACTSTORE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("ACTSTORE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "actstore"
