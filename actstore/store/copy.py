"""Copy: what a store holds into another one, object by object, each checked, in the order of the commit.

What is there already stays: a copy that stopped goes on, a second one does nothing.
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from actstore.errors import DamagedShardError, StorageError
from actstore.schema.receipts import ObjectRecord
from actstore.schema.refs import CheckpointRef
from actstore.schema.spec import RunSpec
from actstore.store import names, paths, runs
from actstore.store.objects import Objects
from actstore.store.parquet import HASH_BYTES, sha256_of
from actstore.store.records import create_record, find_record
from actstore.store.shard import damage
from actstore.store.trained import RECORD, find_trained

AT_ONCE = 4
"""Objects under way at once; each is in memory, and a shard's are at most 96 MiB."""
IN_MEMORY_BYTES = 128 << 20
"""Larger objects (weights) go through a file."""


def copy_object(source: Objects, target: Objects, key: str, sha256: str | None = None) -> bool:
    """Copy an object; False where one of the same content is there. `sha256`: what its record says.

    Raises DamagedShardError when the source is not what its record says, StorageError when the target has
    another object of this name.
    """
    size = source.size(key)
    if size is None:
        raise DamagedShardError(damage(f"{source.url}/{key}", "it is missing"))
    wanted = sha256 or sha256_of(source, key, size)
    there = target.size(key)
    if there is None and _create(source, target, key, wanted, size):
        return True
    if sha256_of(target, key, target.size(key) or 0) != wanted:
        raise StorageError(
            f"{target.url}/{key} is there with other bytes than {source.url} has; look after it with "
            f"`actstore verify {target.url} --repair` or `actstore gc`, then copy again"
        )
    return False


def copy_text(source: Objects, target: Objects, text_id: str) -> int:
    """Copy a text, its label sets and tokenisations; returns how many objects were new.

    A table counts by the meta.json beside it, which comes last; a label set's name holds its hash.
    """
    tokens = [paths.tokens(text_id, name, "")[:-1] for name in source.children(paths.text(text_id, "tokens"))]
    new = sum(_copy_tables(source, target, folder) for folder in [paths.text(text_id, "")[:-1], *tokens])
    labels = sorted(source.children(paths.text(text_id, "labels")), key=lambda name: name.endswith(".json"))
    for key in (paths.text(text_id, f"labels/{name}") for name in labels):
        if target.size(key) is None:
            new += copy_object(source, target, key)
    return new


def copy_checkpoint(source: Objects, target: Objects, ref: CheckpointRef) -> None:
    """Copy a name and, where it was trained in the source, its files. Raises NameTakenError."""
    names.check_checkpoint(target, ref)
    trained = find_trained(source, ref.name)
    if trained is not None:
        for part, told in trained.get("files", {}).items():
            copy_object(source, target, paths.checkpoint(ref.name, part), told["sha256"])
        create_record(target, paths.checkpoint(ref.name, RECORD), trained)
    names.bind_checkpoint(target, ref)


def shards_to_copy(source: Objects, target: Objects, spec: RunSpec) -> list[int]:
    """Finished shards of the source that the target lacks."""
    return sorted(runs.done_shards(source, spec.run_id) - runs.done_shards(target, spec.run_id))


def copy_run(
    source: Objects, target: Objects, spec: RunSpec, on_shard: Callable[[int], None] = lambda _: None
) -> int:
    """Copy a run's finished shards, sealing the copy of a complete run; returns how many shards were new.

    `on_shard` is told of each. Raises DamagedShardError, StorageError; whatever was copied counts.
    """
    runs.begin_run(target, spec)
    shards = shards_to_copy(source, target, spec)
    receipts = runs.read_receipts(source, spec.run_id) if shards else {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for shard in shards:
            list(pool.map(partial(_copy_shard_object, source, target, spec), receipts[shard].objects))
            create_record(target, paths.receipt(spec.run_id, shard), receipts[shard].to_dict())
            on_shard(shard)
    manifest = runs.find_manifest(source, spec.run_id)
    if manifest is not None and runs.seal(target, spec) != manifest:
        raise StorageError(
            f"run {spec.run_id} has other shards in {target.url} than in {source.url}: it was extracted in "
            "both, in other environments; keep either"
        )
    return len(shards)


def copy_results(source: Objects, target: Objects) -> int:
    """Copy every finished result, its provenance last; returns how many were new."""
    keys: dict[str, list[str]] = {}
    for info in source.walk(paths.RESULTS):
        keys.setdefault("/".join(info.key.split("/")[:4]), []).append(info.key)
    new = 0
    for folder, parts in keys.items():
        last = f"{folder}/provenance.json"
        if last in parts and target.size(last) is None:
            for key in sorted(parts, key=lambda key: key == last):
                copy_object(source, target, key)
            new += 1
    return new


def _copy_shard_object(source: Objects, target: Objects, spec: RunSpec, record: ObjectRecord) -> bool:
    return copy_object(source, target, paths.run(spec.run_id, record.key), record.sha256)


def _create(source: Objects, target: Objects, key: str, sha256: str, size: int) -> bool:
    if size > IN_MEMORY_BYTES:
        return _create_by_file(source, target, key, sha256, size)
    data = source.read(key)
    _check(source, key, hashlib.sha256(data).hexdigest(), sha256)
    return target.create(key, [data])


def _create_by_file(source: Objects, target: Objects, key: str, sha256: str, size: int) -> bool:
    staged, digest = target.staging(), hashlib.sha256()
    try:
        with staged.open("xb") as file:
            for piece in _pieces(source, key, size):
                digest.update(piece)
                file.write(piece)
        _check(source, key, digest.hexdigest(), sha256)
        return target.create_from_file(key, staged)
    finally:
        staged.unlink(missing_ok=True)


def _check(source: Objects, key: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise DamagedShardError(damage(f"{source.url}/{key}", "its bytes are not those of its record"))


def _pieces(source: Objects, key: str, size: int) -> Iterator[bytes]:
    for start in range(0, size, HASH_BYTES):
        yield source.read_range(key, start, min(HASH_BYTES, size - start))


def _copy_tables(source: Objects, target: Objects, folder: str) -> int:
    """The tables of a complete folder, together, then the record that completes it."""
    meta = f"{folder}/meta.json"
    record = find_record(source, meta)
    if record is None or target.size(meta) is not None:
        return 0
    told = {f"{folder}/{name}": str(item["sha256"]) for name, item in record.get("files", {}).items()}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        new = sum(pool.map(lambda key: copy_object(source, target, key, told[key]), told))
    return new + copy_object(source, target, meta)
