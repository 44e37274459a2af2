"""Watch: tells how far trainings are, from the states that their workers keep, wherever those run."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from actstore.errors import StorageError
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.records import find_record
from actstore.store.training import ABOUT, kept_steps, read_note
from jobs.console import human_seconds
from jobs.training.request import TrainRequest

EVERY_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far one training is."""

    step: int
    n_steps: int
    losses: tuple[float, ...]
    """Mean of each epoch that is done."""


class Watch:
    """While it is open a thread looks at each training now and then and tells of every newly kept state."""

    def __init__(
        self,
        objects: Objects,
        requests: Sequence[TrainRequest],
        tell: Callable[[str], None],
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._objects, self._requests, self._tell = objects, requests, tell
        self._every_seconds = every_seconds
        self._seen: dict[str, tuple[int, float]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def look(self, now_seconds: float) -> None:
        """Tell of what was kept since the last look. Raises StorageError."""
        for request in self._requests:
            reached = find_reached(self._objects, request.training_id)
            if reached is None:
                continue
            before = self._seen.get(request.name)
            if before is None or reached.step > before[0]:
                self._seen[request.name] = (reached.step, now_seconds)
            if before is not None and reached.step > before[0]:
                step_seconds = (now_seconds - before[1]) / (reached.step - before[0])
                self._tell(told_reached(request.name, request.settings["epochs"], reached, step_seconds))

    def _run(self) -> None:
        while not self._over.wait(self._every_seconds):
            try:
                self.look(time.monotonic())
            except StorageError:  # the training itself meets it too, and says so
                continue

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()


def find_reached(objects: Objects, training_id: str) -> Reached | None:
    """How far a training in progress is by what it kept; None before it began and after its end."""
    about = find_record(objects, paths.training(training_id, ABOUT))
    if about is None:
        return None
    steps = kept_steps(objects, training_id)
    try:
        losses = read_note(objects, training_id, steps[-1])["done"] if steps else []
    except FileNotFoundError:  # kept on meanwhile: the next look sees it
        return None
    return Reached(step=steps[-1] if steps else 0, n_steps=about["n_steps"], losses=tuple(losses))


def told_reached(name: str, epochs: int, reached: Reached, step_seconds: float) -> str:
    """One line for a person."""
    loss = f", mean loss {reached.losses[-1]:.3f}" if reached.losses else ""
    left = human_seconds((reached.n_steps - reached.step) * step_seconds)
    return (
        f"{name}: step {reached.step:,} of {reached.n_steps:,}, {len(reached.losses)} of {epochs} epochs done"
        f"{loss}, about {left} left"
    )
