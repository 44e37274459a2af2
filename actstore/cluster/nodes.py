"""What the nodes of a cluster have and see. Imported only once Ray is connected."""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actstore.cluster.connect import worker_environment
from actstore.errors import AccessError, ClusterError
from actstore.schema.ports import Resources

ANSWER_SECONDS = 60.0
_RAY: Any = ray
"""Without its types, which are incomplete."""
ADVICE = "use a path that every node shares, or s3://"


@dataclass(frozen=True, slots=True)
class _Probe:
    """What a node has to find: files of a folder by name and size."""

    folder: str
    files: tuple[tuple[str, int], ...]
    writable: bool


def alive_nodes() -> list[dict[str, Any]]:
    """Ray's description of each node that is there."""
    return [node for node in _RAY.nodes() if node["Alive"]]


def describe_resources() -> str:
    """What the cluster has and what of it is free, for messages."""
    return f"the cluster has {_RAY.cluster_resources()}, free are {_RAY.available_resources()}"


def places(nodes: Sequence[Mapping[str, float]], resources: Resources) -> int:
    """How many workers fit on nodes with these resources, other work aside."""
    asked = {"CPU": resources.cpus, "GPU": resources.gpus, "memory": float(resources.memory_bytes)}
    asked = {name: amount for name, amount in asked.items() if amount > 0}
    if not asked:
        return len(nodes)
    return sum(
        min(int(node.get(name, 0.0) / amount + 1e-9) for name, amount in asked.items()) for node in nodes
    )


def check_nodes(folders: Sequence[Path], readable: Sequence[Path] = ()) -> None:
    """Every node proves that it sees what the driver sees.

    In each of `folders` (stores) the driver writes a probe file that every node must find and be able to
    write beside; of `readable` (local models) each node must find the same files, as large, and open them.
    Raises ClusterError with node and path; AccessError where the driver can not write.
    """
    environment = worker_environment(Resources(), {})
    with ExitStack() as stack:
        probes = [stack.enter_context(_probe_file(folder)) for folder in folders]
        probes += [_probe_listing(path) for path in readable]
        look = ray.remote(num_cpus=0, max_retries=0, runtime_env={"env_vars": environment})(_missing)
        answers = {
            _node_name(node): look.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(probes)
            for node in alive_nodes()
        }
        for name, answer in answers.items():
            _check_answer(name, answer)


def _check_answer(name: str, answer: Any) -> None:
    try:
        missing: str | None = ray.get(answer, timeout=ANSWER_SECONDS)
    except ray.exceptions.RayError as error:
        raise ClusterError(f"node {name} did not answer whether it sees the files: {error}") from error
    if missing is not None:
        raise ClusterError(f"node {name} {missing}; {ADVICE}")


def _node_name(node: Mapping[str, Any]) -> str:
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']}, {node['NodeID'][:8]})"


@contextmanager
def _probe_file(folder: Path) -> Iterator[_Probe]:
    path = folder.absolute() / f".probe-{secrets.token_hex(8)}"
    try:
        path.write_bytes(path.name.encode())
    except OSError as error:
        raise AccessError(f"{folder}: this process can not write there: {error}") from error
    try:
        yield _Probe(str(path.parent), ((path.name, len(path.name)),), True)
    finally:
        path.unlink(missing_ok=True)


def _probe_listing(path: Path) -> _Probe:
    path = path.absolute()
    files = [path] if path.is_file() else sorted(entry for entry in path.iterdir() if entry.is_file())
    parent = path.parent if path.is_file() else path
    return _Probe(str(parent), tuple((file.name, file.stat().st_size) for file in files), False)


def _missing(probes: Sequence[_Probe]) -> str | None:
    """What this node lacks, None where all is there."""
    for probe in probes:
        for name, n_bytes in probe.files:
            path = os.path.join(probe.folder, name)
            try:
                with open(path, "rb") as file:
                    found = os.fstat(file.fileno()).st_size
            except OSError as error:
                return f"does not see {probe.folder}: {name}: {error.strerror}"
            if found != n_bytes:
                return f"sees another {path}: {found} bytes there, {n_bytes} here"
        if probe.writable and not os.access(probe.folder, os.W_OK):
            return f"can not write to {probe.folder}"
    return None
