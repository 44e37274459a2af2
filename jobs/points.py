"""Points: finished scores as rows of a CSV file with what they came from, each added once."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from actstore.errors import AccessError, RequestError
from actstore.schema.ports import Unit
from actstore.store.objects import Objects
from actstore.store.trained import find_trained
from jobs.task_score import FinishedScore, PlannedScore
from jobs.training.score_work import MAJORITY, ScoreRequest

COLUMNS = (
    "task", "corpus", "metric", "value", "checkpoint", "base", "seed", "step", "train", "train_text_id",
    "epochs", "learning_rate", "batch_size", "frozen_layers", "training_id", "run_id", "actstore", "torch",
    "finished",
)  # fmt: skip
IDENTITY = ("task", "corpus", "metric", "checkpoint", "train_text_id", "training_id", "run_id")
"""Columns of which no two rows are alike."""
Point = dict[str, str]


def score_points(objects: Objects, planned: PlannedScore, finished: FinishedScore) -> list[Point]:
    """A row for each metric of each checkpoint and corpus."""
    provenance = planned.writer.provenance() or {}
    about = {}
    for unit in planned.units:
        about[unit.args.checkpoint, unit.args.corpus.name] = _about(objects, unit)
    told = {"actstore": provenance.get("actstore"), "finished": provenance.get("finished")}
    return [
        _texts({**told, **about[row["checkpoint"], row["corpus"]], **row})
        for row in finished.table.to_pylist()
    ]


def append_points(path: Path, points: Iterable[Point]) -> int:
    """Add the points that the file has not yet; returns how many. Makes the file where there is none.

    Raises RequestError for a file of other columns, AccessError where it can not be written.
    """
    points = list(points)
    try:
        known = known_points(path)
        new = [point for point in points if _identity(point) not in known]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if file.tell() == 0:
                writer.writeheader()
            writer.writerows(new)
    except OSError as error:
        raise AccessError(f"{path} can not be written: {error.strerror}; name another file") from error
    return len(new)


def known_points(path: Path) -> set[tuple[str, ...]]:
    """What tells the points of a file apart. Raises RequestError for a file of other columns."""
    if not path.exists() or path.stat().st_size == 0:
        return set()
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise RequestError(
                f"{path} has the columns {', '.join(reader.fieldnames or ())}; points have "
                f"{', '.join(COLUMNS)}: name another file"
            )
        return {_identity(row) for row in reader}


def _identity(point: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(point[name] for name in IDENTITY)


def _about(objects: Objects, unit: Unit) -> dict[str, Any]:
    """Where the scores of one checkpoint over one corpus come from."""
    request: ScoreRequest = unit.args
    if request.checkpoint == MAJORITY:
        assert request.train is not None
        return {"train": request.train.name, "train_text_id": request.train.text_id}
    record = find_trained(objects, request.checkpoint) or {}
    settings = {name: record["settings"][name] for name in ("epochs", "learning_rate", "batch_size")}
    return {
        **settings,
        **{name: record[name] for name in ("base", "seed", "step", "frozen_layers", "training_id")},
        "train": record["train"]["corpus"],
        "train_text_id": record["train"]["text_id"],
        "torch": record["environment"]["torch"],
        "run_id": request.run_id,
    }


def _texts(row: Mapping[str, Any]) -> Point:
    found = {name: row.get(name) for name in COLUMNS}
    return {name: "" if value is None else str(value) for name, value in found.items()}
