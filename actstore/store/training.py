"""Training states: where a training in progress stands, so that it goes on after a kill; gone when done.

`training/<id>/about.json` says whose they are; a state is `<step>.state`, created once. Of two trainers at
once the first to reach a step decides it, the other goes on from there: both end with one checkpoint.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.records import create_record, find_record, read_record
from actstore.store.system import explained_full
from actstore.store.trained import find_trained

ABOUT, SUFFIX, NOTE = "about.json", ".state", ".note"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingInfo:
    """A training in progress."""

    training_id: str
    checkpoint: str
    step: int
    """Steps that are done and kept."""
    n_steps: int
    bytes: int


def begin_training(objects: Objects, training_id: str, about: dict[str, Any]) -> None:
    """Say whose states will lie there; `about` has `checkpoint` and `n_steps`."""
    create_record(objects, paths.training(training_id, ABOUT), about)


def kept_steps(objects: Objects, training_id: str) -> list[int]:
    """Steps of which a state is there, ascending."""
    found = objects.children(paths.training(training_id))
    return sorted(int(name.removesuffix(SUFFIX)) for name in found if name.endswith(SUFFIX))


def keep_state(
    objects: Objects, training_id: str, step: int, write: Callable[[Path], None], note: dict[str, Any]
) -> bool:
    """Keep the state of a step, then let go of those before it; False where another trainer kept it first.

    `note`: what else is known at that step, as JSON.
    """
    create_record(objects, paths.training(training_id, f"{step}{NOTE}"), note)
    key = paths.training(training_id, f"{step}{SUFFIX}")
    staged = objects.staging()
    try:
        with explained_full("write", staged):
            write(staged)
        created = objects.create_from_file(key, staged)
    finally:
        staged.unlink(missing_ok=True)
    for older in kept_steps(objects, training_id):
        if older < step:
            _let_go(objects, training_id, older)
    return created


def read_note(objects: Objects, training_id: str, step: int) -> dict[str, Any]:
    """What was noted of a step. Raises FileNotFoundError as `state_file`."""
    return read_record(objects, paths.training(training_id, f"{step}{NOTE}"))


@contextmanager
def state_file(objects: Objects, training_id: str, step: int) -> Iterator[Path]:
    """The state of a step as a file. Raises FileNotFoundError where another trainer let go of it."""
    key = paths.training(training_id, f"{step}{SUFFIX}")
    path = objects.local_path(key)
    if path is not None:
        yield path
        return
    staged = objects.staging()
    try:
        staged.write_bytes(objects.read(key))
        yield staged
    finally:
        staged.unlink(missing_ok=True)


def end_training(objects: Objects, training_id: str) -> None:
    """Remove the states of a training whose checkpoint is registered."""
    for info in list(objects.walk(paths.training(training_id))):
        objects.delete(info.key)


def _let_go(objects: Objects, training_id: str, step: int) -> None:
    for suffix in (SUFFIX, NOTE):
        objects.delete(paths.training(training_id, f"{step}{suffix}"))


def list_training(objects: Objects) -> list[TrainingInfo]:
    """Every training that is not done."""
    found = []
    for training_id in objects.children(paths.TRAINING):
        about = find_record(objects, paths.training(training_id, ABOUT))
        if about is not None and not is_done(objects, training_id, about):
            steps = kept_steps(objects, training_id)
            found.append(
                TrainingInfo(
                    training_id=training_id,
                    checkpoint=str(about["checkpoint"]),
                    step=steps[-1] if steps else 0,
                    n_steps=int(about["n_steps"]),
                    bytes=sum(info.bytes for info in objects.walk(paths.training(training_id))),
                )
            )
    return found


def is_done(objects: Objects, training_id: str, about: dict[str, Any]) -> bool:
    """Whether the checkpoint that a training makes is registered."""
    trained = find_trained(objects, str(about["checkpoint"]))
    return trained is not None and trained.get("training_id") == training_id
