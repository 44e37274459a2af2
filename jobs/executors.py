"""Which executor a command uses: Ray, or one process without it."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from actstore.cluster.executor import RayExecutor
from actstore.cluster.folders import refuse_runtime_folder
from actstore.errors import UnitsFailedError
from actstore.schema.ports import Executor, Resources
from actstore.serial import SerialExecutor
from actstore.store.objects import Objects
from jobs.machine import machine_bytes

AnyExecutor: TypeAlias = SerialExecutor | RayExecutor


class NoExecutor:
    """Stands where nothing is left to do: starts nothing and refuses work."""

    n_workers = 0

    def map(self, work: Any, units: Any, resources: Any) -> Any:
        raise UnitsFailedError("there is nothing to do, and yet work was handed out")


@contextmanager
def open_executor(
    arguments: argparse.Namespace,
    *,
    stores: Sequence[Objects] = (),
    models: Sequence[Path] = (),
    tell: Callable[[str], None] = lambda remark: None,
) -> Iterator[AnyExecutor]:
    """The executor that `--ray-address` and `--workers` name, closed at the end. Nothing is stored.

    Every node writes `stores` and reads the folders `models`: a cluster is asked to prove both. `tell` takes
    remarks on nodes that join later and do not.
    Raises ClusterError when nothing answers, a node can not see the files, or they would vanish with a job.
    """
    folders = [folder for objects in stores if (folder := objects.local_path("")) is not None]
    for folder in folders:
        refuse_runtime_folder(folder, "store")
    for model in models:
        refuse_runtime_folder(model, "model")
    if arguments.ray_address == "none":
        yield SerialExecutor()
        return
    with RayExecutor(arguments.ray_address, arguments.workers, tell=tell) as executor:
        buckets = [objects for objects in stores if objects.local_path("") is None]
        executor.check_nodes(folders, models, buckets)
        yield executor


def gpus_per_worker(executor: Executor) -> float:
    """A whole GPU where the cluster has any; one process takes what it sees without asking."""
    return 1.0 if isinstance(executor, RayExecutor) and executor.has_gpus else 0.0


def workers_for(executor: Executor, resources: Resources, n_units: int) -> int:
    """How many workers will do so many units."""
    found = executor.workers_for(resources) if isinstance(executor, RayExecutor) else executor.n_workers
    return min(found, n_units)


def share_bytes(executor: Executor, resources: Resources) -> int:
    """Memory that one worker has, in bytes: its share of a node, or this machine's."""
    return executor.share_bytes(resources) if isinstance(executor, RayExecutor) else machine_bytes()
