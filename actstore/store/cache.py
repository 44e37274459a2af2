"""Cache: whole shards of object stores on this machine's disk, bounded, each named by its receipt's sha256.

The name is the content, so nothing in it is ever out of date, and many readers and stores may share a folder.
"""

import hashlib
import mmap
import os
import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Lock

from actstore.errors import DamagedShardError, RequestError
from actstore.schema.receipts import ObjectRecord
from actstore.store.ahead import in_order
from actstore.store.objects import Readable
from actstore.store.shard import damage
from actstore.store.system import explained

FOLDER_VARIABLE, BYTES_VARIABLE = "ACTSTORE_CACHE", "ACTSTORE_CACHE_BYTES"
LIMIT_BYTES = 16 << 30
PIECE_BYTES = 8 << 20
PIECES_AT_ONCE = 4
PART = ".part"
SHARDS = "shards"


class CachedShard:
    """A shard in the cache. It stays readable when the cache lets go of it: it is mapped."""

    def __init__(self, path: Path, url: str) -> None:
        self.url, self._path = url, path
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def size(self, key: str) -> int | None:
        return len(self._map)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        return self._map[start : start + length]

    def read_into(self, key: str, start: int, buffers: Sequence[memoryview]) -> int:
        first = start
        for buffer in buffers:
            part = self._map[first : first + len(buffer)]
            buffer[: len(part)] = part
            first += len(part)
        return first - start

    def local_path(self, key: str) -> Path | None:
        return self._path


class ShardCache:
    """A folder of shards of at most `limit_bytes`, of which the ones used longest ago go first."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder, self.limit_bytes = folder, limit_bytes
        self._lock = Lock()
        self._locks: dict[str, Lock] = {}

    def shard(self, objects: Readable, key: str, record: ObjectRecord) -> Readable:
        """The shard on disk, fetched if it is not there; the object itself where it is over the limit.

        Raises DamagedShardError when what is fetched is not what the receipt says.
        """
        if not 0 < record.bytes <= self.limit_bytes:
            return objects
        with self._lock:
            mine = self._locks.setdefault(record.sha256, Lock())
        path = self.folder / record.sha256
        with mine, explained("write", self.folder):
            for _ in range(2):
                try:
                    os.utime(path)
                    return CachedShard(path, objects.url)
                except FileNotFoundError:
                    self._fetch(objects, key, record, path)
            return objects  # another process lets go of it at once: the limit is too small for both

    def _fetch(self, objects: Readable, key: str, record: ObjectRecord, path: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._make_room(record.bytes)
        where = f"{objects.url}/{key}"
        part = path.with_name(f"{record.sha256}.{uuid.uuid4().hex}{PART}")
        digest = hashlib.sha256()
        jobs = (
            partial(objects.read_range, key, start, min(PIECE_BYTES, record.bytes - start))
            for start in range(0, record.bytes, PIECE_BYTES)
        )
        try:
            with part.open("xb") as file:
                for data in in_order(jobs, PIECES_AT_ONCE):
                    digest.update(data)
                    file.write(data)
            if digest.hexdigest() != record.sha256:
                raise DamagedShardError(damage(where, "its bytes are not those of its receipt"))
            part.replace(path)
        except FileNotFoundError:
            raise DamagedShardError(damage(where, "it is missing")) from None
        finally:
            part.unlink(missing_ok=True)

    def _make_room(self, n_bytes: int) -> None:
        """Let go of the shards used longest ago until so many bytes have room."""
        with self._lock:
            found = []
            for entry in os.scandir(self.folder):
                try:
                    stat = entry.stat()
                except FileNotFoundError:
                    continue
                found.append((stat.st_mtime_ns, stat.st_size, entry.path))
            used = sum(size for _, size, _ in found)
            for _, size, path in sorted(found):
                if used + n_bytes <= self.limit_bytes:
                    break
                if not path.endswith(PART):
                    Path(path).unlink(missing_ok=True)
                    used -= size


def cache_folder() -> Path | None:
    """The folder that ACTSTORE_CACHE names; None where it is unset or 'none'."""
    folder = os.environ.get(FOLDER_VARIABLE, "")
    return None if folder in ("", "none") else Path(folder).expanduser().absolute()


def from_environment() -> ShardCache | None:
    """The cache in the folder that ACTSTORE_CACHE names, at most ACTSTORE_CACHE_BYTES large; None: no cache.

    It has a folder of its own there, as others keep things in that place too. Unset or 'none': no cache.

    Raises RequestError for a limit that is no number.
    """
    folder, text = cache_folder(), os.environ.get(BYTES_VARIABLE, "")
    if folder is None:
        return None
    if text and not text.isdigit():
        raise RequestError(f"{BYTES_VARIABLE}={text!r}: give a number of bytes, such as {LIMIT_BYTES}")
    return ShardCache(folder / SHARDS, int(text or LIMIT_BYTES))
