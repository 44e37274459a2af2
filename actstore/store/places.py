"""Places: the objects at a URL."""

from pathlib import Path

from actstore.errors import RequestError
from actstore.store.folder import FolderObjects
from actstore.store.objects import Objects

BUCKETS = ("s3", "gs", "az")
ALLOWED = "give a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"


def open_objects(url: str, *, wait_seconds: float | None = None) -> Objects:
    """The objects below a folder or a bucket's prefix. Raises RequestError for what is neither.

    `wait_seconds`: how long an object store is waited for; None: what ACTSTORE_WAIT_SECONDS says.
    """
    scheme, separator, _ = url.partition("://")
    if separator and scheme in BUCKETS:
        from actstore.store.bucket import open_bucket

        return open_bucket(url, wait_seconds)
    if separator and scheme != "file":
        raise RequestError(f"store {url!r}: {scheme}:// is not known; {ALLOWED}")
    if not url:
        raise RequestError(f"the store's place is empty; {ALLOWED}")
    return FolderObjects(Path(url.removeprefix("file://")))
