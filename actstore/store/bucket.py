"""Objects in a bucket of S3, Google Cloud Storage or Azure: each created whole, by put-if-absent.

A PUT with `If-None-Match: *` is atomic and never replaces. What is too large for one request is uploaded in
parts under a name of its own, then copied to its place on the same condition by the service itself.
"""

import errno
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError

from actstore.errors import ActstoreError, RequestError
from actstore.store.clients import AnyClient, open_client
from actstore.store.objects import Buffer, ObjectInfo
from actstore.store.patience import Patience, from_environment, status
from actstore.store.system import explained

T = TypeVar("T")
STAGING = ".staging"
ONE_PUT_BYTES = 128 << 20
"""Objects up to here are one request; shards are at most 96 MiB."""
PART_BYTES = 16 << 20
MOST_PARTS = 9_000
PARTS_AT_ONCE = 4
PAGE = 1_000
"""Names in one answer to a LIST: what S3 gives at most."""
NOT_SATISFIABLE = 416


class BucketObjects:
    """Objects below a prefix of a bucket. False of `create` may also mean: made here, the answer was lost."""

    def __init__(
        self, url: str, client: AnyClient, patience: Patience, *, one_put_bytes: int = ONE_PUT_BYTES
    ) -> None:
        self.url, self._client, self._patience = url.rstrip("/"), client, patience
        self._one_put_bytes = one_put_bytes

    def create(self, key: str, parts: Sequence[Buffer]) -> bool:
        parts = list(parts)
        n_bytes = sum(map(len, parts))
        if n_bytes > self._one_put_bytes:
            return self._create_in_parts(key, parts, n_bytes)
        return self._put(key, parts)

    def create_from_file(self, key: str, path: Path) -> bool:
        try:
            n_bytes = path.stat().st_size
            if n_bytes > self._one_put_bytes:
                return self._create_in_parts(key, path, n_bytes)
            return self._put(key, [path.read_bytes()])
        finally:
            path.unlink(missing_ok=True)

    def staging(self) -> Path:
        folder = Path(tempfile.gettempdir())
        with explained("write", folder):
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return folder / f"actstore-{uuid.uuid4().hex}"

    def read(self, key: str) -> bytes:
        return self._ask(key, lambda: obstore.get(self._client, key).bytes().to_bytes())

    def read_range(self, key: str, start: int, length: int) -> bytes:
        return bytes(self._range(key, start, length))

    def read_into(self, key: str, start: int, buffers: Sequence[memoryview]) -> int:
        data = self._range(key, start, sum(map(len, buffers)))
        first = 0
        for buffer in buffers:
            part = data[first : first + len(buffer)]
            buffer[: len(part)] = part
            first += len(part)
        return first

    def size(self, key: str) -> int | None:
        try:
            return int(self._ask(key, partial(obstore.head, self._client, key))["size"])
        except FileNotFoundError:
            return None

    def children(self, prefix: str) -> list[str]:
        try:
            found = self._ask(prefix, partial(obstore.list_with_delimiter, self._client, prefix or None))
        except FileNotFoundError:
            return []
        paths = [*found["common_prefixes"], *(item["path"] for item in found["objects"])]
        return sorted(path.rpartition("/")[2] for path in paths)

    def walk(self, prefix: str) -> Iterator[ObjectInfo]:
        pages = _Pages(self._client, prefix)
        while page := self._ask(prefix, pages.next):
            for item in page:
                tag = item["e_tag"] or item["last_modified"].isoformat()
                yield ObjectInfo(item["path"], item["size"], item["last_modified"].timestamp(), tag)

    def delete(self, key: str) -> None:
        with suppress(FileNotFoundError):
            self._ask(key, partial(obstore.delete, self._client, key))

    def local_path(self, key: str) -> Path | None:
        return None

    def _put(self, key: str, parts: list[Any]) -> bool:
        try:
            self._ask(key, partial(obstore.put, self._client, key, parts, mode="create"))
        except AlreadyExistsError:
            return False
        except FileNotFoundError as error:
            raise self._no_bucket() from error
        return True

    def _create_in_parts(self, key: str, source: Any, n_bytes: int) -> bool:
        if self.size(key) is not None:
            return False
        staged = f"{STAGING}/{uuid.uuid4().hex}"
        part_bytes = max(PART_BYTES, -(-n_bytes // MOST_PARTS))
        upload = partial(
            obstore.put, self._client, staged, source, use_multipart=True, chunk_size=part_bytes,
            max_concurrency=PARTS_AT_ONCE,
        )  # fmt: skip
        try:
            self._ask(key, upload)
            self._ask(key, partial(obstore.copy, self._client, staged, key, overwrite=False))
        except AlreadyExistsError:
            return False
        except FileNotFoundError as error:
            raise self._no_bucket() from error
        finally:
            with suppress(ActstoreError):
                self.delete(staged)
        return True

    def _range(self, key: str, start: int, length: int) -> memoryview:
        if length <= 0:
            return memoryview(b"")
        read = partial(obstore.get_range, self._client, key, start=start, length=length)

        def ask() -> memoryview:
            try:
                return memoryview(read())
            except BaseError as error:
                if status(error) == NOT_SATISFIABLE:
                    return memoryview(b"")
                raise

        return self._ask(key, ask)

    def _ask(self, key: str, request: Callable[[], T]) -> T:
        return self._patience.ask(f"{self.url}/{key}", request)

    def _no_bucket(self) -> RequestError:
        return RequestError(f"{self.url}: there is no such bucket; make it first, or choose another store")


class _Pages:
    """The names below a prefix, a LIST at a time; goes on after the last one when a LIST failed."""

    def __init__(self, client: AnyClient, prefix: str) -> None:
        self._client, self._prefix = client, prefix
        self._stream: Any = None
        self._last: str | None = None

    def next(self) -> list[Any]:
        """The next page, empty at the end."""
        if self._stream is None:
            self._stream = obstore.list(
                self._client, self._prefix or None, offset=self._last, chunk_size=PAGE
            )
        try:
            page = list(next(self._stream, []))
        except BaseError:
            self._stream = None
            raise
        except FileNotFoundError:
            return []
        if page:
            self._last = page[-1]["path"]
        return page


def open_bucket(url: str, wait_seconds: float | None = None) -> BucketObjects:
    """The objects at s3://, gs:// or az://BUCKET/PREFIX. Nothing is sent yet. Raises RequestError."""
    patience = from_environment() if wait_seconds is None else Patience(wait_seconds)
    return BucketObjects(url, open_client(url), patience)
