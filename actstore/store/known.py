"""KnownRuns: the runs of a store for one question after another: each lists, and reads what is new alone."""

from collections.abc import Collection
from functools import partial

from actstore.errors import NotFoundError
from actstore.schema.spec import RunSpec
from actstore.store import paths, runs
from actstore.store.ahead import in_order
from actstore.store.catalog import RunInfo, partial_run, sealed_run
from actstore.store.fold import read_records, threads
from actstore.store.manifests import list_manifests, unfinished
from actstore.store.objects import ObjectInfo, Objects

Seen = tuple[str, int, str]
"""A manifest's key, bytes and tag: another one under the same name is another one."""


class KnownRuns:
    """What was read of a store's runs. Nothing in it is trusted that the list of now does not show."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._sealed: dict[Seen, RunInfo] = {}
        self._specs: dict[str, RunSpec] = {}
        self._n_folded = 0

    def ids(self) -> set[str]:
        """Of every run that a question may name."""
        return {info.run_id for info in self._sealed.values()} | set(self._specs)

    def of_pairs(self, pairs: Collection[tuple[str, str]]) -> list[RunInfo]:
        """The runs of these pairs of a checkpoint's `trunk_sha256` and a text's id, as they are now.

        Costs one request for each 1,000 runs, one for each run that is not complete and was not seen before,
        and one for each of the pairs' runs that is not complete.
        """
        listing = list_manifests(self.objects)
        seen = [_seen(info) for info in listing.manifests]
        known = self._sealed
        new = [info for info, key in zip(listing.manifests, seen, strict=True) if key not in known]
        records = read_records(self.objects, paths.MANIFESTS, new)
        tags = {info.key: _seen(info) for info in new}
        read = {tags[key]: sealed_run(self.objects, key, record) for key, record in records.by_key.items()}
        self._sealed = {key: info for key in seen if (info := known.get(key) or read.get(key)) is not None}
        self._n_folded = max(self._n_folded, records.n_folded)
        begun = unfinished(self.objects, listing, self._n_folded)
        self._specs = self._read_specs(begun)
        found = [info for info in self._sealed.values() if _pair(info.spec) in pairs]
        left = [run_id for run_id, spec in self._specs.items() if _pair(spec) in pairs]
        jobs = (partial(partial_run, self.objects, run_id, sizes=False) for run_id in left)
        return found + [info for info in in_order(jobs, threads(self.objects)) if info is not None]

    def _read_specs(self, begun: list[str]) -> dict[str, RunSpec]:
        """A run's spec never changes: those known are not read again."""
        known = self._specs
        new = [run_id for run_id in begun if run_id not in known]
        jobs = (partial(_find_spec, self.objects, run_id) for run_id in new)
        read = dict(zip(new, in_order(jobs, threads(self.objects)), strict=True))
        specs = {run_id: known.get(run_id) or read.get(run_id) for run_id in begun}
        return {run_id: spec for run_id, spec in specs.items() if spec is not None}


def _find_spec(objects: Objects, run_id: str) -> RunSpec | None:
    try:
        return runs.read_spec(objects, run_id)
    except NotFoundError:  # removed since the list
        return None


def _seen(info: ObjectInfo) -> Seen:
    return info.key, info.bytes, info.tag


def _pair(spec: RunSpec) -> tuple[str, str]:
    return spec.trunk_sha256, spec.text_id
