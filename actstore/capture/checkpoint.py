"""describe: from a source to the reference that a store keeps. Reads files; loads no model."""

from functools import partial
from pathlib import Path
from typing import Any

from actstore.capture.config import max_positions, n_layers, read_config, width
from actstore.capture.identity import random_sha256, trunk_sha256
from actstore.capture.remembered import Remembered
from actstore.capture.source import CheckpointSource, resolve
from actstore.capture.tokenizer import TOKENIZER_FILES, load_tokenizer, tokenizer_folder
from actstore.capture.weights import WEIGHTS, weight_files
from actstore.errors import ModelError
from actstore.schema import content_id
from actstore.schema.refs import CheckpointRef, check_name

WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".h5", ".msgpack", ".onnx")
ASSUMED = "assumed-"
"""What an identity begins with that stands for weights or a tokenizer that are not there."""


def describe(source: CheckpointSource, remembered: Remembered | None = None) -> CheckpointRef:
    """What a checkpoint is: sizes, identity of its weights and of its tokenizer.

    `remembered`: hashes of files that did not change; None hashes them anew.

    Raises ModelError where folder, configuration, weights or tokenizer are missing or damaged, or where the
    weights are a pickle that is not allowed.
    """
    check_name(source.name, "checkpoint")
    folder = resolve(source)
    config = read_config(folder)
    sizes = n_layers(config), width(config)
    tokenizer = _tokenizer(folder, remembered)
    return _reference(source, config, sizes, _trunk(source, folder, config, remembered), tokenizer)


def describe_from_config(
    source: CheckpointSource, remembered: Remembered | None = None, stand_in: Path | None = None
) -> tuple[CheckpointRef, tuple[str, ...]]:
    """As `describe`, for planning: from config.json alone where there are no weights or no tokenizer.

    No weights are fetched. `stand_in`: a folder with the configuration of a model that is not here; nothing
    at all is fetched then. Returns what is assumed, one line each; an assumed identity begins with ASSUMED.
    Raises ModelError for what is there and can not be read, and where there is no configuration.
    """
    check_name(source.name, "checkpoint")
    folder = _configuration(source, stand_in)
    config = read_config(folder)
    sizes = n_layers(config), width(config)
    unknown = ASSUMED + content_id([source.model, source.revision, source.init, source.seed])
    assumed, trunk, tokenizer = [], unknown, unknown
    if source.init == "random" or any((folder / name).is_file() for name in WEIGHTS):
        trunk = _trunk(source, folder, config, remembered)
    else:
        assumed.append(f"checkpoint {source.name!r}: no weights in {folder}; sizes are its config.json's")
    if any((tokenizer_folder(folder) / name).is_file() for name in TOKENIZER_FILES):
        tokenizer = _tokenizer(folder, remembered)
    else:
        assumed.append(f"checkpoint {source.name!r}: no tokenizer in {folder}; its tokens are estimated")
    return _reference(source, config, sizes, trunk, tokenizer), tuple(assumed)


def _configuration(source: CheckpointSource, stand_in: Path | None) -> Path:
    """The folder whose config.json is read: the model's own, or where that is not here its stand-in."""
    if stand_in is None:
        return resolve(source, weights=False)
    try:
        return resolve(source, weights=False, network=False)
    except ModelError:
        return stand_in


def _trunk(
    source: CheckpointSource, folder: Path, config: dict[str, Any], remembered: Remembered | None
) -> str:
    if source.init == "random":
        return random_sha256(config, source.seed)
    files = [folder / "config.json", *weight_files(folder, allow_pickle=source.allow_pickle)]
    make = partial(trunk_sha256, folder, config, allow_pickle=source.allow_pickle)
    return (remembered or Remembered()).value(["trunk"], files, make)


def _tokenizer(folder: Path, remembered: Remembered | None) -> str:
    """Every file beside the weights may be read for it."""
    files = [path for path in folder.iterdir() if path.is_file() and path.suffix not in WEIGHT_SUFFIXES]
    return (remembered or Remembered()).value(["tokenizer"], files, lambda: load_tokenizer(folder).sha256)


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
