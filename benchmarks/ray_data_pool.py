"""Ray Data's actor pool as an executor: the units are rows of a data set, the workers the pool's actors."""

import os
import pickle
import socket
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import ray
import ray.data

from actstore.cluster.connect import connect, worker_environment
from actstore.plan.outcomes import attempt
from actstore.schema.ports import Failure, Outcome, Resources, Task, Unit, Work


class RayDataPool:
    """Runs units by `Dataset.map` with a pool of a fixed size.

    `shielded`: what a unit raises comes back as its failure; else it is Ray Data's to handle.
    """

    def __init__(self, n_workers: int, *, shielded: bool = True) -> None:
        connect("local", n_workers)
        self.n_workers, self._shielded = n_workers, shielded
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = False

    def map(self, work: Work, units: Sequence[Unit], resources: Resources) -> Iterator[Outcome]:
        """Yield one outcome a unit, as the data set gives its rows."""
        rows = [{"unit": pickle.dumps(unit)} for unit in units]
        done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            DoUnit,
            fn_constructor_args=(work, self._shielded),
            compute=ray.data.ActorPoolStrategy(size=self.n_workers),
            num_cpus=resources.cpus,
            runtime_env={"env_vars": worker_environment(resources, {})},
        )
        for row in done.iter_rows():
            yield pickle.loads(row["outcome"])

    def __enter__(self) -> "RayDataPool":
        return self

    def __exit__(self, *_: object) -> None:
        ray.shutdown()


class DoUnit:
    """An actor of the pool: keeps open what the last unit needed."""

    def __init__(self, work: Work, shielded: bool) -> None:
        self._work, self._shielded = work, shielded
        self._group: str | None = None
        self._task: Task | None = None
        self._name = f"{socket.gethostname()}:{os.getpid()}"

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        unit: Unit = pickle.loads(row["unit"])
        result = attempt(partial(self._do, unit)) if self._shielded else self._do(unit)
        failure = result if isinstance(result, Failure) else None
        outcome = Outcome(unit=unit, result=None if failure else result, failure=failure, worker=self._name)
        return {"outcome": pickle.dumps(outcome)}

    def _do(self, unit: Unit) -> Any:
        return self._open(unit.group).do(unit)

    def _open(self, group: str) -> Task:
        if self._task is None or group != self._group:
            if self._task is not None:
                self._task.close()
            self._group, self._task = None, None
            self._task = self._work.open(group)
            self._group = group
        return self._task
