"""Weights: the files of a checkpoint trained into an object store, on this machine's disk for loading."""

import errno
import hashlib
import os
import tempfile
import uuid
from functools import partial
from pathlib import Path
from typing import Any

from actstore.errors import DamagedShardError
from actstore.schema import content_id
from actstore.store import paths
from actstore.store.ahead import in_order
from actstore.store.cache import PIECE_BYTES, PIECES_AT_ONCE, cache_folder
from actstore.store.objects import Objects
from actstore.store.shard import damage
from actstore.store.system import explained


def fetch_trained(objects: Objects, name: str, record: dict[str, Any]) -> Path:
    """A folder with the files that `record` (training.json) tells of, fetched where they are not there yet.

    It lies in ACTSTORE_CACHE, else among the user's temporary files, named by what it holds.
    Raises DamagedShardError.
    """
    folder = (cache_folder() or _temporary()) / "weights" / content_id(record["files"])
    with explained("write", folder):
        for part, told in record["files"].items():
            if not (folder / part).exists():
                _fetch(objects, paths.checkpoint(name, part), folder / part, told)
    return folder


def _temporary() -> Path:
    """A folder of this user alone: nobody else may have put weights there."""
    folder = Path(tempfile.gettempdir(), f"actstore-{os.getuid()}")
    with explained("write", folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            raise PermissionError(errno.EACCES, "it is another user's")
    return folder


def _fetch(objects: Objects, key: str, path: Path, told: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged, digest = path.with_name(f".{uuid.uuid4().hex}"), hashlib.sha256()
    n_bytes = int(told["bytes"])
    jobs = (
        partial(objects.read_range, key, start, min(PIECE_BYTES, n_bytes - start))
        for start in range(0, n_bytes, PIECE_BYTES)
    )
    try:
        with staged.open("xb") as file:
            for data in in_order(jobs, PIECES_AT_ONCE):
                digest.update(data)
                file.write(data)
        if digest.hexdigest() != told["sha256"]:
            raise DamagedShardError(damage(f"{objects.url}/{key}", "its bytes are not those written"))
        staged.replace(path)
    except FileNotFoundError:
        raise DamagedShardError(damage(f"{objects.url}/{key}", "it is missing")) from None
    finally:
        staged.unlink(missing_ok=True)
