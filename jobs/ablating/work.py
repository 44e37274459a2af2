"""AblationWork: trains and scores one point in a worker, from stored activations where layers are frozen.

The layers below are neither loaded nor run, in training and in scoring alike. A state is kept at the end of
each epoch, so that a killed worker's point goes on from there.
"""

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.schema.ports import Unit
from actstore.store.objects import Objects
from actstore.store.root import open_root
from actstore.store.source import StoreSource
from actstore.store.training import (
    begin_training,
    end_training,
    keep_state,
    kept_steps,
    read_note,
    state_file,
)
from jobs.ablating.request import PointRequest, Side
from jobs.ablating.rows import POINTS
from jobs.training.score_work import RunActivations, without_examples
from jobs.training.tables import corpus_tables

if TYPE_CHECKING:  # torch is loaded where a worker trains, not where a driver plans
    from jobs.ablating.model import ReadyPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationWork:
    """Points as work for an executor; a group is one point."""

    threads: int
    device: str = "auto"

    def open(self, group: str) -> "AblationTask":
        return AblationTask(self)


class AblationTask:
    """Trains what its units ask for."""

    def __init__(self, work: AblationWork) -> None:
        self._work = work

    def do(self, unit: Unit) -> pa.Table:
        """The rows of one point (POINTS). Raises ActstoreError."""
        return PointTraining(unit.args, self._work).run()

    def close(self) -> None:
        pass


@dataclass(slots=True)
class Done:
    """What a training did until now; kept beside its states."""

    seconds: float = 0.0
    n_tokens: int = 0
    read_bytes: int = 0
    loss: float = 0.0
    """Mean of the last whole epoch."""
    total: float = 0.0
    count: int = 0


@dataclass(slots=True)
class CountedActivations:
    """Stored activations that count what is read of them."""

    source: RunActivations
    read_bytes: int = 0

    def gather(self, row_T: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        value_TD = self.source.gather(row_T)
        self.read_bytes += value_TD.nbytes
        return value_TD


class PointTraining:
    """One point."""

    def __init__(self, request: PointRequest, work: AblationWork) -> None:
        self._request, self._work = request, work
        self._objects: Objects = open_root(request.store)
        self._id = request.point_id

    def run(self) -> pa.Table:
        """Train from wherever it stands, score, and let go of the states."""
        from jobs.ablating.model import ready_point

        request = self._request
        tables = {side: self._tables(getattr(request, side)) for side in ("train", "dev")}
        ready = ready_point(request, tables["train"], self._work.threads, self._work.device)
        done, n_steps = self._train(ready)
        dev = self._activations(request.dev)
        scores = ready.score(tables["dev"], dev)
        if request.keep is not None:
            from jobs.ablating.keep import keep_model

            keep_model(self._objects, request, ready, request.keep, scores.metrics)
        end_training(self._objects, self._id)
        cost = {
            "n_steps": n_steps,
            "seconds": done.seconds,
            "loss": done.loss,
            "n_train_tokens": done.n_tokens,
            "n_dev_tokens": len(tables["dev"].tokens),
            "layers_not_run": request.point.n_frozen or 0,
            "read_bytes": done.read_bytes + (0 if dev is None else dev.read_bytes),
            "train_run": request.train.run_id,
            "dev_run": request.dev.run_id,
        }
        return pa.Table.from_pylist(
            [_row(request, *item) | cost for item in scores.metrics.items()], schema=POINTS
        )

    def _train(self, ready: "ReadyPoint") -> tuple[Done, int]:
        """To the last step; what was done, and of how many steps."""
        from analyses.tuning.state import write_state

        state, done = self._kept()
        activations = self._activations(self._request.train, done.read_bytes)
        training = ready.training(activations, state)
        about = {"checkpoint": self._request.name, "n_steps": training.n_steps}
        begin_training(self._objects, self._id, about)
        begun = time.perf_counter() - done.seconds
        for step in training:
            done.n_tokens += step.n_tokens
            done.total, done.count = done.total + step.loss, done.count + 1
            if step.epoch_ended:
                done.loss, done.total, done.count = done.total / done.count, 0.0, 0
                done.seconds = time.perf_counter() - begun
                done.read_bytes = 0 if activations is None else activations.read_bytes
                if step.step < training.n_steps:
                    # Of two drivers at once both go on: the same seeds give the same weights.
                    keep_state(
                        self._objects, self._id, step.step, lambda path: write_state(path, training.state()),
                        asdict(done),
                    )  # fmt: skip
        return done, training.n_steps

    def _kept(self) -> tuple[Any, Done]:
        """The newest kept state, None at the beginning; another driver may let go of one meanwhile."""
        from analyses.tuning.state import read_state

        for step in reversed(kept_steps(self._objects, self._id)):
            try:
                with state_file(self._objects, self._id, step) as path:
                    return read_state(path), Done(**read_note(self._objects, self._id, step))
            except FileNotFoundError:
                return self._kept()
        return None, Done()

    def _tables(self, side: Side) -> Any:
        corpus = side.corpus
        tables = corpus_tables(self._objects, self._request.task, corpus.ref, corpus.tokens_id)
        return without_examples(tables, side.excluded)

    def _activations(self, side: Side, read_bytes: int = 0) -> CountedActivations | None:
        site = self._request.site
        if site is None or side.run_id is None:
            return None
        source = RunActivations(StoreSource(self._request.store), side.run_id, site)
        return CountedActivations(source, read_bytes)


def _row(request: PointRequest, metric: str, value: float) -> dict[str, Any]:
    point = request.point
    return {
        "name": request.name, "kind": point.kind, "task": request.task, "base": request.base,
        "n_layers": point.n_layers, "seed": point.seed, "metric": metric, "value": value,
    }  # fmt: skip
