"""The command when its workers are killed for their memory: exit code 1, what to do, and the rest is done."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.commands import Here
from tests.support.ray_cluster import ray_cluster
from tests.support.tiny_models import make_tiny_model

pytestmark = [pytest.mark.ray, pytest.mark.slow]

LONG_TOKENS, N_HEADS = 16384, 4
"""The attention scores of one sequence take N_HEADS * LONG_TOKENS^2 * 4 bytes, 4 GiB."""
KILLED_BYTES = 3 << 29
"""A worker that does small things stays below it by far."""
STUDY = f"""
store = "store"

[[checkpoint]]
name = "base"
model = "model"

[[corpus]]
name = "short"
path = "short.txt"
format = "text"

[[corpus]]
name = "long"
path = "long.txt"
format = "text"
max_length = {LONG_TOKENS}

[extract]
attention = "eager"
"""


def field(pid: int, name: str) -> int:
    """A number of a process's status; 0 where it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0


def is_below_here(pid: int) -> bool:
    while pid > 1 and pid != os.getpid():
        pid = field(pid, "PPid")
    return pid == os.getpid()


@contextmanager
def memory_guard() -> Iterator[list[int]]:
    """SIGKILL to every process below this one that grows too large, as a kernel out of memory does."""
    killed: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            for pid in [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]:
                too_large = field(pid, "VmRSS") << 10 > KILLED_BYTES
                if too_large and pid != os.getpid() and pid not in killed and is_below_here(pid):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        done.set()
        thread.join()


def test_a_run_that_takes_all_memory_ends_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_tiny_model(tmp_path / "model", "gpt2", n_positions=LONG_TOKENS, n_head=N_HEADS)
    (tmp_path / "short.txt").write_text("A short text.\nAnd another one.\n")
    (tmp_path / "long.txt").write_text("the cat sat on the mat and did not care " * (LONG_TOKENS // 8))
    (tmp_path / "study.toml").write_text(STUDY)
    with ray_cluster(head_cpus=1) as cluster, memory_guard() as killed:
        answer = Here(capsys)("extract", tmp_path / "study.toml", "--ray-address", cluster.address, "--json")
    assert answer.code == 1, answer
    assert len(killed) == 3
    complete = {run["corpus"]: run["complete"] for run in answer.document["runs"]}
    assert complete == {"short": True, "long": False}
    assert "base over long: LostWorkerError:" in answer.err
    assert "set a smaller tokens_per_batch" in answer.err
