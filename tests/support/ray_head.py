"""A running cluster of one node as `ray start --head` makes it, on loopback, with its dashboard for jobs."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RAY = Path(sys.executable).parent / "ray"
START_SECONDS = 90
STOP_SECONDS = 60


@dataclass(frozen=True)
class Head:
    """Where the cluster answers."""

    address: str
    dashboard: str


@contextmanager
def ray_head(token: str, *, cpus: int = 2, host: str = "127.0.0.1", **more: str) -> Iterator[Head]:
    """Start a head, wait until it takes jobs, and stop it and nothing else at the end.

    Whoever asks it something needs RAY_AUTH_MODE=token and RAY_AUTH_TOKEN.
    """
    # The agent takes jobs; its usual port may be another cluster's on the same machine.
    port, dashboard_port, agent_port = _free_ports(3)
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: it holds sockets
    process = subprocess.Popen(
        [RAY, "start", "--head", "--block", "--disable-usage-stats", f"--port={port}", f"--num-cpus={cpus}",
         f"--node-ip-address={host}", f"--dashboard-host={host}", f"--dashboard-port={dashboard_port}",
         f"--dashboard-agent-listen-port={agent_port}",
         f"--temp-dir={folder}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=folder,
        env={**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, **more},
    )  # fmt: skip
    head = Head(f"{host}:{port}", f"http://{host}:{dashboard_port}")
    try:
        _wait(head, token, process)
        yield head
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        finally:
            _end_group(process.pid)
            shutil.rmtree(folder, ignore_errors=True)


def _wait(head: Head, token: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the head ended by itself"
        try:
            request = urllib.request.Request(
                f"{head.dashboard}/api/version", headers={"Authorization": f"Bearer {token}"}
            )
            with urllib.request.urlopen(request, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"{head.dashboard} does not answer")


def _end_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _free_ports(n_ports: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n_ports)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
