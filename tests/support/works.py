"""Real, small works for executors: what they do is named by the unit, what they did is told by files."""

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actstore.errors import ModelError
from actstore.schema.ports import Unit

BROKEN_NODE = "ACTSTORE_TEST_BROKEN_NODE"
"""A variable of nodes on which groups of the name picky can not be opened."""
STEP_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class DiaryWork:
    """Each `open`, `do` and `close` leaves a line in a file of its process."""

    folder: str

    def open(self, group: str) -> "DiaryTask":
        if group.startswith("bad") or (group.startswith("picky") and BROKEN_NODE in os.environ):
            self.note("refuse", group)
            raise ModelError(f"{group}: no such family")
        self.note("open", group)
        return DiaryTask(self, group)

    def note(self, what: str, name: str) -> None:
        pid = os.getpid()
        with (Path(self.folder) / f"{pid}-{threading.get_ident()}.diary").open("a") as file:
            file.write(f"{what} {name} {pid} {time.time()}\n")

    def lines(self) -> list[list[str]]:
        """[what, name, pid, time] in order of time."""
        texts = [path.read_text() for path in Path(self.folder).glob("*.diary")]
        return sorted(
            (line.split() for text in texts for line in text.splitlines()), key=lambda x: float(x[3])
        )

    def noted(self, what: str) -> list[str]:
        return [line[1] for line in self.lines() if line[0] == what]

    def pids(self, what: str) -> set[int]:
        return {int(line[2]) for line in self.lines() if line[0] == what}


class DiaryTask:
    """Does what `unit.args` says: a list of [verb, argument]."""

    def __init__(self, work: DiaryWork, group: str) -> None:
        self._work, self._folder, self._group = work, work.folder, group
        self._barrier = threading.Barrier(2)

    def note(self, what: str, name: str) -> None:
        self._work.note(what, name)

    def do(self, unit: Unit) -> dict[str, Any]:
        assert unit.group == self._group
        self.note("do", unit.key)
        verb, argument = unit.args or ("", None)
        if verb == "sleep":
            time.sleep(argument)
        elif verb == "raise":
            raise argument
        elif verb == "meet":
            # Two units at once, or BrokenBarrierError.
            self._barrier.wait(timeout=argument)
        elif verb == "kill-self-once" and not (Path(self._folder) / f"{unit.key}.killed").exists():
            (Path(self._folder) / f"{unit.key}.killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        elif verb == "kill-self":
            os.kill(os.getpid(), signal.SIGKILL)
        elif verb == "eat-once" and not (Path(self._folder) / f"{unit.key}.ate").exists():
            (Path(self._folder) / f"{unit.key}.ate").touch()
            eat(argument)
        elif verb == "eat":
            eat(argument)
        elif verb == "until-refused":
            self._wait_for_refusals(argument)
        elif verb == "ahead":
            self._wait_for_another(argument)
        elif verb == "unsendable":
            return {"lock": threading.Lock()}
        elif verb == "variable":
            return {"value": os.environ.get(argument)}
        self.note("did", unit.key)
        return {"key": unit.key, "measured": {"tokens": 10}}

    def close(self) -> None:
        self.note("close", self._group)

    def _wait_for_refusals(self, groups: list[str]) -> None:
        """Until some worker could not open each of the groups, a minute at most."""
        end = time.monotonic() + 60
        while not set(self._work.noted("refuse")) >= set(groups) and time.monotonic() < end:
            time.sleep(0.05)

    def _wait_for_another(self, seconds: float) -> None:
        """Until this process had a second group open beside this one, be it the one before or the next."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if any(self._group in groups for groups in self._open_together()):
                return
            time.sleep(0.01)
        raise TimeoutError("no other group was opened")

    def _open_together(self) -> list[set[str]]:
        """Groups that this process had open at once, at each time there were two of them."""
        together, held = [], set[str]()
        for what, name, pid, _ in self._work.lines():
            if int(pid) == os.getpid() and what in ("open", "close"):
                held = held | {name} if what == "open" else held - {name}
                if len(held) == 2:
                    together.append(held)
        return together


def eat(most_bytes: int) -> None:
    """Take memory, page by page, until this process is ended for it, or so much is taken."""
    held = []
    for _ in range(most_bytes // STEP_BYTES):
        held.append(b"\x01" * STEP_BYTES)
        time.sleep(0.01)
    raise AssertionError(f"{len(held) * STEP_BYTES} bytes were taken and nobody minded")
