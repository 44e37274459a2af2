"""Probe: what a node has to see before it gets work. The driver makes one, the node looks. Needs no Ray."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from actstore.errors import AccessError
from actstore.store import paths
from actstore.store.folder import STAGING


@dataclass(frozen=True, slots=True)
class Probe:
    """What a node has to find: files of a folder by name and size."""

    folder: str
    files: tuple[tuple[str, int], ...]
    writable: bool


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


def renew(probe: Probe) -> None:
    """Write a probe's file, again too: what is in use never looks old, and a `gc` costs no node."""
    path = Path(probe.folder, probe.files[0][0])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(probe.files[0][0].encode())


def probe_listing(path: Path) -> Probe:
    """The files of a model's folder, or one file, as the driver sees them."""
    path = path.absolute()
    files = [path] if path.is_file() else sorted(entry for entry in path.iterdir() if entry.is_file())
    parent = path.parent if path.is_file() else path
    return Probe(str(parent), tuple((file.name, file.stat().st_size) for file in files), False)


def missing(probes: Sequence[Probe]) -> str | None:
    """What this node lacks, None where all is there."""
    for probe in probes:
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
