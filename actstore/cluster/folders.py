"""Folders that Ray makes for itself and deletes again: no place for models and stores. Needs no Ray."""

from itertools import pairwise
from pathlib import Path

from actstore.errors import ClusterError

RUNTIME_FOLDER = "runtime_resources"
UNPACKED_FOLDERS = ("working_dir_files", "py_modules_files")


def in_runtime_folder(path: Path) -> bool:
    """Whether a path lies where Ray unpacks what a job uploaded."""
    parts = path.resolve().parts
    return any(pair[0] == RUNTIME_FOLDER and pair[1] in UNPACKED_FOLDERS for pair in pairwise(parts))


def refuse_runtime_folder(path: Path, what: str = "path") -> None:
    """Raises ClusterError where a store or model would be in Ray's own folder and vanish with it."""
    if in_runtime_folder(path):
        raise ClusterError(
            f"{what} {path}: this is Ray's own copy of the uploaded working directory on one node, deleted "
            "after the job; name it by an absolute path that every node sees, ${ACTSTORE_MODELS}, a hub id "
            "or s3://"
        )
