"""Places: the objects at a URL."""

from pathlib import Path

from actstore.errors import NotYetError, RequestError
from actstore.store.folder import FolderObjects
from actstore.store.objects import Objects


def open_objects(url: str) -> Objects:
    """The objects below a folder. Raises RequestError for what is no folder's name."""
    if "://" in url and not url.startswith("file://"):
        scheme = url.split("://", 1)[0]
        if scheme in ("s3", "gs", "az"):
            raise NotYetError(f"store {url!r}: object stores are not there yet; give a folder")
        raise RequestError(f"store {url!r}: {scheme}:// is not known; give a folder")
    if not url:
        raise RequestError("the store's place is empty; give a folder")
    return FolderObjects(Path(url.removeprefix("file://")))
