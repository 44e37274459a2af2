"""CheckpointSource: where a checkpoint comes from, as the user says it; the folder its files lie in."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from actstore.errors import ModelError

CONFIG_FILES = ("config.json",)
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "*.model",
)
SAFETENSORS_FILES = ("*.safetensors", "*.safetensors.index.json")
PICKLE_FILES = ("pytorch_model*.bin", "pytorch_model.bin.index.json")
HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
INITS = (None, "random")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSource:
    """A checkpoint of a study. Picklable, and all that a worker needs to load it."""

    name: str
    model: str
    """A folder, or the id of a model on the hub."""
    revision: str | None = None
    init: str | None = None
    """'random': weights drawn anew from the configuration."""
    seed: int = 0
    """Of the random initialisation."""
    allow_pickle: bool = False
    base: str | None = None
    task: str | None = None
    replicate: int | None = None
    step: int | None = None

    def __post_init__(self) -> None:
        if self.init not in INITS:
            raise ModelError(
                f"checkpoint {self.name!r}: init = {self.init!r}: allowed is 'random', or no init"
            )


def resolve(source: CheckpointSource, *, weights: bool = True, network: bool = True) -> Path:
    """The folder of a checkpoint's files; from the hub come only configuration, safetensors and tokenizer.

    `weights`: whether safetensors are fetched; `network`: whether anything is, or only the hub's cache read.
    Raises ModelError where there is no such folder, or the hub can not be reached or does not know the id.
    """
    path = Path(source.model).expanduser()
    if path.is_dir():
        if source.revision is not None:
            raise ModelError(
                f"checkpoint {source.name!r}: revision = {source.revision!r} is for models on the hub, "
                f"{path} is a folder; leave it out"
            )
        return path.resolve()
    if path.exists() or source.model.startswith((".", "/", "~")) or not HUB_ID.fullmatch(source.model):
        raise ModelError(
            f"checkpoint {source.name!r}: there is no model folder {source.model!r}; name a folder with "
            "config.json, model.safetensors and tokenizer.json, or the id of a model on the hub; `plan` can "
            "do with `config`, a folder with its config.json"
        )
    return _fetch(source, weights=weights, network=network)


def pin(source: CheckpointSource) -> CheckpointSource:
    """The same source fixed to what it means now: a folder's whole path, or the commit of a hub revision.

    For sending to workers, which must load what was described. Raises ModelError as `resolve`.
    """
    folder = resolve(source)
    if Path(source.model).expanduser().is_dir():
        return replace(source, model=str(folder))
    return replace(source, revision=folder.name)  # the hub's cache names a snapshot's folder by its commit


def _fetch(source: CheckpointSource, *, weights: bool, network: bool) -> Path:
    wanted = [*CONFIG_FILES, *TOKENIZER_FILES]
    weights = weights and source.init is None
    if weights:
        wanted += SAFETENSORS_FILES
    folder = _snapshot(source, wanted, network=network)
    if weights and source.allow_pickle and not any(folder.glob("*.safetensors")):
        folder = _snapshot(source, [*wanted, *PICKLE_FILES], network=network)
    return folder


def _snapshot(source: CheckpointSource, patterns: list[str], *, network: bool) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                source.model,
                revision=source.revision,
                allow_patterns=patterns,
                local_files_only=not network,
            )
        )
    except (OSError, ValueError) as error:
        at = f" at revision {source.revision!r}" if source.revision else ""
        raise ModelError(
            f"checkpoint {source.name!r}: {source.model!r} is no folder here, and the hub gave no such model"
            f"{at} ({type(error).__name__}); check the name and the network, or name a local folder"
        ) from error
