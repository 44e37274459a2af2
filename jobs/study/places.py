"""Where a study's files lie: relative paths are relative to the study file.

A model is a path if it starts with `/`, `./`, `../` or `~`, has more than one `/`, or is there beside the
study file; else it is a hub id (`name` or `owner/name`). A corpus is always a path, but for format =
"datasets", where the same rule as for models holds. Whatever has `://` in it is a URL and stays as it is.
"""

import os
from pathlib import Path

from jobs.study.tables import Table, blocks

PATH_STARTS = ("/", "./", "../", "~")


def place_files(document: Table, folder: Path) -> Table:
    """The document with every path absolute."""
    placed = dict(document)
    for key in ("store", "results"):
        if isinstance(placed.get(key), str):
            placed[key] = absolute(placed[key], folder)
    if "checkpoint" in document:
        placed["checkpoint"] = [_checkpoint(block, folder) for block in blocks(document, "checkpoint")]
    if "corpus" in document:
        placed["corpus"] = [_corpus(block, folder) for block in blocks(document, "corpus")]
    return placed


def absolute(value: str, folder: Path) -> str:
    """A path as an absolute one without `..`; a URL or an empty string as it is."""
    if "://" in value or not value:
        return value
    return os.path.normpath(folder / Path(value).expanduser())


def is_path(model: str, folder: Path) -> bool:
    """Whether a model is a path rather than a hub id."""
    return model.startswith(PATH_STARTS) or model.count("/") > 1 or (folder / model).exists()


def _model(value: object, folder: Path) -> object:
    return absolute(value, folder) if isinstance(value, str) and value and is_path(value, folder) else value


def _checkpoint(block: Table, folder: Path) -> Table:
    config = block.get("config")
    if isinstance(config, str):
        block = _with(block, "config", absolute(config, folder))
    return _with(block, "model", _model(block.get("model"), folder))


def _corpus(block: Table, folder: Path) -> Table:
    path, labels = block.get("path"), block.get("labels")
    if isinstance(path, str):
        # A data set has a name, as models have, or is a folder that was saved.
        found = absolute(path, folder) if block.get("format") != "datasets" else _model(path, folder)
        block = _with(block, "path", found)
    if isinstance(labels, dict):
        block = _with(block, "labels", {name: _label_file(file, folder) for name, file in labels.items()})
    return block


def _label_file(file: object, folder: Path) -> object:
    """A label set's file: its path, or a table with it."""
    if isinstance(file, dict) and isinstance(file.get("path"), str):
        return file | {"path": absolute(file["path"], folder)}
    return absolute(file, folder) if isinstance(file, str) else file


def _with(block: Table, key: str, value: object) -> Table:
    return block | {key: value} if key in block else block
