"""Probe: what a node has to see before it gets work. The driver makes one, the node looks. Needs no Ray."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from actstore.errors import AccessError, ActstoreError
from actstore.store import paths
from actstore.store.folder import STAGING
from actstore.store.objects import Objects
from actstore.store.places import open_objects

WAIT_SECONDS = 20.0
"""How long a node waits for an object store before it says that it does not see it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a node has to find: files of a folder by name and size."""

    folder: str
    files: tuple[tuple[str, int], ...]
    writable: bool


@dataclass(frozen=True, slots=True)
class BucketProbe:
    """What a node has to find in an object store, with the credentials that it has itself."""

    url: str
    key: str


AnyProbe = Probe | BucketProbe


@contextmanager
def probe_object(objects: Objects) -> Iterator[BucketProbe]:
    """An object in a store's bucket, for as long as nodes may look. Raises AccessError."""
    probe = BucketProbe(objects.url, f"{STAGING}/probe-{secrets.token_hex(8)}")
    objects.create(probe.key, [probe.key.encode()])
    try:
        yield probe
    finally:
        objects.delete(probe.key)


@contextmanager
def probe_file(folder: Path) -> Iterator[Probe]:
    """A file in a store's folder, for as long as nodes may look. Raises AccessError.

    It lies where a store keeps what is not finished, so that `gc` finds what a killed driver left. Folders
    that are made for it go with it unless a store came to be.
    """
    folder = folder.absolute()
    name = f"{STAGING}/probe-{secrets.token_hex(8)}"
    path = folder / name
    probe = Probe(str(folder), ((name, len(name)),), True)
    made = [each for each in path.parents if not each.exists()]
    try:
        try:
            renew(probe)
        except OSError as error:
            raise AccessError(f"{folder}: this process can not write there: {error}") from error
        yield probe
    finally:
        path.unlink(missing_ok=True)
        if not (folder / paths.FORMAT).exists():
            with suppress(OSError):  # not empty
                for each in made:
                    each.rmdir()


def renew(probe: AnyProbe) -> None:
    """Write what a probe looks for, again too: what is in use never looks old, and a `gc` costs no node.

    Raises OSError, ActstoreError.
    """
    if isinstance(probe, BucketProbe):
        open_objects(probe.url, wait_seconds=WAIT_SECONDS).create(probe.key, [probe.key.encode()])
        return
    if not probe.writable:
        return
    path = Path(probe.folder, probe.files[0][0])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(probe.files[0][0].encode())


def probe_listing(path: Path) -> Probe:
    """The files of a model's folder, or one file, as the driver sees them."""
    path = path.absolute()
    files = [path] if path.is_file() else sorted(entry for entry in path.iterdir() if entry.is_file())
    parent = path.parent if path.is_file() else path
    return Probe(str(parent), tuple((file.name, file.stat().st_size) for file in files), False)


def missing(probes: Sequence[AnyProbe]) -> str | None:
    """What this node lacks, None where all is there."""
    found = (_lacks_object(probe) if isinstance(probe, BucketProbe) else _lacks(probe) for probe in probes)
    return next((lack for lack in found if lack is not None), None)


def _lacks(probe: Probe) -> str | None:
    for name, n_bytes in probe.files:
        path = os.path.join(probe.folder, name)
        try:
            with open(path, "rb") as file:
                found = os.fstat(file.fileno()).st_size
        except OSError as error:
            return f"does not see {probe.folder}: {name}: {error.strerror}"
        if found != n_bytes:
            return f"sees another {path}: {found} bytes there, {n_bytes} here"
    if probe.writable and not os.access(probe.folder, os.W_OK):
        return f"can not write to {probe.folder}"
    return None


def _lacks_object(probe: BucketProbe) -> str | None:
    mine = f"{probe.key}-{secrets.token_hex(8)}"
    try:
        objects = open_objects(probe.url, wait_seconds=WAIT_SECONDS)
        if objects.size(probe.key) is None:
            return f"sees another {probe.url}: what the driver wrote there is not there"
        objects.create(mine, [b""])
        objects.delete(mine)
    except ActstoreError as error:
        return f"can not use {probe.url}: {error}"
    return None
