"""Clusters of several Ray nodes on this machine, which notice a lost node fast."""

from collections.abc import Iterator
from contextlib import contextmanager
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
def ray_cluster(*, head_cpus: int) -> Iterator[Any]:
    """A head node to add others to; disconnected and stopped at the end."""
    cluster: Any = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": head_cpus,
            "_system_config": FAST_HEALTH_CHECKS,
            "include_dashboard": False,
        },
    )
    try:
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()
