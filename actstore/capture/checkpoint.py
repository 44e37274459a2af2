"""describe: from a source to the reference that a store keeps. Reads files; loads no model."""

from pathlib import Path
from typing import Any

from actstore.capture.config import max_positions, n_layers, read_config, width
from actstore.capture.identity import random_sha256, trunk_sha256
from actstore.capture.source import CheckpointSource, resolve
from actstore.capture.tokenizer import TOKENIZER_FILES, load_tokenizer, tokenizer_folder
from actstore.capture.weights import WEIGHTS
from actstore.schema import content_id
from actstore.schema.refs import CheckpointRef, check_name

ASSUMED = "assumed-"
"""What an identity begins with that stands for weights or a tokenizer that are not there."""


def describe(source: CheckpointSource) -> CheckpointRef:
    """What a checkpoint is: sizes, identity of its weights and of its tokenizer.

    Raises ModelError where folder, configuration, weights or tokenizer are missing or damaged, or where the
    weights are a pickle that is not allowed.
    """
    check_name(source.name, "checkpoint")
    folder = resolve(source)
    config = read_config(folder)
    sizes = n_layers(config), width(config)
    tokenizer = load_tokenizer(folder).sha256
    return _reference(source, config, sizes, _trunk(source, folder, config), tokenizer)


def describe_from_config(source: CheckpointSource) -> tuple[CheckpointRef, tuple[str, ...]]:
    """As `describe`, for planning: from config.json alone where there are no weights or no tokenizer.

    Returns what is assumed, one line each; an assumed identity begins with ASSUMED. Raises ModelError for
    what is there and can not be read, and where there is no configuration.
    """
    check_name(source.name, "checkpoint")
    folder = resolve(source)
    config = read_config(folder)
    sizes = n_layers(config), width(config)
    stand_in = ASSUMED + content_id([source.model, source.revision, source.init, source.seed])
    assumed, trunk, tokenizer = [], stand_in, stand_in
    if source.init == "random" or any((folder / name).is_file() for name in WEIGHTS):
        trunk = _trunk(source, folder, config)
    else:
        assumed.append(f"checkpoint {source.name!r}: no weights in {folder}; sizes are its config.json's")
    if any((tokenizer_folder(folder) / name).is_file() for name in TOKENIZER_FILES):
        tokenizer = load_tokenizer(folder).sha256
    else:
        assumed.append(f"checkpoint {source.name!r}: no tokenizer in {folder}; its tokens are estimated")
    return _reference(source, config, sizes, trunk, tokenizer), tuple(assumed)


def _trunk(source: CheckpointSource, folder: Path, config: dict[str, Any]) -> str:
    if source.init == "random":
        return random_sha256(config, source.seed)
    return trunk_sha256(folder, config, allow_pickle=source.allow_pickle)


def _reference(
    source: CheckpointSource, config: dict[str, Any], sizes: tuple[int, int], trunk: str, tokenizer: str
) -> CheckpointRef:
    layers, units = sizes
    return CheckpointRef(
        name=source.name,
        trunk_sha256=trunk,
        tokenizer_sha256=tokenizer,
        family=config["model_type"],
        n_layers=layers,
        width=units,
        max_positions=max_positions(config),
        source=source.model if source.revision is None else f"{source.model}@{source.revision}",
        base=source.base,
        task=source.task,
        replicate=source.replicate,
        step=source.step,
        init=source.init,
        seed=source.seed if source.init == "random" else None,
        config=config,
    )
