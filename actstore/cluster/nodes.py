"""What the nodes of a cluster have and see. Imported only once Ray is connected."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actstore.cluster.connect import worker_environment
from actstore.cluster.probes import AnyProbe, missing
from actstore.errors import ClusterError
from actstore.schema.ports import Resources

ANSWER_SECONDS = 60.0
LOST_SECONDS = 30.0
"""Until Ray notices that a node is gone, by its usual settings."""
_RAY: Any = ray
"""Without its types, which are incomplete."""
ADVICE = "use a path that every node shares, or s3://"


def alive_nodes() -> list[dict[str, Any]]:
    """Ray's description of each node that is there."""
    return [node for node in _RAY.nodes() if node["Alive"]]


def describe_resources() -> str:
    """What the cluster has and what of it is free, for messages."""
    return f"the cluster has {_RAY.cluster_resources()}, free are {_RAY.available_resources()}"


def check_nodes(probes: Sequence[AnyProbe]) -> None:
    """Every node proves that it sees what the driver sees. Raises ClusterError with node and path.

    A node that is lost meanwhile proves nothing and gets no work.
    """
    environment = worker_environment(Resources(), {})
    look = ray.remote(num_cpus=0, max_retries=0, runtime_env={"env_vars": environment})(missing)
    answers = [
        (node, look.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(probes))
        for node in alive_nodes()
    ]  # fmt: skip
    for node, answer in answers:
        _check_answer(node, answer)


def node_name(node_id: str) -> str:
    """A node as messages call it."""
    return next((_node_name(node) for node in _RAY.nodes() if node["NodeID"] == node_id), node_id[:8])


def _check_answer(node: Mapping[str, Any], answer: Any) -> None:
    try:
        lacks: str | None = ray.get(answer, timeout=ANSWER_SECONDS)
    except ray.exceptions.RayError as error:
        if _is_lost(node["NodeID"]):
            return
        raise ClusterError(
            f"node {_node_name(node)} did not answer whether it sees the files: {error}"
        ) from error
    if lacks is not None:
        raise ClusterError(f"node {_node_name(node)} {lacks}; {ADVICE}")


def _is_lost(node_id: str) -> bool:
    """Whether Ray takes the node for dead, now or in a moment."""
    deadline = time.monotonic() + LOST_SECONDS
    while any(node["NodeID"] == node_id for node in alive_nodes()):
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def _node_name(node: Mapping[str, Any]) -> str:
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']}, {node['NodeID'][:8]})"
