"""The Ray actor around a gate, and how it is started. Imported only once Ray is connected."""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray

from actstore.cluster.gate import Done, Gate
from actstore.cluster.probes import AnyProbe, missing
from actstore.schema.ports import Resources, Unit, Work


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a worker lives, and which of the files it needs are not there."""

    label: str
    node: str
    lacks: str | None


class Worker:
    """One process of the crew. Heavy things are built by `work.open`, never sent."""

    def __init__(self, work: Work, resources: Resources) -> None:
        self._gate = Gate(work, resources.overlap, ahead=resources.ahead)

    def ping(self, probes: Sequence[AnyProbe]) -> Arrival:
        """Look around. A node that joined in mid-run is probed by its workers, before they get work."""
        node = ray.get_runtime_context().get_node_id()
        return Arrival(f"{socket.gethostname()}:{os.getpid()}", node, missing(probes))

    def do(self, unit: Unit) -> Done:
        return self._gate.do(unit)

    def close(self) -> None:
        self._gate.close()


def start(work: Work, resources: Resources, environment: Mapping[str, str]) -> Any:
    """A handle to an actor that may still wait for its place.

    Ray restarts it for ever but repeats no call: its retries are used up before it notices that a node is
    gone, so the driver hands out lost units itself. One thread more than the units in hand answers pings.
    """
    options: dict[str, Any] = {
        "num_cpus": resources.cpus,
        "num_gpus": resources.gpus,
        "max_restarts": -1,
        "max_task_retries": 0,
        "max_concurrency": resources.overlap + resources.ahead + 1,
        "runtime_env": {"env_vars": dict(environment)},
    }
    if resources.memory_bytes:
        options["memory"] = resources.memory_bytes
    return ray.remote(Worker).options(**options).remote(work, resources)


def ping(actor: Any, probes: Sequence[AnyProbe]) -> Any:
    """A reference that is ready when the actor answers, after as many restarts as that takes."""
    return actor.ping.options(max_task_retries=-1).remote(probes)
