"""Remembered: what was once computed from files, found again while the files are the same. Loads no model.

Hashing the weights of 1,000 checkpoints reads all of them. A value is kept under the path, size, times, inode
and device of every file that it was computed from, and under the code that computed it; else it is computed
anew. Files changed a moment ago are not remembered, as a further change might leave no mark.
"""

import hashlib
import importlib.metadata
import json
import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from actstore.schema import canonical_json

SETTLED_SECONDS = 2.0
"""Coarsest step of a file system's times, and more."""
CODE = ("config.py", "families.py", "identity.py", "tokenizer.py", "weights.py")
"""Files beside this one that decide identities."""
LIBRARIES = ("tokenizers", "transformers")


class Remembered:
    """A folder of small records, one a value; None keeps values for this process only.

    Any number of processes may share a folder. Records may be deleted at any time.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}

    def value(self, what: Sequence[Any], files: Sequence[Path], make: Callable[[], str]) -> str:
        """What `make` computes from the files; `what` tells values of the same files apart.

        Raises what `make` raises, which is not remembered.
        """
        before = _marks(files)
        key = hashlib.sha256(canonical_json([list(what), before, code_version()]).encode()).hexdigest()
        found = self._known.get(key) or self._read(key)
        if found is None:
            began = time.time()
            found = make()
            if _marks(files) != before:
                return found
            if all(max(mark[2], mark[3]) < (began - SETTLED_SECONDS) * 1e9 for mark in before):
                self._write(key, found)
        self._known[key] = found
        return found

    def _read(self, key: str) -> str | None:
        if self._folder is None:
            return None
        try:
            record = json.loads((self._folder / key[:2] / f"{key}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record["value"] if isinstance(record, dict) and record.get("key") == key else None

    def _write(self, key: str, value: str) -> None:
        """Where the folder can not be written, nothing is remembered and nothing is lost."""
        if self._folder is None:
            return
        place = self._folder / key[:2] / f"{key}.json"
        part = place.with_name(f".{secrets.token_hex(8)}")
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps({"key": key, "value": value}), encoding="utf-8")
            part.replace(place)


def cache_folder() -> Path | None:
    """ACTSTORE_CACHE, else the user's cache; None where ACTSTORE_CACHE is 'none'."""
    given = os.environ.get("ACTSTORE_CACHE")
    if given is not None:
        return None if given == "none" else Path(given).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "actstore"


@cache
def code_version() -> str:
    """The hash of the code and the versions of the libraries that decide identities."""
    digest = hashlib.sha256()
    for name in CODE:
        digest.update(Path(__file__).with_name(name).read_bytes())
    versions = [importlib.metadata.version(name) for name in LIBRARIES]
    return digest.hexdigest() + canonical_json(versions)


def _marks(files: Sequence[Path]) -> list[tuple[str, int, int, int, int, int]]:
    """Path, size, time of content and of anything (ns), inode and device of each file."""
    found = [(str(path.absolute()), path.stat()) for path in sorted(files)]
    return [
        (path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev)
        for path, stat in found
    ]
