"""Bytes that are there already: adopted and described when they are right, refused and repaired when not."""

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actstore.schema.receipts import Receipt
from actstore.store import paths, repair, runs
from actstore.store.arrays import encode_shard, site_arrays
from actstore.store.folder import FolderObjects
from actstore.store.reader import RunReader
from actstore.store.tokens import read_inputs
from actstore.store.verify import verify_store
from tests.support.drivers import check_complete, extract_with, manifest_of
from tests.support.faults import Fault, FaultTable
from tests.support.small_store import FormulaExtractor, SmallStore, open_formula, prepare

SHARD, SITE, LAYER = 2, "L01", 1
JITTER = 1e-5
"""A shift that changes the bytes and stays within what another environment may change."""


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    return prepare(tmp_path / "store")


@pytest.fixture
def undisturbed(tmp_path: Path) -> SmallStore:
    made = prepare(tmp_path / "undisturbed")
    extract_with(made)
    return made


def object_key(small: SmallStore, shard: int = SHARD, site: str = SITE) -> str:
    return paths.run(small.specs["base"].run_id, f"{site}/c/{shard}/0")


def jittered(arguments: Mapping[str, Any]) -> FormulaExtractor:
    return open_formula({**arguments, "shift": arguments["shift"] + JITTER})


def jittered_bytes(tmp_path: Path) -> SmallStore:
    other = prepare(tmp_path / "other")
    extract_with(other, open_extractor=jittered)
    return other


def receipt_of(small: SmallStore, shard: int = SHARD) -> Receipt:
    return runs.read_receipt(small.objects, small.specs["base"].run_id, shard)


def put(small: SmallStore, data: bytes, shard: int = SHARD) -> None:
    """As another driver would: its own objects, in the same folder."""
    FolderObjects(Path(small.objects.url)).create(object_key(small, shard), [data])


@pytest.mark.parametrize("moment", ["before", "during"])
def test_another_drivers_bytes_are_adopted_and_described(
    small: SmallStore, tmp_path: Path, moment: str
) -> None:
    other = jittered_bytes(tmp_path)
    theirs = other.objects.read(object_key(other))
    effect = partial(put, small, theirs)
    table = FaultTable([Fault(operation="create", key=object_key(small), moment=moment, effect=effect)])
    (report,) = extract_with(small, table)
    assert report.failures == ()
    assert small.objects.read(object_key(small)) == theirs
    record = next(item for item in receipt_of(small).objects if item.array == SITE)
    assert record.sha256 == hashlib.sha256(theirs).hexdigest()
    assert verify_store(small.objects) == []
    spec = small.specs["base"]
    rows = spec.shard_range(SHARD)
    n_tokens = len(read_inputs(small.objects, spec.text_id, spec.tokens_id, rows)[0])
    mine, reference = (RunReader(item.objects, spec.run_id) for item in (small, other))
    row_T = mine.sequences.within_rows(*rows).rows()
    assert len(row_T) == n_tokens
    np.testing.assert_array_equal(mine.gather(SITE, row_T), reference.gather(SITE, row_T))


MOMENTS = ["*/spec.json", "*/L00/zarr.json", "*/L01/c/0/0", "*/L02/c/4/0", "*/receipts/0.json",
           "*/receipts/5.json", "*/receipts.parquet", "manifests/*"]  # fmt: skip


@pytest.mark.parametrize("overlap", [1, 2])
@pytest.mark.parametrize("key", MOMENTS)
def test_another_driver_does_everything_in_the_middle_of_ours(
    small: SmallStore, key: str, overlap: int
) -> None:
    def whole_extraction() -> None:
        (report,) = extract_with(small, open_extractor=jittered)
        assert report.manifest is not None

    table = FaultTable([Fault(operation="create", key=key, moment="during", effect=whole_extraction)])
    (report,) = extract_with(small, table, overlap=overlap)
    assert report.failures == ()
    assert report.manifest == manifest_of(small)
    assert verify_store(small.objects) == []


def test_damaged_bytes_without_a_receipt_are_refused_and_repaired(
    small: SmallStore, undisturbed: SmallStore
) -> None:
    data = bytearray(undisturbed.objects.read(object_key(undisturbed)))
    data[17] ^= 8
    put(small, bytes(data))
    (report,) = extract_with(small)
    (failure,) = report.failures
    assert failure.kind == "DamagedShardError"
    assert "verify STORE --repair" in failure.message
    assert object_key(small) in failure.message
    spec = small.specs["base"]
    assert runs.done_shards(small.objects, spec.run_id) == set(range(spec.n_shards)) - {SHARD}
    problems = verify_store(small.objects)
    assert repair.repair(small.objects, problems) == [object_key(small)]
    (report,) = extract_with(small)
    assert (report.n_new_shards, report.failures) == (1, ())
    check_complete(small, manifest_of(undisturbed))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int8"])
@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_another_shards_bytes_are_refused_and_collected(tmp_path: Path, dtype: str, codec: str) -> None:
    small, whole = (prepare(tmp_path / name, dtype=dtype, codec=codec) for name in ("store", "whole"))
    extract_with(whole)
    put(small, whole.objects.read(object_key(whole, shard=3)))
    (report,) = extract_with(small)
    (failure,) = report.failures
    assert failure.kind == "DamagedShardError"
    assert "gc STORE --grace 0 --yes" in failure.message
    repair.remove(small.objects, repair.plan_gc(small.objects, grace_seconds=-1))
    extract_with(small)
    check_complete(small, manifest_of(whole))


def holes(small: SmallStore, undisturbed: SmallStore, example: int) -> tuple[int, bytes]:
    """The shard that holds an example, as a driver would store it for which the example was poison."""
    spec = small.specs["base"]
    reader = RunReader(undisturbed.objects, spec.run_id)
    mine = reader.sequences.of_examples(example, example + 1)
    shard = int(mine.first_row_S[0]) // spec.shard_rows
    first, end = spec.shard_range(shard)
    values_RD = np.full((end - first, 8), np.nan, np.float32)
    row_T = reader.sequences.within_rows(first, end).rows()
    row_T = row_T[~np.isin(row_T, mine.rows())]
    values_RD[row_T - first] = reader.gather(SITE, row_T)
    return shard, b"".join(encode_shard(site_arrays(spec, SITE)[0], values_RD))


def test_an_example_without_values_in_adopted_bytes_is_quarantined(
    small: SmallStore, undisturbed: SmallStore
) -> None:
    shard, data = holes(small, undisturbed, example=11)
    put(small, data, shard)
    (report,) = extract_with(small)
    assert [item.example for item in report.quarantined] == [11]
    assert "another driver" in report.quarantined[0].reason
    reader = RunReader(small.objects, small.specs["base"].run_id)
    assert np.isfinite(reader.read(SITE)).all()
    assert 11 not in reader.examples(SITE, 0, 40).example_N


def test_an_example_that_failed_here_and_lies_there_whole_is_not(
    small: SmallStore, undisturbed: SmallStore
) -> None:
    ids = undisturbed.tables.tokens.column("token_id").to_numpy()
    bad = ids[undisturbed.tables.tokens.column("example").to_numpy() == 11]

    class Unlucky(FormulaExtractor):
        def forward(self, batch):  # type: ignore[no-untyped-def]
            if any(
                part.tolist() == bad.tolist() for part in np.split(batch.token_id_T, batch.offset_N1[1:-1])
            ):
                raise RuntimeError("out of memory, this once")
            return super().forward(batch)

    shard, _ = holes(small, undisturbed, example=11)
    for site in small.specs["base"].sites:
        key = object_key(small, shard, site)
        small.objects.create(key, [undisturbed.objects.read(key)])
    (report,) = extract_with(small, open_extractor=Unlucky)
    assert report.quarantined == ()
    check_complete(small, manifest_of(undisturbed))


def test_an_object_that_vanishes_before_it_is_adopted_is_made_anew(
    small: SmallStore, undisturbed: SmallStore
) -> None:
    put(small, undisturbed.objects.read(object_key(undisturbed)))
    repaired = partial(FolderObjects(Path(small.objects.url)).delete, object_key(small))
    table = FaultTable([Fault(operation="read", key=object_key(small), effect=repaired)])
    (report,) = extract_with(small, table)
    assert report.failures == ()
    check_complete(small, manifest_of(undisturbed))
