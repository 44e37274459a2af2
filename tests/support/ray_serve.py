"""A Ray of our own with its dashboard and Serve's proxy on loopback, and the processes of its replicas."""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.cluster_utils import Cluster

from tests.support.ray_cluster import ray_folder

MARK = "ACTSTORE_TEST_RAY"
TITLE = b"ray::ServeReplica"


@dataclass(frozen=True)
class RayServe:
    """Where Serve and the cluster's jobs answer."""

    http: str
    jobs: str
    mark: str

    def replicas(self) -> list[int]:
        """Processes of replicas of this cluster, told from others on the machine by a variable."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        try:
            title = Path(f"/proc/{pid}/cmdline").read_bytes()
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False
        return title.startswith(TITLE) and f"{MARK}={self.mark}".encode() in variables


@contextmanager
def ray_serve() -> Iterator[RayServe]:
    """Started here, stopped at the end."""
    port, dashboard_port, agent_port = free_ports(3)
    os.environ[MARK] = mark = secrets.token_hex(8)
    # A port of its own for the agent, which takes jobs: the usual one may be another cluster's.
    with ray_folder() as folder:
        cluster: Any = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 4,
                "include_dashboard": True,
                "dashboard_host": "127.0.0.1",
                "dashboard_port": dashboard_port,
                "dashboard_agent_listen_port": agent_port,
                "temp_dir": folder,
            },
        )
        try:
            ray.init(cluster.address, log_to_driver=False)
            serve.start(http_options={"host": "127.0.0.1", "port": port})
            yield RayServe(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{dashboard_port}", mark)
        finally:
            serve.shutdown()
            ray.shutdown()
            cluster.shutdown()
            del os.environ[MARK]


def free_ports(n_ports: int) -> list[int]:
    """Below those that the system gives to whoever connects: Ray binds them seconds later."""
    found: list[int] = []
    while len(found) < n_ports:
        port = 10_000 + secrets.randbelow(20_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found
