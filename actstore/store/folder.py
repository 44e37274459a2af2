"""Objects in a folder: written aside, made durable, then linked, so that a name never holds half."""

import errno
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from actstore.errors import StorageError
from actstore.store.objects import Buffer, ObjectInfo
from actstore.store.system import explained

STAGING = ".staging"
WRITE_BACK_BYTES = 6 << 20
"""Bytes after which the disk is told to begin with them."""
BUFFERS_A_CALL = 512
"""Buffers that one system call takes; the system's limit is 1,024."""
LINK_ATTEMPTS = 5
"""A repair or gc elsewhere may remove a folder, empty so far, just before an object gets its name in it."""


class FolderObjects:
    """Objects below a local (or shared) folder. `create` is atomic by `link`, durable by fsync."""

    def __init__(self, root: Path, *, fsync: Callable[[int], None] = os.fsync) -> None:
        self.root = Path(os.path.abspath(root.expanduser()))
        self._fsync = fsync
        self._kept: set[Path] = set()
        """Folders whose own entry is known to be durable."""

    @property
    def url(self) -> str:
        return str(self.root)

    def create(self, key: str, parts: Sequence[Buffer]) -> bool:
        target = self._path(key)
        with explained("write", target):
            if self.size(key) is not None:
                self._keep(target)
                return False
            staged = self.staging()
            try:
                with staged.open("xb") as file:
                    _write(file, parts)
            except OSError:
                staged.unlink(missing_ok=True)
                raise
            return self.create_from_file(key, staged)

    def create_from_file(self, key: str, path: Path) -> bool:
        target = self._path(key)
        with explained("write", target):
            try:
                with path.open("rb") as file:
                    self._fsync(file.fileno())
                created = self._link(path, target)
            finally:
                path.unlink(missing_ok=True)
            self._keep(target)
        return created

    def staging(self) -> Path:
        folder = self.root / STAGING
        with explained("write", folder):
            self._make_folders(self.root)
            folder.mkdir(exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
                raise OSError(code := errno.EROFS if read_only else errno.EACCES, os.strerror(code))
        return folder / uuid.uuid4().hex

    def read(self, key: str) -> bytes:
        with explained("read", self._path(key)):
            return self._path(key).read_bytes()

    def read_range(self, key: str, start: int, length: int) -> bytes:
        with explained("read", self._path(key)), self._path(key).open("rb") as file:
            return os.pread(file.fileno(), length, start)

    def read_into(self, key: str, start: int, buffers: Sequence[memoryview]) -> int:
        with explained("read", self._path(key)), self._path(key).open("rb", buffering=0) as file:
            return _read_into(file.fileno(), start, buffers)

    def size(self, key: str) -> int | None:
        path = self._path(key)
        with explained("read", path):
            try:
                return path.stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                return None

    def children(self, prefix: str) -> list[str]:
        path = self._path(prefix)
        with explained("list", path):
            try:
                return sorted(os.listdir(path))
            except (FileNotFoundError, NotADirectoryError):
                return []

    def walk(self, prefix: str) -> Iterator[ObjectInfo]:
        top = self._path(prefix)
        with explained("list", top):
            for folder, _, names in os.walk(top, onerror=_raise_unless_gone):
                for name in names:
                    path = Path(folder, name)
                    with suppress(FileNotFoundError):
                        stat = path.stat()
                        key = path.relative_to(self.root).as_posix()
                        yield ObjectInfo(key, stat.st_size, stat.st_mtime, str(stat.st_mtime_ns))

    def delete(self, key: str) -> None:
        path = self._path(key)
        with explained("remove", path):
            path.unlink(missing_ok=True)
            for parent in path.parents:
                if parent in (self.root, self.root / STAGING):
                    break
                try:
                    parent.rmdir()
                    self._kept.discard(parent)
                except OSError:
                    self._sync_folder(parent) if parent.exists() else None
                    break

    def local_path(self, key: str) -> Path | None:
        return self._path(key)

    def _path(self, key: str) -> Path:
        return self.root / key

    def _link(self, path: Path, target: Path) -> bool:
        """Give a durable file its name; False when the name is taken."""
        for _ in range(LINK_ATTEMPTS):
            try:
                self._make_folders(target.parent)
                os.link(path, target)
                return True
            except FileExistsError:
                return False
            except FileNotFoundError:
                self._kept.clear()
        raise StorageError(
            f"can not write {target}: it, or the file made for it, is removed again and again; is a "
            "`verify --repair` or `gc` at work, or the store being deleted? run the same command again"
        )

    def _keep(self, target: Path) -> None:
        """Make an object's name durable, whoever gave it: the one who did may not have lived to do so."""
        with suppress(FileNotFoundError):
            self._make_folders(target.parent)
            self._sync_folder(target.parent)

    def _make_folders(self, folder: Path) -> None:
        """Create missing folders; make the entry of each durable, once, from the top."""
        way = []
        while folder not in self._kept and (self.root in folder.parents or not folder.exists()):
            way.append(folder)
            folder = folder.parent
        for new in reversed(way):
            new.mkdir(exist_ok=True)
            self._sync_folder(new.parent)
            self._kept.add(new)

    def _sync_folder(self, folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._fsync(handle)
        finally:
            os.close(handle)


def _write(file: BinaryIO, parts: Sequence[Buffer]) -> None:
    """Write the parts; the disk begins with each stretch while the next is copied."""
    begun = 0
    for part in parts:
        file.write(part)
        if file.tell() - begun >= WRITE_BACK_BYTES:
            file.flush()
            _begin_writing_back(file.fileno(), begun, file.tell() - begun)
            begun = file.tell()


def _read_into(handle: int, start: int, buffers: Sequence[memoryview]) -> int:
    """Fill the buffers from a file as far as it goes; returns the bytes read."""
    position, waiting = start, list(buffers)
    while waiting:
        n_bytes = os.preadv(handle, waiting[:BUFFERS_A_CALL], position)
        if n_bytes == 0:
            break
        position += n_bytes
        waiting = _after(waiting, n_bytes)
    return position - start


def _after(buffers: list[memoryview], n_bytes: int) -> list[memoryview]:
    """What of the buffers lies after their first bytes."""
    for number, buffer in enumerate(buffers):
        if n_bytes < len(buffer):
            return [buffer[n_bytes:], *buffers[number + 1 :]]
        n_bytes -= len(buffer)
    return []


def _begin_writing_back(handle: int, start: int, length: int) -> None:
    """Start the disk's work on a stretch just written; fsync waits for its end.

    Linux does so when told that the stretch is not needed; pages that are not on the disk yet stay cached.
    """
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(handle, start, length, os.POSIX_FADV_DONTNEED)


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
