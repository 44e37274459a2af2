"""keep_model: a point's trained model as a checkpoint of the store, to extract and analyse like any other."""

import shutil
from dataclasses import asdict, replace
from typing import Any

from actstore import __version__
from actstore.capture.checkpoint import describe
from actstore.capture.source import CheckpointSource, resolve
from actstore.capture.tokenizer import tokenizer_files
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.system import explained_full
from actstore.store.trained import TOKENIZER, check_training, folder_of, register, store_files
from analyses.tuning.trunk.save import save_checkpoint
from jobs.ablating.model import ReadyPoint
from jobs.ablating.request import PointRequest
from jobs.training.model import environment
from jobs.training.save import OWN_FILES


def keep_model(
    objects: Objects, request: PointRequest, ready: ReadyPoint, name: str, scores: dict[str, float]
) -> None:
    """Store the model whole, frozen layers with it, then bind its name. Raises NameTakenError."""
    if check_training(objects, name, request.point_id):
        return
    folder = objects.staging()
    try:
        with explained_full("write", folder):
            folder.mkdir()
            save_checkpoint(ready.model, folder)
            (folder / TOKENIZER).mkdir()
            tokenizer = [
                shutil.copyfile(path, folder / TOKENIZER / path.name)
                for path in tokenizer_files(resolve(request.start))
            ]
        files = {part: folder / part for part in OWN_FILES}
        files |= {f"{TOKENIZER}/{path.name}": path for path in tokenizer}
        store_files(objects, name, files, _record(request, ready, name, scores))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = describe(CheckpointSource(name=name, model=str(folder_of(objects, name))))
    kept = replace(
        found,
        source=paths.checkpoint(name),
        base=request.base,
        task=request.task,
        replicate=request.point.seed,
    )
    register(objects, kept)


def _record(request: PointRequest, ready: ReadyPoint, name: str, scores: dict[str, float]) -> dict[str, Any]:
    return {
        "training_id": request.point_id,
        "name": name,
        "task": request.task,
        "seed": request.point.seed,
        "base": request.base,
        "start": {"name": request.start.name, "trunk_sha256": request.start_sha256},
        "ablation": {"name": request.name, **asdict(request.point)},
        "settings": request.settings,
        "head_options": request.head_options,
        "train": request.train.identity(),
        "dev": scores,
        "environment": {**environment(ready.device, ready.threads), "actstore": __version__},
    }
