"""Clusters of several Ray nodes on this machine, which notice a lost node fast."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster

FAST_HEALTH_CHECKS = {
    "health_check_period_ms": 200,
    "health_check_timeout_ms": 500,
    "health_check_failure_threshold": 3,
    "health_check_initial_delay_ms": 0,
}


@contextmanager
def ray_cluster(*, head_cpus: int, **settings: Any) -> Iterator[Any]:
    """A head node to add others to; disconnected and stopped at the end. `settings` are Ray's own."""
    with ray_folder() as folder:
        cluster: Any = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": head_cpus,
                "_system_config": FAST_HEALTH_CHECKS | settings,
                "include_dashboard": False,
                "temp_dir": folder,
            },
        )
        try:
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


@contextmanager
def ray_folder() -> Iterator[str]:
    """A cluster's own folder: the usual one names the cluster that started last, whosever it is.

    Short, as it holds sockets. The usual one has to be there all the same: `Cluster` notes its address there.
    """
    Path(os.environ.get("TMPDIR", "/tmp"), "ray").mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def used_memory() -> tuple[int, int]:
    """Bytes of this machine's memory that are used, and all, as Ray's monitor counts them."""
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(fields[name].split()[0]) << 10 for name in ("MemTotal", "MemAvailable"))
    return total - available, total
