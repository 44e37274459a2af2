"""A cluster as operators make it: one `ray start` a node, each a process with a folder of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.ray_head import RAY, Head, ray_head

TOKEN = "nodes-of-a-test"
HOST = "127.0.0.{}".format
"""Of loopback: the head is 2, nodes are 3 and on; 1 Ray would take for this machine's outer name."""
CLUSTER = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"}
VARIABLES = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN, **CLUSTER}


@dataclass
class Nodes:
    """A head without work and nodes that join and go."""

    head: Head
    environment: Mapping[str, str]
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)

    def add(self) -> None:
        """One node more, with one CPU; it joins by itself."""
        self.folders.append(Path(tempfile.mkdtemp(prefix="node-")))
        self.running.append(self._start(len(self.folders) - 1))

    def _start(self, number: int) -> "subprocess.Popen[bytes]":
        folder = self.folders[number]
        with (folder / "log").open("ab") as log:
            return subprocess.Popen(
                [RAY, "start", f"--address={self.head.address}", "--block", "--disable-usage-stats",
                 "--num-cpus=1", f"--node-ip-address={HOST(number + 3)}"],
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd=folder,
                env={**os.environ, **self.environment, **VARIABLES, "HOME": str(folder)},
            )  # fmt: skip

    def wait(self, seconds: float = 150.0) -> None:
        """Until every node that was added has joined; one that gave up, on a busy machine, tries again."""
        deadline = time.monotonic() + seconds
        words = [str(RAY), "list", "nodes", f"--address={self.head.dashboard}", "--format=json"]
        while True:
            told = subprocess.run(
                words, env={**os.environ, **VARIABLES}, capture_output=True, text=True, check=False
            ).stdout
            if told.count('"ALIVE"') > len(self.running):
                return
            assert time.monotonic() < deadline, self.logs()
            for number, process in enumerate(self.running):
                if process.poll() is not None:
                    self.running[number] = self._start(number)

    def logs(self) -> str:
        """What the nodes say."""
        return "\n".join((folder / "log").read_text()[-1_000:] for folder in self.folders)

    def kill(self, number: int) -> None:
        """End a node and all its processes as a power cut does."""
        process = self.running[number]
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        process.wait()


@contextmanager
def ray_nodes(count: int, environment: Mapping[str, str]) -> Iterator[Nodes]:
    """A head that takes no work and some nodes; all of them, and nothing else, end with the block."""
    with ray_head(TOKEN, cpus=0, host=HOST(2), **CLUSTER) as head:
        nodes = Nodes(head, environment)
        try:
            for _ in range(count):
                nodes.add()
            nodes.wait()
            yield nodes
        finally:
            for number in range(len(nodes.running)):
                nodes.kill(number)
            for folder in nodes.folders:
                shutil.rmtree(folder, ignore_errors=True)
