"""register_model: a trained model's files into the store, then its name."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from actstore import __version__
from actstore.capture.checkpoint import describe
from actstore.capture.source import CheckpointSource
from actstore.capture.tokenizer import tokenizer_files
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.system import explained_full
from actstore.store.trained import (
    CONFIG,
    HEAD,
    HEAD_RECORD,
    MODEL,
    TOKENIZER,
    folder_of,
    register,
    store_files,
)
from analyses.tuning.scoring import score
from analyses.tuning.trunk.save import save_checkpoint
from jobs.training.model import Ready, environment
from jobs.training.request import TrainRequest
from jobs.training.tables import corpus_tables

OWN_FILES = (MODEL, CONFIG, HEAD, HEAD_RECORD)


def register_model(
    objects: Objects, request: TrainRequest, ready: Ready, step: int | None, losses: list[float]
) -> None:
    """Store files and record, hash what lies there and bind the name. Raises StorageError, NameTakenError."""
    assert ready.model is not None
    name = request.name_at(step)
    folder = objects.staging()
    try:
        with explained_full("write", folder):
            folder.mkdir()
            save_checkpoint(ready.model, folder)
            tokenizer = _copy_tokenizer(ready.tokenizer, folder / TOKENIZER)
        files = {part: folder / part for part in OWN_FILES} | tokenizer
        store_files(objects, name, files, _record(objects, request, ready, step, losses))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = describe(CheckpointSource(name=name, model=str(folder_of(objects, name))))
    register(
        objects,
        replace(
            found,
            source=paths.checkpoint(name),
            base=request.base,
            task=request.task,
            replicate=request.seed,
            step=step,
        ),
    )


def _copy_tokenizer(source: Path, target: Path) -> dict[str, Path]:
    target.mkdir()
    found = {}
    for path in tokenizer_files(source):
        shutil.copyfile(path, target / path.name)
        found[f"{TOKENIZER}/{path.name}"] = target / path.name
    return found


def _record(
    objects: Objects, request: TrainRequest, ready: Ready, step: int | None, losses: list[float]
) -> dict[str, Any]:
    return {
        "training_id": request.training_id_at(step),
        "name": request.name_at(step),
        "task": request.task,
        "seed": request.seed,
        "base": request.base,
        "start": {"name": request.start.name, "trunk_sha256": request.start_sha256},
        "starts_random": request.starts_random,
        "architecture": request.architecture,
        "frozen_layers": request.frozen_layers,
        "settings": request.settings,
        "head_options": request.head_options,
        "step": step,
        "train": {"corpus": request.train.ref.name, **request.train.identity()},
        "losses": losses,
        "dev": _dev_scores(objects, request, ready) if request.task == "mlm" else {},
        "environment": {**environment(ready.device, ready.threads), "actstore": __version__},
    }


def _dev_scores(objects: Objects, request: TrainRequest, ready: Ready) -> dict[str, float]:
    """Of masked tokens: stored activations, which saw every token, can not score them."""
    assert ready.model is not None
    tables = corpus_tables(objects, request.task, request.dev.ref, request.dev.tokens_id)
    return score(ready.model, ready.task, ready.task.data(tables), device=ready.device).metrics
