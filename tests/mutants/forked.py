"""Forked: pytest in a child of this process, in which all libraries are loaded already, with a time limit."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import numpy
import pyarrow.parquet
import pytest
import zarr

from tests.mutants.reach import Observer

LIBRARIES = (hypothesis, numpy, pyarrow.parquet, zarr)
"""Loaded once; a child has them, and loads what is ours anew."""
PLUGINS = ("_hypothesis_pytestplugin", "pytest_timeout")


@dataclass(frozen=True, slots=True)
class Child:
    """Tests under way."""

    process: int
    started: float
    seconds: float
    """After so many, tests that hang have failed."""

    def ended(self) -> bool | None:
        """Whether the tests passed; None while they run."""
        process, status = os.waitpid(self.process, os.WNOHANG)
        if process == 0 and time.monotonic() - self.started < self.seconds:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)
        if process == 0:
            os.waitpid(self.process, 0)
            return False
        return os.waitstatus_to_exitcode(status) == 0


def start(tree: Path, tests: Sequence[str], seconds: float, observed: str = "") -> Child:
    """Run the tests of a tree, as far as the first failure; what they say is in tree/told.

    `observed`: a module, of which tree/reach then says which tests run which lines.
    """
    process = os.fork()
    if process:
        return Child(process, time.monotonic(), seconds)
    os.setsid()
    os.chdir(tree)
    told = os.open("told", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(told, 1)
    os.dup2(told, 2)
    code = 1
    try:
        code = _run(tree, tests, observed)
    finally:
        sys.stdout.flush()
        os._exit(code)


def _run(tree: Path, tests: Sequence[str], observed: str) -> int:
    sys.path.insert(0, str(tree))
    sys.dont_write_bytecode = not observed  # what is compiled in the first run serves all that follow
    os.environ |= {
        "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }  # fmt: skip
    # the same examples each time, and no time spent on making a failure small
    hypothesis.settings.register_profile(
        "mutants", derandomize=True, database=None, deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )  # fmt: skip
    plugins = [word for name in PLUGINS for word in ("-p", name)]
    temporary = ["--basetemp", str(tree / "temporary")]
    observers = [Observer(tree / observed, tree / "reach")] if observed else []
    options = ["-q", "-x", "--tb=short", "-p", "no:cacheprovider", *plugins, *temporary]
    options.append("--hypothesis-profile=mutants")
    return pytest.main([*options, *tests], plugins=observers)
