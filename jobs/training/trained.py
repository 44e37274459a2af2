"""Checkpoints that a study trains, as the store has them: where they lie and what they are."""

from collections.abc import Mapping
from typing import Any

from actstore.capture.checkpoint import ASSUMED
from actstore.capture.source import CheckpointSource
from actstore.errors import NameTakenError, NotFoundError
from actstore.schema import content_id
from actstore.schema.refs import CheckpointRef
from actstore.store import names
from actstore.store.objects import Objects
from actstore.store.trained import find_trained, folder_of
from jobs.study.finetune import Finetune, Made
from jobs.study.study import Study
from jobs.training.settings import train_settings


def made_of(study: Study) -> dict[str, tuple[Finetune, Made]]:
    """Every checkpoint that the study trains, by name."""
    return {made.name: (block, made) for block in study.finetune for made in block.made}


def stored_checkpoint(
    study: Study, objects: Objects | None, name: str
) -> tuple[CheckpointSource, CheckpointRef]:
    """Where a trained checkpoint lies, and what it is.

    Raises NotFoundError while it is not trained, NameTakenError where it was trained otherwise.
    """
    record = None if objects is None else find_trained(objects, name)
    if objects is None or record is None:
        raise NotFoundError(f"checkpoint {name!r} is not trained yet; run `actstore finetune {study.path}`")
    block, made = made_of(study)[name]
    check_settings(study, block, made, record)
    return CheckpointSource(name=name, model=str(folder_of(objects, name))), names.checkpoint(objects, name)


def check_settings(study: Study, block: Finetune, made: Made, record: Mapping[str, Any]) -> None:
    """Raise NameTakenError where a checkpoint was trained with other settings than the study has now."""
    asked = train_settings(block, made.seed).to_dict() | {"save_steps": None}
    stored = dict(record["settings"]) | {"save_steps": None}
    changed = [key for key in asked if asked[key] != stored.get(key)]
    for key, value in (("task", block.task), ("frozen_layers", block.frozen_layers)):
        changed += [key] if record.get(key) != value else []
    if changed:
        now = {**asked, "task": block.task, "frozen_layers": block.frozen_layers}
        before = {**record, **stored}
        told = ", ".join(f"{key} = {now[key]!r}, it was {before.get(key)!r}" for key in changed)
        raise NameTakenError(
            f"checkpoint {made.name!r} was trained otherwise: {told}; rename it in {study.path}, or "
            f"`actstore rm STORE {made.name}` first"
        )


def assumed_checkpoint(
    made: Made, start: tuple[CheckpointSource, CheckpointRef], sizes: Mapping[str, int]
) -> tuple[CheckpointSource, CheckpointRef]:
    """A checkpoint that is not trained yet, for planning: sizes and tokenizer of what it starts from."""
    source, ref = start
    assumed = CheckpointRef.from_dict(
        ref.to_dict()
        | {
            "name": made.name,
            "trunk_sha256": ASSUMED + content_id([made.name]),
            "base": made.base,
            "n_layers": sizes.get("num_hidden_layers", ref.n_layers),
            "width": sizes.get("hidden_size", ref.width),
            "max_positions": sizes.get("max_position_embeddings", ref.max_positions),
            "config": None if ref.config is None else {**ref.config, **sizes},
        }
    )
    return source, assumed
