"""Manifests: the flat prefix that tells of every run by one list: the complete ones, and marks of the others.

Marks are for object stores, where folders of runs would be another list. Wherever manifests are folded each
run that is not complete has one; where they are not, the folders are listed, so that a mark may be missing.
"""

from collections.abc import Collection
from dataclasses import dataclass

from actstore.store import paths
from actstore.store.fold import Records, make_fold, read_records
from actstore.store.objects import ObjectInfo, Objects


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in the flat prefix."""

    manifests: tuple[ObjectInfo, ...]
    """By run id."""
    marks: tuple[ObjectInfo, ...]
    """Of runs that are not complete, or were completed by a driver that was killed the moment after."""

    @property
    def sealed(self) -> frozenset[str]:
        """Complete runs."""
        return frozenset(run_id_of(info) for info in self.manifests)

    @property
    def stale_marks(self) -> list[ObjectInfo]:
        """Marks of complete runs."""
        sealed = self.sealed
        return [info for info in self.marks if run_id_of(info) in sealed]


def list_manifests(objects: Objects) -> Listing:
    """One list, which is one request for each 1,000 runs."""
    infos = sorted(objects.walk(paths.MANIFESTS), key=lambda info: info.key)
    return Listing(
        manifests=tuple(info for info in infos if paths.is_manifest(info.key)),
        marks=tuple(info for info in infos if paths.is_mark(info.key)),
    )


def run_id_of(info: ObjectInfo) -> str:
    """The run that a manifest or mark is of."""
    return info.key.rpartition("/")[2].partition(".")[0]


def read_manifests(objects: Objects, listing: Listing, wanted: Collection[str] | None = None) -> Records:
    """The records of the manifests listed (or of those wanted). Raises DamagedShardError."""
    keys = None if wanted is None else {paths.manifest(run_id) for run_id in wanted}
    return read_records(objects, paths.MANIFESTS, listing.manifests, keys)


def unfinished(objects: Objects, listing: Listing, n_folded: int) -> list[str]:
    """Runs that may have begun and are not complete. `n_folded`: manifests that a fold told."""
    knows = objects.local_path("") is None and n_folded > 0
    begun = map(run_id_of, listing.marks) if knows else objects.children(paths.RUNS)
    sealed = listing.sealed
    return [run_id for run_id in begun if run_id not in sealed]


def mark_begun(objects: Objects, run_id: str) -> None:
    """In an object store, mark a run that is not complete (any more)."""
    if objects.local_path("") is None:
        objects.create(paths.begun(run_id), [b""])


def clear_mark(objects: Objects, run_id: str) -> None:
    """Once the manifest is there."""
    if objects.local_path("") is None:
        objects.delete(paths.begun(run_id))


def fold_manifests(objects: Objects) -> bool:
    """Fold the manifests where many are in no fold yet; True where a fold was made."""
    listing = list_manifests(objects)
    records = read_manifests(objects, listing, ())
    if not records.n_folded:  # a store of a time without marks, or the first fold
        for run_id in unfinished(objects, listing, 0):
            mark_begun(objects, run_id)
    return make_fold(objects, paths.MANIFESTS, listing.manifests)
