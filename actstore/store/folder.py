"""Objects in a folder: written aside, made durable, then linked, so that a name never holds half."""

import errno
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from actstore.errors import AccessError, StorageError
from actstore.store.objects import Buffer, ObjectInfo

STAGING = ".staging"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FolderObjects:
    """Objects below a local (or shared) folder. `create` is atomic by `link`, durable by fsync."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root.expanduser()))

    @property
    def url(self) -> str:
        return str(self.root)

    def create(self, key: str, parts: Sequence[Buffer]) -> bool:
        if self._path(key).exists():
            return False
        staged = self.staging()
        with _explained("write", self._path(key)):
            try:
                with staged.open("xb") as file:
                    for part in parts:
                        file.write(part)
            except OSError:
                staged.unlink(missing_ok=True)
                raise
            return self.create_from_file(key, staged)

    def create_from_file(self, key: str, path: Path) -> bool:
        target = self._path(key)
        with _explained("write", target):
            try:
                with path.open("rb") as file:
                    os.fsync(file.fileno())
                self._make_folders(target.parent)
                os.link(path, target)
            except FileExistsError:
                return False
            finally:
                path.unlink(missing_ok=True)
            _sync_folder(target.parent)
        return True

    def staging(self) -> Path:
        folder = self.root / STAGING
        with _explained("write", folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder / uuid.uuid4().hex

    def read(self, key: str) -> bytes:
        with _explained("read", self._path(key)):
            return self._path(key).read_bytes()

    def read_range(self, key: str, start: int, length: int) -> bytes:
        with _explained("read", self._path(key)), self._path(key).open("rb") as file:
            return os.pread(file.fileno(), length, start)

    def size(self, key: str) -> int | None:
        try:
            return self._path(key).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def children(self, prefix: str) -> list[str]:
        try:
            return sorted(entry.name for entry in os.scandir(self._path(prefix)))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def walk(self, prefix: str) -> Iterator[ObjectInfo]:
        top = self._path(prefix)
        for folder, _, names in os.walk(top):
            for name in names:
                path = Path(folder, name)
                with suppress(FileNotFoundError):
                    stat = path.stat()
                    yield ObjectInfo(path.relative_to(self.root).as_posix(), stat.st_size, stat.st_mtime)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with _explained("remove", path):
            path.unlink(missing_ok=True)
            for parent in path.parents:
                if parent == self.root:
                    break
                try:
                    parent.rmdir()
                except OSError:
                    _sync_folder(parent) if parent.exists() else None
                    break

    def local_path(self, key: str) -> Path | None:
        return self._path(key)

    def _path(self, key: str) -> Path:
        return self.root / key

    def _make_folders(self, folder: Path) -> None:
        """Create missing folders and make their entries durable, from the top."""
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for new in reversed(missing):
            new.mkdir(exist_ok=True)
            _sync_folder(new.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _explained(verb: str, path: Path) -> Iterator[None]:
    """Turn the system's errors into ours, with what to do next."""
    try:
        yield
    except PermissionError as error:
        raise AccessError(
            f"no permission to {verb} {path}; choose another store or change its rights"
        ) from error
    except NotADirectoryError as error:
        raise AccessError(
            f"can not {verb} {path}: a part of this path is a file; choose another store"
        ) from error
    except OSError as error:
        if error.errno == errno.EROFS:
            raise AccessError(
                f"can not {verb} {path}: the file system is read-only; choose another store"
            ) from error
        if error.errno in FULL:
            raise StorageError(
                f"can not {verb} {path}: no space left; free some and run the same command again, "
                "what is stored stays"
            ) from error
        raise
