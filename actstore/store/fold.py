"""Fold: many small records in one cached object, so that a catalog costs its list and one read.

An entry counts while the list shows its record with the same size and tag, so a fold is never out of date,
only incomplete: what it lacks is read one by one. It is named by the list it was made from, so that whoever
sees the same list finds it without another. Losing a fold costs requests, nothing else.
"""

import hashlib
import io
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from actstore.store import paths
from actstore.store.ahead import in_order
from actstore.store.objects import ObjectInfo, Objects
from actstore.store.records import find_record

FOLD_AFTER = 200
"""Records outside of a fold before another one is made; fewer are read one by one."""
MOST_FOLDS = 3
"""Folds that are looked at: two drivers may have made one each, of which neither has all."""
AT_ONCE = 16
SCHEMA = pa.schema(
    [("key", pa.string()), ("bytes", pa.int64()), ("tag", pa.string()), ("record", pa.string())]
)


@dataclass(frozen=True, slots=True)
class Records:
    """Records by key, in the order of their list, without those that were gone when they were read."""

    by_key: Mapping[str, dict[str, Any]]
    n_folded: int
    """How many of them a fold told."""


def threads(objects: Objects) -> int:
    """Small reads at once: a folder answers faster than threads start."""
    return 1 if objects.local_path("") is not None else AT_ONCE


def read_records(
    objects: Objects, kind: str, infos: Sequence[ObjectInfo], wanted: Collection[str] | None = None
) -> Records:
    """The records that a list shows: those that a fold of this kind tells, and one read for each other one.

    `wanted`: keys, where not all are. Raises DamagedShardError for a record that is not readable.
    """
    folded = _folded(objects, kind, infos)
    keys = [info.key for info in infos if wanted is None or info.key in wanted]
    missing = [key for key in keys if key not in folded]
    read = in_order((partial(find_record, objects, key) for key in missing), threads(objects))
    found = folded | {key: each for key, each in zip(missing, read, strict=True) if each is not None}
    return Records({key: found[key] for key in keys if key in found}, len(folded))


def make_fold(objects: Objects, kind: str, infos: Sequence[ObjectInfo]) -> bool:
    """Fold the records that a list shows, where many of them are in no fold; True where one was made."""
    if len(infos) - len(_folded(objects, kind, infos)) < FOLD_AFTER:
        return False
    records = read_records(objects, kind, infos).by_key
    rows = [
        {"key": info.key, "bytes": info.bytes, "tag": info.tag,
         "record": json.dumps(records[info.key], separators=(",", ":"), ensure_ascii=False)}
        for info in infos if info.key in records
    ]  # fmt: skip
    sink = io.BytesIO()
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return objects.create(_key(kind, infos), [sink.getvalue()])


def old_folds(objects: Objects) -> list[ObjectInfo]:
    """Folds that a newer one of their kind stands for."""
    folds = list(objects.walk(paths.FOLDS))
    newest = {paths.kind_of_fold(info.key): info for info in sorted(folds, key=_age)}
    return [info for info in folds if newest[paths.kind_of_fold(info.key)] != info]


def _folded(objects: Objects, kind: str, infos: Sequence[ObjectInfo]) -> dict[str, dict[str, Any]]:
    """What folds tell of records that lie there as they were."""
    found: dict[str, dict[str, Any]] = {}
    if len(infos) < FOLD_AFTER:
        return found
    by_key = {info.key: info for info in infos}
    for key in _folds(objects, kind, infos):
        rows = (row for row in _rows(objects, key) if row["key"] not in found)
        found |= {row["key"]: json.loads(row["record"]) for row in rows if _stands(row, by_key)}
        if len(infos) - len(found) < FOLD_AFTER:
            break
    return found


def _folds(objects: Objects, kind: str, infos: Sequence[ObjectInfo]) -> Iterator[str]:
    """The fold of exactly this list, then, at the price of a list, the newest others."""
    mine = _key(kind, infos)
    yield mine
    others = [info for info in objects.walk(paths.FOLDS) if paths.kind_of_fold(info.key) == kind]
    yield from (info.key for info in sorted(others, key=_age)[: -MOST_FOLDS - 1 : -1] if info.key != mine)


def _rows(objects: Objects, key: str) -> list[dict[str, Any]]:
    """A fold's entries; none where it is gone, damaged or of a later version."""
    try:
        source = io.BytesIO(objects.read(key))
        table = pq.read_table(source, page_checksum_verification=True)
    except (FileNotFoundError, pa.ArrowInvalid, OSError):
        return []
    return table.to_pylist() if table.schema.equals(SCHEMA) else []


def _stands(row: dict[str, Any], by_key: Mapping[str, ObjectInfo]) -> bool:
    info = by_key.get(row["key"])
    return info is not None and (row["bytes"], row["tag"]) == (info.bytes, info.tag)


def _key(kind: str, infos: Sequence[ObjectInfo]) -> str:
    lines = sorted(f"{info.key} {info.bytes} {info.tag}\n" for info in infos)
    return paths.fold(kind, hashlib.sha256("".join(lines).encode()).hexdigest()[:20])


def _age(info: ObjectInfo) -> tuple[float, int, str]:
    return info.modified_seconds, info.bytes, info.key
