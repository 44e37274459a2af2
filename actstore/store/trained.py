"""Trained: the files of checkpoints that were trained here, beside their names. Knows no tensor and no torch.

The weights count when the name's `ref.json` is there; `training.json` says what they were trained by and what
lies there. Order: the files, `training.json`, `ref.json`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actstore.errors import NameTakenError, NotFoundError
from actstore.schema.refs import CheckpointRef
from actstore.store import names, paths
from actstore.store.objects import Objects
from actstore.store.parquet import sha256_of
from actstore.store.records import create_record, find_record
from actstore.store.weights import fetch_trained

MODEL, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer"
HEAD, HEAD_RECORD, RECORD = "head.safetensors", "head.json", "training.json"


def find_trained(objects: Objects, name: str) -> dict[str, Any] | None:
    """What a registered checkpoint was trained by, None where it is none that was trained here."""
    if objects.size(paths.checkpoint(name, "ref.json")) is None:
        return None
    return find_record(objects, paths.checkpoint(name, RECORD))


def check_training(objects: Objects, name: str, training_id: str) -> bool:
    """Whether this very training is registered already. Raises NameTakenError where the name is another's."""
    if objects.size(paths.checkpoint(name, "ref.json")) is None:
        return False
    found = find_trained(objects, name)
    if found is not None and found.get("training_id") == training_id:
        return True
    bound = "another training" if found is not None else "weights that were not trained here"
    raise NameTakenError(
        f"checkpoint {name!r} is bound to {bound} in {objects.url} (this one would be {training_id}); rename "
        f"it in the study, or `actstore rm {objects.url} {name}` first"
    )


def store_files(objects: Objects, name: str, files: Mapping[str, Path], record: Mapping[str, Any]) -> None:
    """Store the files (by their place below the checkpoint, used up) and the record of what lies there.

    A file that is there stays: whoever stopped before `register` left it from the same state of training.
    """
    for part, path in files.items():
        objects.create_from_file(paths.checkpoint(name, part), path)
    keys = {part: paths.checkpoint(name, part) for part in files}
    sizes = {part: objects.size(key) or 0 for part, key in keys.items()}
    lying = {
        part: {"bytes": sizes[part], "sha256": sha256_of(objects, key, sizes[part])}
        for part, key in keys.items()
    }
    create_record(objects, paths.checkpoint(name, RECORD), {**record, "files": lying})


def register(objects: Objects, ref: CheckpointRef) -> None:
    """Bind the name: from now on the checkpoint is there. Raises NameTakenError."""
    names.bind_checkpoint(objects, ref)


def folder_of(objects: Objects, name: str) -> Path:
    """The folder that a model can be loaded from; of a checkpoint in an object store, a copy on this machine.

    Raises NotFoundError for one that was not trained here, DamagedShardError, StorageError.
    """
    folder = objects.local_path(paths.checkpoint(name))
    if folder is not None:
        return folder
    record = find_record(objects, paths.checkpoint(name, RECORD))
    if record is None:
        raise NotFoundError(f"{objects.url}: checkpoint {name!r} was not trained here; name its own folder")
    return fetch_trained(objects, name, record)
