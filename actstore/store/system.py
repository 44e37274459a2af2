"""The system's errors as ours, with what to do next. A missing file that is read stays FileNotFoundError."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actstore.errors import AccessError, ActstoreError, StorageError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def explained(verb: str, path: Path) -> Iterator[None]:
    """Turn an OSError of the block into AccessError or StorageError; what is ours already goes through."""
    try:
        yield
    except ActstoreError:
        raise
    except OSError as error:
        if verb == "read" and isinstance(error, FileNotFoundError):
            raise
        raise (access_error(verb, path, error) or storage_error(verb, path, error)) from error


@contextmanager
def explained_full(verb: str, path: Path) -> Iterator[None]:
    """As `explained`, for a full or read-only disk only: the block may also meet errors of other files."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EROFS:
            raise (access_error(verb, path, error) or error) from error
        if error.errno in FULL and not isinstance(error, ActstoreError):
            raise storage_error(verb, path, error) from error
        raise


def access_error(verb: str, path: Path, error: OSError) -> AccessError | None:
    """What to tell when the place forbids it, None when the error is of another kind."""
    if error.errno == errno.EROFS:
        return AccessError(f"can not {verb} {path}: the file system is read-only; choose another store")
    if isinstance(error, PermissionError):
        return AccessError(f"no permission to {verb} {path}; choose another store or change its rights")
    if isinstance(error, NotADirectoryError | FileExistsError):
        return AccessError(f"can not {verb} {path}: a part of this path is a file; choose another store")
    return None


def storage_error(verb: str, path: Path, error: OSError) -> StorageError:
    """What to tell when the disk is full or failed."""
    if error.errno in FULL:
        return StorageError(
            f"can not {verb} {path}: no space left; free some and run the same command again, "
            "what is stored stays"
        )
    return StorageError(
        f"can not {verb} {path}: {error.strerror or error}; look after the disk and run the same command "
        "again, what is stored stays"
    )
