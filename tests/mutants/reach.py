"""Reach: which tests run which lines of a module, and how long each takes, so that a change meets few."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest


@dataclass(frozen=True, slots=True)
class Reach:
    """What a run of all tests of a module told."""

    by_line: dict[int, list[str]]
    """Tests by line; under importing, where a line runs before any test, none."""
    seconds: dict[str, float]

    def of(self, lines: range) -> list[str]:
        """The tests that run any of the lines, the fastest first; all where they run before any test."""
        if any("" in self.by_line.get(line, ()) for line in lines):
            return self._sorted(set(self.seconds))
        return self._sorted({test for line in lines for test in self.by_line.get(line, ())})

    def _sorted(self, tests: set[str]) -> list[str]:
        return sorted(tests, key=lambda test: (self.seconds[test], test))


class Observer:
    """A plugin of pytest that notes both while all tests run."""

    def __init__(self, module: Path, into: Path) -> None:
        self._module, self._into = str(module), into
        self._seconds: dict[str, float] = {}
        self._cover = coverage.Coverage(include=[self._module], data_file=None, config_file=False)
        self._cover.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._cover.switch_context(item.nodeid)
        started = time.monotonic()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = time.monotonic() - started
            self._cover.switch_context("")

    def pytest_sessionfinish(self) -> None:
        self._cover.stop()
        by_line = self._cover.get_data().contexts_by_lineno(self._module)
        self._into.write_text(json.dumps({"by_line": by_line, "seconds": self._seconds}))


def read_reach(path: Path) -> Reach:
    """What an observer wrote."""
    told = json.loads(path.read_text())
    return Reach({int(line): tests for line, tests in told["by_line"].items()}, told["seconds"])
