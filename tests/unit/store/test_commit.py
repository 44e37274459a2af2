"""The commit by itself, without a driver: shards made durable, receipts that stand, runs sealed once."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from actstore.errors import (
    DamagedShardError,
    IncompleteRunError,
    NotFoundError,
    PrecisionError,
    StorageError,
)
from actstore.schema import canonical_json
from actstore.schema.receipts import Manifest, Quarantined, Receipt
from actstore.schema.spec import RunSpec
from actstore.store import paths, runs
from actstore.store.arrays import site_arrays
from actstore.store.folder import STAGING, FolderObjects
from actstore.store.objects import Buffer, Objects
from actstore.store.records import create_record, encode_record, find_record, read_record
from actstore.store.restore import recover_spec
from actstore.store.shard import check_shard
from actstore.store.writer import ShardWriter

SPEC = RunSpec(
    trunk_sha256="0" * 64, text_id="t", tokens_id="k", sites=("L00", "L01"), widths=(3, 2),
    n_rows=48, block_rows=8, blocks_per_shard=2, chunk_rows=4, tokens_per_batch=64, dtype="float32",
)  # fmt: skip


@pytest.fixture
def objects(tmp_path: Path) -> FolderObjects:
    made = FolderObjects(tmp_path / "store")
    runs.begin_run(made, SPEC)
    return made


def values(shard: int, width: int) -> np.ndarray:
    return np.random.default_rng(shard).standard_normal((16, width), dtype=np.float32)


def fill(objects: Objects, shard: int, spec: RunSpec = SPEC) -> ShardWriter:
    writer = ShardWriter(objects, spec, shard)
    row_T = np.arange(*spec.shard_range(shard))
    for site, width in zip(spec.sites, spec.widths, strict=True):
        writer.put(site, row_T, values(shard, width))
    return writer


def commit(objects: Objects, shard: int, quarantined: Sequence[Quarantined] = ()) -> Receipt:
    writer = fill(objects, shard)
    return writer.receipt(
        writer.store(), n_tokens=10 + shard, quarantined=quarantined, environment={"host": shard},
        measured={"seconds": 1.5},
    )  # fmt: skip


def files(objects: FolderObjects) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(objects.root.rglob("*")) if path.is_file()}


def test_a_shard_is_its_values_and_its_receipt_describes_them(objects: FolderObjects) -> None:
    receipt = commit(objects, 1)
    assert (receipt.shard, receipt.first_row, receipt.n_rows, receipt.n_tokens) == (1, 16, 16, 11)
    assert [item.array for item in receipt.objects] == ["L00", "L01"]
    for item, width in zip(receipt.objects, (3, 2), strict=True):
        data = objects.read(paths.run(SPEC.run_id, item.key))
        assert (item.bytes, item.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        (array,) = site_arrays(SPEC, item.array)
        check_shard(array, data, 16, item.key)
        chunks = [np.frombuffer(data, "<f4", 4 * width, at * (16 * width + 4)) for at in range(4)]
        assert np.concatenate(chunks).tolist() == values(1, width).reshape(-1).tolist()
    assert runs.read_receipt(objects, SPEC.run_id, 1) == receipt
    assert {site: item.n_rows for site, item in receipt.rounding.items()} == {"L00": 16, "L01": 16}
    assert not list((objects.root / STAGING).iterdir())


def test_the_first_receipt_stands(objects: FolderObjects) -> None:
    first = commit(objects, 0)
    writer = fill(objects, 0)
    before = files(objects)
    records = writer.store()
    second = writer.receipt(records, n_tokens=99, environment={"host": "late"}, measured={})
    assert second == first
    assert files(objects) == before
    assert records == first.objects


def test_rows_that_were_not_given_are_empty_and_told(objects: FolderObjects) -> None:
    writer = ShardWriter(objects, SPEC, 2)
    writer.put("L00", np.array([33, 40]), np.ones((2, 3), np.float32))
    assert np.flatnonzero(~writer.empty_rows()).tolist() == []
    writer.put("L01", np.array([40, 41]), np.ones((2, 2), np.float32))
    assert np.flatnonzero(~writer.empty_rows()).tolist() == [8]


@pytest.mark.parametrize(
    "given",
    [np.ones((2, 3), np.float64), np.ones((2, 2), np.float32), np.ones((3, 3), np.float32)],
    ids=["dtype", "width", "rows"],
)
def test_values_of_another_shape_are_refused(objects: FolderObjects, given: np.ndarray) -> None:
    writer = ShardWriter(objects, SPEC, 0)
    with pytest.raises(ValueError, match="2 rows of float32 width 3"):
        writer.put("L00", np.array([0, 1]), given)
    assert writer.empty_rows().all()


@pytest.mark.parametrize(
    ("value", "dtype", "said"),
    [
        (np.nan, "float32", "the model gave nan; such a value is never stored"),
        (-np.inf, "float16", "the model gave -inf"),
        (1e6, "float16", r'1e\+06 does not fit float16 \(largest 65504\); set dtype = "bfloat16"'),
    ],
)
def test_a_value_that_can_not_be_stored_is_named_with_its_row(
    tmp_path: Path, value: float, dtype: str, said: str
) -> None:
    writer = ShardWriter(FolderObjects(tmp_path), replace(SPEC, dtype=dtype), 1)
    given = np.ones((2, 3), np.float32)
    given[1, 2] = value
    with pytest.raises(PrecisionError, match=said) as caught:
        writer.put("L00", np.array([18, 21]), given)
    assert caught.value.args[1] == 21
    assert writer.empty_rows().all()


class Vanishing(FolderObjects):
    """Objects that somebody else makes and removes again, so many times."""

    def __init__(self, root: Path, times: int) -> None:
        super().__init__(root)
        self.left = times

    def create(self, key: str, parts: Sequence[Buffer]) -> bool:
        if self.left and "/c/" in key:
            self.left -= 1
            return False
        return super().create(key, parts)


def test_what_appears_and_vanishes_is_made_anew_twice_and_then_told(tmp_path: Path) -> None:
    one_site = replace(SPEC, sites=("L00",), widths=(3,))
    assert fill(Vanishing(tmp_path / "a", 2), 0, one_site).store()
    with pytest.raises(StorageError, match="appears and vanishes again and again"):
        fill(Vanishing(tmp_path / "b", 3), 0, one_site).store()


@pytest.mark.parametrize(("codec", "at_once"), [("none", 2), ("zstd", 1)])
def test_a_compressed_shard_has_one_copy_in_memory_at_a_time(
    tmp_path: Path, codec: str, at_once: int
) -> None:
    class Slow(FolderObjects):
        now = most = 0

        def create(self, key: str, parts: Sequence[Buffer]) -> bool:
            self.now += 1
            self.most = max(self.most, self.now)
            time.sleep(0.1)
            self.now -= 1
            return super().create(key, parts)

    objects = Slow(tmp_path)
    fill(objects, 0, replace(SPEC, codec=codec)).store()
    assert objects.most == at_once


def test_what_another_driver_made_is_made_durable_before_it_is_receipted(objects: FolderObjects) -> None:
    """The other was killed, perhaps before it synced the folder of its object's name."""
    fill(objects, 0).store()
    synced: list[str] = []

    def note(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().relative_to(objects.root).as_posix())

    assert fill(FolderObjects(objects.root, fsync=note), 0).store()
    assert {paths.run(SPEC.run_id, f"{site}/c/0") for site in SPEC.sites} <= set(synced)


def test_a_run_is_sealed_when_all_shards_are_there_and_only_once(objects: FolderObjects) -> None:
    assert list(runs.missing_shards(objects, SPEC)) == [0, 1, 2]
    for shard in (2, 0):
        commit(objects, shard, [Quarantined(example=7, reason=str(shard))])
    assert list(runs.missing_shards(objects, SPEC)) == [1]
    before = files(objects)
    with pytest.raises(IncompleteRunError, match="1 of 3 shards are missing"):
        runs.seal(objects, SPEC)
    assert files(objects) == before
    commit(objects, 1)
    manifest = runs.seal(objects, SPEC)
    sealed = files(objects)
    assert list(runs.missing_shards(objects, SPEC)) == []
    assert runs.find_manifest(objects, SPEC.run_id) == manifest
    objects.delete(paths.receipt(SPEC.run_id, 1))  # a sealed run is what its manifest says
    assert list(runs.missing_shards(objects, SPEC)) == []
    assert runs.seal(objects, SPEC) == manifest
    assert set(files(objects)) == set(sealed) - {str(objects.root / paths.receipt(SPEC.run_id, 1))}


def test_a_run_that_is_sealed_asks_for_nothing_more(objects: FolderObjects) -> None:
    """Neither its receipts nor its objects are looked at, and nothing is created."""
    for shard in range(3):
        commit(objects, shard)
    manifest = runs.seal(objects, SPEC)

    class Sealed(FolderObjects):
        def create(self, key: str, parts: Sequence[Buffer]) -> bool:
            raise AssertionError(f"{key} is created in a sealed run")

    assert runs.seal(Sealed(objects.root), SPEC) == manifest


def test_the_manifest_by_hand(objects: FolderObjects) -> None:
    receipts = [
        commit(objects, shard, [Quarantined(example=number, reason="bad") for number in examples])
        for shard, examples in enumerate(([1, 2], [2], []))
    ]
    manifest = runs.seal(objects, SPEC)
    parts = [
        objects.read(paths.run(SPEC.run_id, f"{site}/c/{shard}/0"))
        for shard in range(3)
        for site in SPEC.sites
    ]
    shas = "".join(hashlib.sha256(part).hexdigest() for part in parts)
    said = [
        {
            key: receipt.to_dict()[key]
            for key in ("shard", "first_row", "n_rows", "n_tokens", "objects", "quarantined")
        }
        for receipt in receipts
    ]
    assert manifest == Manifest(
        run_id=SPEC.run_id, spec=SPEC, n_shards=3, n_tokens=33, n_quarantined=2,
        bytes=sum(map(len, parts)), content_sha256=hashlib.sha256(shas.encode()).hexdigest(),
        receipts_sha256=hashlib.sha256(canonical_json(said).encode()).hexdigest(),
    )  # fmt: skip
    table = pq.read_table(objects.root / paths.sealed_receipts(SPEC.run_id))
    assert table.schema.names == ["shard", "first_row", "n_rows", "n_tokens", "receipt"]
    rows = [(r["shard"], r["first_row"], r["n_rows"], r["n_tokens"]) for r in table.to_pylist()]
    assert rows == [(0, 0, 16, 10), (1, 16, 16, 11), (2, 32, 16, 12)]
    assert [Receipt.from_dict(json.loads(text)) for text in table["receipt"].to_pylist()] == receipts
    for shard in range(3):
        objects.delete(paths.receipt(SPEC.run_id, shard))
    assert runs.read_receipts(objects, SPEC.run_id) == dict(enumerate(receipts))


def test_receipts_are_read_one_by_one_where_there_is_not_both_manifest_and_fold(
    objects: FolderObjects,
) -> None:
    receipts = dict(enumerate(commit(objects, shard) for shard in range(3)))
    objects.create(paths.sealed_receipts(SPEC.run_id), [b"of a driver that was stopped"])
    assert runs.read_receipts(objects, SPEC.run_id) == receipts
    objects.delete(paths.sealed_receipts(SPEC.run_id))
    runs.seal(objects, SPEC)
    objects.delete(paths.sealed_receipts(SPEC.run_id))
    assert runs.read_receipts(objects, SPEC.run_id) == receipts


def test_afar_a_run_is_marked_while_it_is_under_way(tmp_path: Path) -> None:
    class Afar(FolderObjects):
        """A place that is listed by requests, as a bucket is."""

        def local_path(self, key: str) -> Path | None:
            return None

    objects = Afar(tmp_path)
    runs.begin_run(objects, SPEC)
    for shard in range(3):
        commit(objects, shard)
    assert objects.size(paths.begun(SPEC.run_id)) is not None
    runs.seal(objects, SPEC)
    assert objects.size(paths.begun(SPEC.run_id)) is None
    assert FolderObjects(tmp_path).size(paths.manifest(SPEC.run_id)) is not None


def test_another_drivers_seal_stands(objects: FolderObjects) -> None:
    """The other made its manifest, of another content, in the moment before ours."""
    receipts = [commit(objects, shard) for shard in range(3)]
    theirs = replace(runs.make_manifest(SPEC, receipts), content_sha256="f" * 64)

    class Late(FolderObjects):
        def create(self, key: str, parts: Sequence[Buffer]) -> bool:
            if key == paths.manifest(SPEC.run_id):
                create_record(objects, key, theirs.to_dict())
            return super().create(key, parts)

    assert runs.seal(Late(objects.root), SPEC) == theirs
    assert runs.find_manifest(objects, SPEC.run_id) == theirs


def test_what_is_not_there_or_of_another_run_is_told(objects: FolderObjects) -> None:
    assert runs.read_spec(objects, SPEC.run_id) == SPEC
    with pytest.raises(NotFoundError, match="no run 'x'"):
        runs.read_spec(objects, "x")
    with pytest.raises(IncompleteRunError, match="shard 1 has no receipt"):
        runs.read_receipt(objects, SPEC.run_id, 1)
    create_record(objects, paths.run("y", "spec.json"), SPEC.to_dict())
    with pytest.raises(DamagedShardError, match="of another run"):
        runs.read_spec(objects, "y")


def test_a_spec_is_recovered_from_the_group_where_there_is_no_manifest(objects: FolderObjects) -> None:
    assert recover_spec(objects, SPEC.run_id) == SPEC
    assert recover_spec(objects, "another") is None
    objects.delete(paths.run(SPEC.run_id, "zarr.json"))
    assert recover_spec(objects, SPEC.run_id) is None
    for shard in range(3):
        commit(objects, shard)
    runs.seal(objects, SPEC)
    assert recover_spec(objects, SPEC.run_id) == SPEC


def test_what_is_no_receipts_name_is_no_shard(objects: FolderObjects) -> None:
    commit(objects, 2)
    for name in ("note.txt", "2.json.old", "x.json"):
        objects.create(paths.run(SPEC.run_id, f"receipts/{name}"), [b"{}"])
    assert runs.done_shards(objects, SPEC.run_id) == {2}


def test_many_runs_are_asked_for_together_as_one_by_one(tmp_path: Path) -> None:
    """Below the number from which manifests are listed, and above it."""
    objects = FolderObjects(tmp_path)
    specs = [replace(SPEC, n_rows=16, text_id=f"t{number}") for number in range(runs.FOLD_AFTER + 2)]
    runs.begin_runs(objects, specs[:4])
    for spec in specs[:2]:
        fill_one = fill(objects, 0, spec)
        fill_one.receipt(fill_one.store(), n_tokens=1, environment={}, measured={})
    manifest = runs.seal(objects, specs[0])
    for asked in (specs[:4], specs):
        left = runs.missing_of_runs(objects, asked)
        assert {key: list(shards) for key, shards in left.items()} == {
            spec.run_id: [] if number < 2 else [0] for number, spec in enumerate(asked)
        }
        assert runs.find_manifests(objects, [spec.run_id for spec in asked]) == {specs[0].run_id: manifest}


def test_records_are_equal_files_and_damage_is_named(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    assert encode_record({"b": 1, "a": "ä"}) == '{\n "a": "ä",\n "b": 1\n}\n'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_record({"a": float("nan")})
    assert create_record(objects, "r.json", {"a": 1})
    assert not create_record(objects, "r.json", {"a": 2})
    assert read_record(objects, "r.json") == find_record(objects, "r.json") == {"a": 1}
    assert find_record(objects, "none.json") is None
    for data, said in ((b"{", "not readable JSON"), (b"[1]", "is not a record")):
        objects.delete("r.json")
        objects.create("r.json", [data])
        with pytest.raises(DamagedShardError, match=said):
            read_record(objects, "r.json")
