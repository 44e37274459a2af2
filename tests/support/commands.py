"""Commands as a user types them: in this process where fast, or in one of their own."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import main

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 240
ALONE = ("--ray-address", "none")
"""One process without Ray."""


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on stdout; fails where there is anything beside it."""
        return json.loads(self.out)


class Here:
    """Runs commands in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: object) -> Answer:
        self._capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as left:  # argparse
            code = int(left.code or 0)
        said = self._capsys.readouterr()
        return Answer(code, said.out, said.err)


def environment(**more: str) -> dict[str, str]:
    """The variables of a command's process; our packages are found wherever it starts."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}


def bound_by_rights() -> list[str]:
    """What has to run a command so that files' rights bind it, root too; skips where that can not be had."""
    if os.geteuid() != 0:
        return []
    dropped = "-dac_override,-dac_read_search"
    words = ["setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}"]
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"], check=False).returncode != 0:
        pytest.skip("root may write everywhere, and setpriv can not take that right away")
    return words


def start(
    *words: object, env: Mapping[str, str] | None = None, before: Sequence[str] = (), **options: Any
) -> "subprocess.Popen[str]":
    """Begin a command in a process, and a process group, of its own; `before` runs it."""
    return subprocess.Popen(
        [*before, sys.executable, "-m", "jobs.cli", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=environment(**(env or {})), **options,
    )  # fmt: skip


def kill(process: "subprocess.Popen[str]") -> None:
    """SIGKILL to the command and to whatever it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=WAIT_SECONDS)


def run(
    *words: object, env: Mapping[str, str] | None = None, before: Sequence[str] = (), **options: Any
) -> Answer:
    """A command in a process of its own, to its end."""
    process = start(*words, env=env, before=before, **options)
    out, err = process.communicate(timeout=WAIT_SECONDS)
    return Answer(process.returncode, out, err)
