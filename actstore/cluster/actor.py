"""The Ray actor around a gate, and how it is started. Imported only once Ray is connected."""

import os
import socket
from collections.abc import Mapping
from typing import Any

import ray

from actstore.cluster.gate import Done, Gate
from actstore.schema.ports import Resources, Unit, Work


class Worker:
    """One process of the crew. Heavy things are built by `work.open`, never sent."""

    def __init__(self, work: Work, slots: int) -> None:
        self._gate = Gate(work, slots)

    def ping(self) -> str:
        """Where this worker lives."""
        return f"{socket.gethostname()}:{os.getpid()}"

    def do(self, unit: Unit) -> Done:
        return self._gate.do(unit)

    def close(self) -> None:
        self._gate.close()


def start(work: Work, resources: Resources, environment: Mapping[str, str]) -> Any:
    """A handle to an actor that may still wait for its place.

    Ray restarts it for ever but repeats no call: its retries are used up before it notices that a node is
    gone, so the driver hands out lost units itself. One thread more than `overlap` answers pings.
    """
    options: dict[str, Any] = {
        "num_cpus": resources.cpus,
        "num_gpus": resources.gpus,
        "max_restarts": -1,
        "max_task_retries": 0,
        "max_concurrency": resources.overlap + 1,
        "runtime_env": {"env_vars": dict(environment)},
    }
    if resources.memory_bytes:
        options["memory"] = resources.memory_bytes
    return ray.remote(Worker).options(**options).remote(work, resources.overlap)


def ping(actor: Any) -> Any:
    """A reference that is ready when the actor answers, after as many restarts as that takes."""
    return actor.ping.options(max_task_retries=-1).remote()
