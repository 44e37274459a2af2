"""Runs: begun by a spec, grown by receipts, complete when a manifest says so."""

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from actstore.errors import DamagedShardError, IncompleteRunError, NotFoundError
from actstore.plan.resume import shards_left
from actstore.schema import canonical_json
from actstore.schema.receipts import Manifest, Receipt
from actstore.schema.spec import RunSpec
from actstore.store import paths
from actstore.store.ahead import in_order
from actstore.store.arrays import create_metadata
from actstore.store.fold import FOLD_AFTER, threads
from actstore.store.manifests import (
    clear_mark,
    list_manifests,
    mark_begun,
    read_manifests,
    unfinished,
)
from actstore.store.objects import Objects
from actstore.store.parquet import read_table
from actstore.store.records import create_record, find_record, read_record

T = TypeVar("T")
SEALED = pa.schema(
    [
        ("shard", pa.int32()),
        ("first_row", pa.int64()),
        ("n_rows", pa.int64()),
        ("n_tokens", pa.int64()),
        ("receipt", pa.string()),
    ]
)
"""Columns of receipts.parquet; `receipt` is the whole receipt as JSON."""


def begin_run(objects: Objects, spec: RunSpec) -> None:
    """Create the run's spec and array metadata where they are missing."""
    mark_begun(objects, spec.run_id)
    create_record(objects, paths.run(spec.run_id, "spec.json"), spec.to_dict())
    create_metadata(objects, spec)


def begin_runs(objects: Objects, specs: Sequence[RunSpec]) -> None:
    """Begin runs, several at once where each is many requests."""
    for _ in in_order((partial(begin_run, objects, spec) for spec in specs), threads(objects)):
        pass


def read_spec(objects: Objects, run_id: str) -> RunSpec:
    """The spec of a run. Raises NotFoundError when there is none, DamagedShardError when it is altered."""
    record = find_record(objects, paths.run(run_id, "spec.json"))
    if record is None:
        raise NotFoundError(f"no run {run_id!r} in {objects.url}; `actstore ls` lists the runs")
    spec = _parsed(objects, paths.run(run_id, "spec.json"), RunSpec.from_dict, record)
    if spec.run_id != run_id:
        raise DamagedShardError(
            f"{objects.url}/{paths.run(run_id)}: spec.json is of another run ({spec.run_id})"
        )
    return spec


def done_shards(objects: Objects, run_id: str) -> set[int]:
    """Shards that have a receipt, by listing names only."""
    names = objects.children(paths.run(run_id, "receipts"))
    return {int(name.removesuffix(".json")) for name in names if name.removesuffix(".json").isdigit()}


def missing_shards(objects: Objects, spec: RunSpec) -> Sequence[int]:
    """Shards that have no receipt yet."""
    if find_manifest(objects, spec.run_id) is not None:
        return range(0)
    return shards_left(spec.n_shards, done_shards(objects, spec.run_id))


def missing_of_runs(objects: Objects, specs: Sequence[RunSpec]) -> dict[str, Sequence[int]]:
    """As `missing_shards`, of many runs by id: a list of all manifests, then one of each run under way."""
    by_id = {spec.run_id: spec for spec in specs}
    if len(by_id) < FOLD_AFTER:
        jobs = [partial(missing_shards, objects, spec) for spec in by_id.values()]
        return dict(zip(by_id, in_order(jobs, threads(objects)), strict=True))
    listing = list_manifests(objects)
    sealed = listing.sealed
    begun = set(unfinished(objects, listing, read_manifests(objects, listing, ()).n_folded))
    found = {run_id: range(0 if run_id in sealed else spec.n_shards) for run_id, spec in by_id.items()}
    going = [run_id for run_id in by_id if run_id in begun]
    done = in_order((partial(done_shards, objects, run_id) for run_id in going), threads(objects))
    left = {
        run_id: shards_left(by_id[run_id].n_shards, there) for run_id, there in zip(going, done, strict=True)
    }
    return found | left


def read_receipt(objects: Objects, run_id: str, shard: int) -> Receipt:
    """One receipt. Raises IncompleteRunError when the shard has none, DamagedShardError."""
    key = paths.receipt(run_id, shard)
    try:
        record = read_record(objects, key)
    except FileNotFoundError:
        raise IncompleteRunError(
            f"run {run_id}: shard {shard} has no receipt; `actstore extract` does it"
        ) from None
    return _parsed(objects, key, Receipt.from_dict, record)


def read_receipts(objects: Objects, run_id: str) -> dict[int, Receipt]:
    """All receipts of a run by shard: from the one file of a sealed run, else one by one.

    Raises DamagedShardError for a record that can not be read.
    """
    key = paths.sealed_receipts(run_id)
    if objects.size(paths.manifest(run_id)) is not None and objects.size(key) is not None:
        texts = read_table(objects, key, ["receipt"]).column(0).to_pylist()
        found = [_parsed(objects, key, Receipt.from_dict, json.loads(text)) for text in texts]
        return {receipt.shard: receipt for receipt in found}
    shards = sorted(done_shards(objects, run_id))
    jobs = (partial(read_receipt, objects, run_id, shard) for shard in shards)
    return dict(zip(shards, in_order(jobs, threads(objects)), strict=True))


def find_manifest(objects: Objects, run_id: str) -> Manifest | None:
    """The manifest of a complete run, None while it is not complete. Raises DamagedShardError."""
    key = paths.manifest(run_id)
    record = find_record(objects, key)
    return None if record is None else parse_manifest(objects, key, record)


def find_manifests(objects: Objects, run_ids: Iterable[str]) -> dict[str, Manifest]:
    """The manifests of the runs that are complete, by id. Raises DamagedShardError."""
    wanted = set(run_ids)
    if len(wanted) < FOLD_AFTER:
        found = in_order((partial(find_manifest, objects, run_id) for run_id in wanted), threads(objects))
        return {manifest.run_id: manifest for manifest in found if manifest is not None}
    records = read_manifests(objects, list_manifests(objects), wanted).by_key
    every = (parse_manifest(objects, key, record) for key, record in records.items())
    return {manifest.run_id: manifest for manifest in every}


def parse_manifest(objects: Objects, key: str, record: dict[str, Any]) -> Manifest:
    """A manifest from its record. Raises DamagedShardError."""
    return _parsed(objects, key, Manifest.from_dict, record)


def seal(objects: Objects, spec: RunSpec) -> Manifest:
    """Fold the receipts into one file and create the manifest: from now on the run is complete.

    Raises IncompleteRunError while a shard is missing. Two drivers may seal at once: equal receipts make
    equal manifests, and the one that stands is returned.
    """
    existing = find_manifest(objects, spec.run_id)
    if existing is not None:
        return existing
    missing = missing_shards(objects, spec)
    if missing:
        raise IncompleteRunError(f"run {spec.run_id}: {len(missing)} of {spec.n_shards} shards are missing")
    receipts = list(read_receipts(objects, spec.run_id).values())
    objects.create(paths.sealed_receipts(spec.run_id), [_fold(receipts)])
    manifest = make_manifest(spec, receipts)
    data = (canonical_json(manifest.to_dict()) + "\n").encode()
    objects.create(paths.manifest(spec.run_id), [data])
    standing = find_manifest(objects, spec.run_id)
    clear_mark(objects, spec.run_id)
    return manifest if standing is None else standing


def make_manifest(spec: RunSpec, receipts: list[Receipt]) -> Manifest:
    """The manifest of a run from its receipts in shard order; a pure function of what lies there."""
    identities = [identity(receipt) for receipt in receipts]
    shas = "".join(item.sha256 for receipt in receipts for item in receipt.objects)
    return Manifest(
        run_id=spec.run_id,
        spec=spec,
        n_shards=len(receipts),
        n_tokens=sum(receipt.n_tokens for receipt in receipts),
        n_quarantined=len({item.example for receipt in receipts for item in receipt.quarantined}),
        bytes=sum(item.bytes for receipt in receipts for item in receipt.objects),
        receipts_sha256=hashlib.sha256(canonical_json(identities).encode()).hexdigest(),
        content_sha256=hashlib.sha256(shas.encode()).hexdigest(),
    )


def identity(receipt: Receipt) -> dict[str, Any]:
    """What of a receipt is the same however and wherever the shard was made."""
    value = receipt.to_dict()
    return {key: value[key] for key in ("shard", "first_row", "n_rows", "n_tokens", "objects", "quarantined")}


def _parsed(objects: Objects, key: str, make: Callable[[dict[str, Any]], T], record: dict[str, Any]) -> T:
    """A record as its noun. Raises DamagedShardError when its fields are not the noun's."""
    try:
        return make(record)
    except (KeyError, TypeError) as error:
        raise DamagedShardError(
            f"{objects.url}/{key}: a field is missing or strange ({error}); run `actstore verify --repair`"
        ) from error


def _fold(receipts: list[Receipt]) -> bytes:
    rows = [
        {
            "shard": receipt.shard,
            "first_row": receipt.first_row,
            "n_rows": receipt.n_rows,
            "n_tokens": receipt.n_tokens,
            "receipt": canonical_json(receipt.to_dict()),
        }
        for receipt in receipts
    ]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=SEALED), sink, compression="zstd")
    return sink.getvalue()
