"""Verify: does what lies there agree with what the records say? Reads everything, changes nothing."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from actstore.errors import ActstoreError, DamagedShardError, StorageError
from actstore.schema.receipts import Manifest, ObjectRecord, Receipt
from actstore.schema.spec import RunSpec
from actstore.store import paths, runs
from actstore.store.arrays import ArraySpec, site_arrays
from actstore.store.objects import Objects
from actstore.store.problem import Problem
from actstore.store.records import find_record
from actstore.store.restore import recover_spec
from actstore.store.shard import check_shard
from actstore.store.verify_tables import verify_names, verify_tables, verify_trained

THREADS = 4


def verify_store(objects: Objects, run_ids: list[str] | None = None) -> list[Problem]:
    """Every problem of the store (or of some runs), runs first, then texts and tokenisations."""
    # Manifests before runs and receipts, here and below: what a driver adds meanwhile is no problem.
    sealed = {
        name.removesuffix(".json") for name in objects.children(paths.MANIFESTS) if paths.is_manifest(name)
    }
    every = [run_id for run_id in objects.children(paths.RUNS) if _is_recorded(objects, run_id)]
    wanted = every if run_ids is None else run_ids
    found = [problem for run_id in wanted for problem in verify_run(objects, run_id)]
    if run_ids is None:
        found += [_orphan_manifest(run_id) for run_id in sorted(sealed - set(wanted))]
        found += [*verify_tables(objects), *verify_names(objects), *verify_trained(objects)]
    return found


def verify_run(objects: Objects, run_id: str) -> list[Problem]:
    """Every problem of one run."""
    try:
        spec = runs.read_spec(objects, run_id)
    except ActstoreError as error:
        key = paths.run(run_id, "spec.json")
        found = recover_spec(objects, run_id) is not None
        return [Problem(kind="spec", key=key, message=str(error), run_id=run_id, repairable=found)]
    manifest = _read_manifest(objects, spec.run_id)
    receipts, problems = _read_receipts(objects, spec)
    arrays = {array.name: array for site in spec.sites for array in site_arrays(spec, site)}
    with ThreadPoolExecutor(THREADS) as pool:
        checks = [
            pool.submit(_check_object, objects, spec, receipt, record, arrays.get(record.array))
            for receipt in receipts
            for record in receipt.objects
        ]
        problems += [problem for check in checks if (problem := check.result()) is not None]
    problems += _unreceipted(objects, spec, receipts)
    problems += _check_manifest(objects, spec, receipts, manifest)
    if receipts:  # before its first receipt a run is still being begun
        problems += _check_metadata(objects, spec)
    return problems


def _is_recorded(objects: Objects, run_id: str) -> bool:
    """Whether any record speaks of a run; else its folder is being begun, or was left for `gc` by `rm`."""
    keys = (paths.run(run_id, "spec.json"), paths.manifest(run_id))
    return any(objects.size(key) is not None for key in keys) or bool(runs.done_shards(objects, run_id))


def _read_receipts(objects: Objects, spec: RunSpec) -> tuple[list[Receipt], list[Problem]]:
    receipts, problems = [], []
    for shard in sorted(runs.done_shards(objects, spec.run_id)):
        try:
            receipt = runs.read_receipt(objects, spec.run_id, shard)
            if (receipt.run_id, receipt.shard) != (spec.run_id, shard):
                raise DamagedShardError(
                    f"the receipt of shard {shard} is of {receipt.run_id}/{receipt.shard}"
                )
            receipts.append(receipt)
        except (ActstoreError, KeyError, TypeError) as error:
            key = paths.receipt(spec.run_id, shard)
            message = f"the receipt can not be read: {error}"
            problems.append(
                Problem(kind="receipt", key=key, message=message, run_id=spec.run_id, shard=shard)
            )
    return receipts, problems


def _check_object(
    objects: Objects, spec: RunSpec, receipt: Receipt, record: ObjectRecord, array: ArraySpec | None
) -> Problem | None:
    key = paths.run(spec.run_id, record.key)

    def problem(kind: str, message: str) -> Problem:
        return Problem(kind=kind, key=key, message=message, run_id=spec.run_id, shard=receipt.shard)

    if array is None or record.key != array.key(receipt.shard):
        return problem("receipt", f"the receipt names {record.key}, which is no object of this shard")
    try:
        data = objects.read(key)
    except FileNotFoundError:
        return problem("missing", "the receipt's object is missing")
    except StorageError as error:
        return problem("unreadable", str(error))
    if len(data) != record.bytes:
        return problem("size", f"{len(data)} bytes lie there, the receipt says {record.bytes}")
    if hashlib.sha256(data).hexdigest() != record.sha256:
        return problem("altered", f"the bytes are not those of the receipt{_where(array, data, receipt)}")
    return None


def _where(array: ArraySpec, data: bytes, receipt: Receipt) -> str:
    """Which chunk is damaged, or that another whole shard lies there."""
    try:
        check_shard(array, data, receipt.n_rows, array.key(receipt.shard))
    except DamagedShardError as error:
        return f": {str(error).split(';', maxsplit=1)[0]}"
    return ": they are another shard's, whole"


def _unreceipted(objects: Objects, spec: RunSpec, receipts: list[Receipt]) -> Iterator[Problem]:
    """Objects of shards without a receipt: harmless while a driver works, and adopted by the next one."""
    receipted = {paths.run(spec.run_id, record.key) for receipt in receipts for record in receipt.objects}
    arrays = [array for site in spec.sites for array in site_arrays(spec, site)]
    known = {
        paths.run(spec.run_id, array.key(shard)): (array, shard)
        for array in arrays
        for shard in range(spec.n_shards)
    }
    for info in objects.walk(paths.run(spec.run_id)):
        if "/c/" not in info.key.removeprefix(paths.run(spec.run_id)) or info.key in receipted:
            continue
        message = "bytes without a receipt: a run in progress, or one that was stopped; extract adopts them"
        shard = None
        if info.key in known:
            array, shard = known[info.key]
            first, end = spec.shard_range(shard)
            try:
                check_shard(array, objects.read(info.key), end - first, info.key)
            except (DamagedShardError, StorageError) as error:
                message = f"bytes without a receipt that are damaged: {error}"
        yield Problem(kind="unreceipted", key=info.key, message=message, run_id=spec.run_id, shard=shard)


def _read_manifest(objects: Objects, run_id: str) -> Manifest | Problem | None:
    try:
        return runs.find_manifest(objects, run_id)
    except (ActstoreError, KeyError, TypeError) as error:
        message = f"it can not be read: {error}"
        return Problem(kind="manifest", key=paths.manifest(run_id), message=message, run_id=run_id)


def _check_manifest(
    objects: Objects, spec: RunSpec, receipts: list[Receipt], manifest: Manifest | Problem | None
) -> Iterator[Problem]:
    key = paths.manifest(spec.run_id)
    if isinstance(manifest, Problem):
        yield manifest
    if not isinstance(manifest, Manifest):
        return
    missing = sorted(set(range(spec.n_shards)) - {receipt.shard for receipt in receipts})
    for shard in missing:
        message = "the run is sealed, but this shard has no receipt"
        yield Problem(kind="receipt", key=key, message=message, run_id=spec.run_id, shard=shard)
    if missing:
        return
    expected = runs.make_manifest(spec, receipts)
    if expected != manifest:
        message = "the manifest does not describe the receipts"
        yield Problem(kind="manifest", key=key, message=message, run_id=spec.run_id)
    elif [runs.identity(item) for item in _sealed(objects, spec)] != [runs.identity(r) for r in receipts]:
        key = paths.sealed_receipts(spec.run_id)
        message = "receipts.parquet does not hold the run's receipts"
        yield Problem(kind="manifest", key=key, message=message, run_id=spec.run_id)


def _check_metadata(objects: Objects, spec: RunSpec) -> Iterator[Problem]:
    """The Zarr metadata that other readers go by."""
    for site in spec.sites:
        for array in site_arrays(spec, site):
            key = paths.run(spec.run_id, f"{array.name}/zarr.json")
            try:
                record = find_record(objects, key)
            except ActstoreError:
                record = None
            if record is None or tuple(record.get("shape", ())) != (spec.n_rows, *array.unit_shape):
                message = "the array's metadata is missing, unreadable, or of another array"
                yield Problem(kind="metadata", key=key, message=message, run_id=spec.run_id)


def _sealed(objects: Objects, spec: RunSpec) -> list[Receipt]:
    try:
        return list(runs.read_receipts(objects, spec.run_id).values())
    except (ActstoreError, KeyError, TypeError, OSError):
        return []


def _orphan_manifest(run_id: str) -> Problem:
    message = "a manifest of a run that is not there"
    return Problem(kind="manifest", key=paths.manifest(run_id), message=message, run_id=run_id)
