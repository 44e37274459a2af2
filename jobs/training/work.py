"""TrainWork: trains one checkpoint in a worker, from the newest kept state to its registration.

A state is kept at the end of each epoch and at each step of which a checkpoint is asked for. Of two trainers
of one checkpoint the first to reach such a step decides its state; the other goes on from there.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from actstore.schema.ports import Unit
from actstore.store.objects import Objects
from actstore.store.root import open_root
from actstore.store.trained import check_training
from actstore.store.training import (
    begin_training,
    end_training,
    keep_state,
    kept_steps,
    read_note,
    state_file,
)
from jobs.training.request import TrainRequest

if TYPE_CHECKING:  # torch is loaded where a worker trains, not where a driver plans
    from analyses.tuning.training import Step, Training
    from jobs.training.model import Ready


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What came of a training."""

    name: str
    n_steps: int
    n_new_steps: int
    """Steps that this worker did; 0 where another one was faster."""
    seconds: float
    losses: tuple[float, ...]
    """Mean over the steps of each epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainWork:
    """Trainings as work for an executor; a group is one training."""

    threads: int
    device: str = "auto"

    def open(self, group: str) -> "TrainTask":
        return TrainTask(self)


class TrainTask:
    """Trains what its units ask for."""

    def __init__(self, work: TrainWork) -> None:
        self._work = work

    def do(self, unit: Unit) -> TrainReport:
        """Train and register one checkpoint, with its early ones. Raises ActstoreError."""
        return Trainer(unit.args, self._work).run()

    def close(self) -> None:
        pass


@dataclass(slots=True)
class Losses:
    """Mean losses of the epochs that are done, and the sum of the one that is not."""

    done: list[float]
    total: float = 0.0
    count: int = 0

    def add(self, step: "Step") -> None:
        self.total += step.loss
        self.count += 1
        if step.epoch_ended:
            self.done.append(self.total / self.count)
            self.total, self.count = 0.0, 0


class Trainer:
    """One training."""

    def __init__(self, request: TrainRequest, work: TrainWork) -> None:
        self._request, self._work = request, work
        self._objects: Objects = open_root(request.store)
        self._id = request.training_id
        self._begun = time.perf_counter()
        self._n_new = 0

    def run(self) -> TrainReport:
        """To the end, from wherever it stands."""
        from jobs.training.model import make_ready

        request = self._request
        if self._is_registered(None):
            return self._report(0, Losses([]))
        with make_ready(self._objects, request, self._work.threads, self._work.device) as ready:
            n_steps, losses = self._train(ready)
            self._register(ready, None, losses)
        end_training(self._objects, self._id)
        return self._report(n_steps, losses)

    def _train(self, ready: "Ready") -> tuple[int, Losses]:
        """Until every step is done and kept, whoever did it; how many steps that are, and their losses."""
        while True:
            training, losses = self._resumed(ready)
            if self._is_registered(None):
                return training.n_steps, losses
            about = {"checkpoint": self._request.name, "n_steps": training.n_steps}
            begin_training(self._objects, self._id, about)
            self._register_early(ready, training.steps_done, losses)
            if all(self._kept(step, training, ready, losses) for step in self._stops(training, losses)):
                return training.n_steps, losses

    def _stops(self, training: "Training", losses: Losses) -> Iterator["Step"]:
        """Steps after which the state is kept, each when it is done."""
        for step in training:
            losses.add(step)
            self._n_new += 1
            if step.epoch_ended or step.save_due:
                yield step

    def _kept(self, step: "Step", training: "Training", ready: "Ready", losses: Losses) -> bool:
        """Keep the state of a step; False where another trainer's stands, from which to go on."""
        from analyses.tuning.state import write_state

        note = asdict(losses)
        mine = keep_state(
            self._objects, self._id, step.step, lambda path: write_state(path, training.state()), note
        )
        if mine:
            self._register_early(ready, step.step, losses)
        return mine and kept_steps(self._objects, self._id)[-1:] == [step.step]

    def _resumed(self, ready: "Ready") -> "tuple[Training, Losses]":
        """The training at its newest kept step, or at its beginning."""
        from analyses.tuning.state import read_state

        for step in reversed(kept_steps(self._objects, self._id)):
            try:
                with state_file(self._objects, self._id, step) as path:
                    state = read_state(path)
                return ready.training(state), Losses(**read_note(self._objects, self._id, step))
            except FileNotFoundError:  # another trainer is further on, and let go of it meanwhile
                return self._resumed(ready)
        return ready.training(None), Losses([])

    def _register_early(self, ready: "Ready", steps_done: int, losses: Losses) -> None:
        if steps_done in self._request.save_steps:
            self._register(ready, steps_done, losses)

    def _register(self, ready: "Ready", step: int | None, losses: Losses) -> None:
        from jobs.training.save import register_model

        if not self._is_registered(step):
            register_model(self._objects, self._request, ready, step, losses.done)

    def _is_registered(self, step: int | None) -> bool:
        request = self._request
        return check_training(self._objects, request.name_at(step), request.training_id_at(step))

    def _report(self, n_steps: int, losses: Losses) -> TrainReport:
        return TrainReport(
            name=self._request.name,
            n_steps=n_steps,
            n_new_steps=self._n_new,
            seconds=time.perf_counter() - self._begun,
            losses=tuple(losses.done),
        )
