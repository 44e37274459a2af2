"""Repair: take back the records of what is damaged, so that extraction makes it anew. Then rm and gc."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from actstore.schema.spec import RunSpec
from actstore.store import catalog, names, paths, runs, training
from actstore.store.fold import old_folds
from actstore.store.manifests import list_manifests, mark_begun
from actstore.store.objects import ObjectInfo, Objects
from actstore.store.problem import Problem
from actstore.store.restore import restore_metadata, restore_spec

GRACE_SECONDS = 24 * 3600.0


def repair(objects: Objects, problems: Iterable[Problem]) -> list[str]:
    """Un-seal the runs concerned and remove damaged shards; returns the keys taken back or restored.

    Manifest, receipt, object, in that order: whenever this stops, what is left is an unsealed run.
    """
    removed: list[str] = []

    def remove(key: str) -> None:
        if objects.size(key) is not None:
            objects.delete(key)
            removed.append(key)

    for problem in problems:
        if not problem.repairable or (problem.kind == "unreceipted" and "damaged" not in problem.message):
            continue
        if problem.kind == "table":
            remove(f"{problem.key.rpartition('/')[0]}/meta.json")
            remove(problem.key)
            continue
        if problem.kind in ("spec", "metadata"):
            objects.delete(problem.key)
            (restore_spec if problem.kind == "spec" else restore_metadata)(objects, str(problem.run_id))
            removed.append(problem.key)
            continue
        if problem.kind == "labels":
            remove(problem.key)
            continue
        if problem.kind == "trained":
            for key in _trained_keys(objects, problem.key.split("/")[1]):
                remove(key)
            continue
        if problem.run_id is not None:
            mark_begun(objects, problem.run_id)
            remove(paths.manifest(problem.run_id))
            remove(paths.sealed_receipts(problem.run_id))
        if problem.run_id is not None and problem.shard is not None:
            remove(paths.receipt(problem.run_id, problem.shard))
        if problem.kind in ("size", "altered", "unreadable", "unreceipted"):
            remove(problem.key)
    return removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What `rm` or `gc` would remove."""

    what: str
    keys: tuple[str, ...]
    bytes: int


def plan_rm(objects: Objects, checkpoint: str, corpus: str | None) -> list[Removal]:
    """The records of a checkpoint's runs (over one corpus, or all, then with its name, weights and training).

    Runs that another name of the same weights answers for are kept. Raises NotFoundError.
    """
    begun = _begun(objects, checkpoint) if corpus is None else []
    if begun and objects.size(paths.checkpoint(checkpoint, "ref.json")) is None:
        return begun
    ref = names.checkpoint(objects, checkpoint)
    text_id = names.corpus(objects, corpus).text_id if corpus is not None else None
    shared = [
        other.name
        for other in names.checkpoints(objects)
        if other.trunk_sha256 == ref.trunk_sha256 and other.name != checkpoint
    ]
    found = []
    for info in catalog.list_runs(objects) if not shared or corpus is not None else ():
        spec = info.spec
        if spec.trunk_sha256 == ref.trunk_sha256 and text_id in (None, spec.text_id):
            keys = tuple(_record_keys(objects, spec))
            found.append(Removal(what=f"run {spec.run_id}", keys=keys, bytes=info.bytes))
    if corpus is None:
        keys = tuple(_trained_keys(objects, checkpoint))
        weights = sum(objects.size(key) or 0 for key in keys if not key.endswith(".json"))
        found += [Removal(what=f"name {checkpoint}", keys=keys, bytes=weights), *begun]
    return found


def plan_gc(
    objects: Objects, *, grace_seconds: float = GRACE_SECONDS, now: float | None = None
) -> list[Removal]:
    """Bytes that no record needs and that are older than the grace: they may belong to a run in progress."""
    limit = (time.time() if now is None else now) - grace_seconds
    found = []
    for run_id in objects.children(paths.RUNS):
        if objects.size(paths.run(run_id, "spec.json")) is None:
            found.append(_old(f"run {run_id} (removed)", objects.walk(paths.run(run_id)), limit))
        elif runs.find_manifest(objects, run_id) is None:
            done = {str(shard) for shard in runs.done_shards(objects, run_id)}
            strays = (i for i in objects.walk(paths.run(run_id)) if _shard_of(i.key) not in {None, *done})
            found.append(_old(f"run {run_id} (shards without a receipt)", strays, limit))
    found.append(_old("folds (older)", old_folds(objects), limit))
    found.append(_old("marks of complete runs", list_manifests(objects).stale_marks, limit))
    found.append(_old("staging", objects.walk(".staging"), limit))
    for name in objects.children(paths.CHECKPOINTS):
        if objects.size(paths.checkpoint(name, "ref.json")) is None:
            left = objects.walk(paths.checkpoint(name))
            found.append(_old(f"checkpoint {name} (not registered)", left, limit))
    going_on = {info.training_id for info in training.list_training(objects)}
    for training_id in objects.children(paths.TRAINING):
        if training_id not in going_on:
            left = objects.walk(paths.training(training_id))
            found.append(_old(f"training {training_id} (done)", left, limit))
    needed = {info.spec.text_id for info in catalog.list_runs(objects)}
    needed |= {ref.text_id for ref in names.corpora(objects)}
    for text_id in objects.children(paths.TEXTS):
        if text_id not in needed:
            found.append(_old(f"text {text_id}", objects.walk(f"{paths.TEXTS}/{text_id}"), limit))
    return [removal for removal in found if removal.keys]


def remove(objects: Objects, removals: Iterable[Removal]) -> int:
    """Carry out removals; returns the bytes freed."""
    freed = 0
    for removal in removals:
        for key in removal.keys:
            freed += objects.size(key) or 0
            objects.delete(key)
    return freed


def _record_keys(objects: Objects, spec: RunSpec) -> list[str]:
    """A run's records, in the order in which they are safely removed."""
    receipts = [paths.receipt(spec.run_id, shard) for shard in sorted(runs.done_shards(objects, spec.run_id))]
    keys = [paths.manifest(spec.run_id), paths.sealed_receipts(spec.run_id), *receipts]
    keys.append(paths.begun(spec.run_id))
    return [key for key in [*keys, paths.run(spec.run_id, "spec.json")] if objects.size(key) is not None]


def _trained_keys(objects: Objects, checkpoint: str) -> list[str]:
    """All that lies under a checkpoint's name, in the order in which it is safely removed.

    Notes first, so that one that is left over never speaks for a later binding of the name.
    """
    folder = paths.checkpoint(checkpoint)
    parts = sorted((info.key.removeprefix(folder) for info in objects.walk(folder)), key=_place_of_part)
    return [folder + part for part in parts]


def _begun(objects: Objects, checkpoint: str) -> list[Removal]:
    """The trainings in progress of a checkpoint."""
    return [
        Removal(
            what=f"training of {checkpoint} (step {info.step} of {info.n_steps})",
            keys=tuple(item.key for item in objects.walk(paths.training(info.training_id))),
            bytes=info.bytes,
        )
        for info in training.list_training(objects)
        if info.checkpoint == checkpoint
    ]


def _place_of_part(part: str) -> tuple[int, str]:
    return 0 if part.startswith("/about/") else 1 if part == "/ref.json" else 2, part


def _shard_of(key: str) -> str | None:
    """The shard of an object's key, None for what is no shard."""
    _, found, place = key.partition("/c/")
    return place.partition("/")[0] if found else None


def _old(what: str, infos: Iterable[ObjectInfo], limit: float) -> Removal:
    old = [info for info in infos if info.modified_seconds <= limit]
    return Removal(what=what, keys=tuple(info.key for info in old), bytes=sum(info.bytes for info in old))
