"""The root of a store: its format name and version, created once, checked at every opening."""

from actstore.errors import FormatVersionError, NotFoundError, RequestError
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.places import open_objects
from actstore.store.records import create_record, find_record

FORMAT_NAME = "actstore"
FORMAT_VERSION = 1


def open_root(url: str) -> Objects:
    """Open an existing store.

    Raises NotFoundError where there is none, FormatVersionError for a newer format.
    """
    objects = open_objects(url)
    if not check_format(objects):
        raise NotFoundError(
            f"no store at {url!r} (it has no {paths.FORMAT}); give a store's folder, or make one with "
            "`actstore extract STUDY`"
        )
    return objects


def create_root(url: str) -> Objects:
    """Open a store, making it first where there is none."""
    objects = open_objects(url)
    if not check_format(objects):
        create_record(objects, paths.FORMAT, {"format": FORMAT_NAME, "version": FORMAT_VERSION})
        check_format(objects)
    return objects


def check_format(objects: Objects) -> bool:
    """Whether there is a store. Raises FormatVersionError, or RequestError for another program's."""
    record = find_record(objects, paths.FORMAT)
    if record is None:
        return False
    if record.get("format") != FORMAT_NAME:
        raise RequestError(
            f"{objects.url}/{paths.FORMAT} says {record!r}: this folder is not an actstore store"
        )
    version = record.get("version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise FormatVersionError(
            f"the store {objects.url} is of format {version}, this version reads up to {FORMAT_VERSION}; "
            "install a newer actstore"
        )
    return True
