"""Killed before, during and after each write: a new run completes the store with the undisturbed bytes."""

import signal
from pathlib import Path

import pytest

from actstore.store.verify import verify_store
from actstore.store.writer import STORE_THREADS
from tests.support.drivers import (
    OVERLAP,
    bytes_by_key,
    check_complete,
    check_nothing_is_half,
    manifest_of,
    receipts_there,
    run_driver,
)
from tests.support.faults import Fault, kill
from tests.support.small_store import SmallStore, prepare

WIDTH = 256
"""Wide enough that half an object is more than a write buffer, so that it is on the disk."""
WRITES = {
    "spec": ("*/spec.json", 1),
    "group": ("runs/*/zarr.json", 1),
    "array metadata": ("*/L01/zarr.json", 1),
    "first site object": ("*/L00/c/*", 2),
    "second site object": ("*/L01/c/*", 3),
    "last site object": ("*/L02/c/*", 4),
    "receipt": ("*/receipts/*.json", 3),
    "folded receipts": ("*/receipts.parquet", 1),
    "manifest": ("manifests/*", 1),
}
SYNCS = {
    "an object's file": (".staging/*", 25),
    "an object's folder": ("runs/*/L02/c/*", 3),
    "the folder of sites": ("runs/*/L01/c", 1),
    "the folder of receipts": ("runs/*/receipts", 2),
    "the folder of manifests": ("manifests", 1),
    "the folder of runs": ("runs", 1),
    "the run's folder": ("runs/" + "?" * 20, 1),
    "the root": (".", 1),
}


def prepared(place: Path) -> SmallStore:
    return prepare(place, width=WIDTH)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    small = prepared(tmp_path_factory.mktemp("undisturbed"))
    assert run_driver(small) == 0
    assert verify_store(small.objects) == []
    return small


def crash_and_complete(place: Path, undisturbed: SmallStore, fault: Fault) -> None:
    small = prepared(place)
    assert run_driver(small, fault) == -signal.SIGKILL
    check_nothing_is_half(place, bytes_by_key(Path(undisturbed.objects.url)))
    before = receipts_there(small)
    begun = {int(path.parts[-2]) for path in place.glob("runs/*/L*/c/*/0")}
    assert len(begun - set(before)) <= OVERLAP
    problems = verify_store(small.objects)
    assert {problem.kind for problem in problems} <= {"unreceipted"}
    assert not [problem for problem in problems if "damaged" in problem.message]
    assert run_driver(small) == 0
    after = receipts_there(small)
    assert {shard: after[shard] for shard in before} == before
    check_complete(small, manifest_of(undisturbed))


@pytest.mark.parametrize("moment", ["before", "during", "after"])
@pytest.mark.parametrize("write", WRITES)
def test_killed_at_a_write(tmp_path: Path, undisturbed: SmallStore, write: str, moment: str) -> None:
    key, nth = WRITES[write]
    fault = Fault(operation="create", key=key, nth=nth, moment=moment, effect=kill)
    crash_and_complete(tmp_path, undisturbed, fault)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("sync", SYNCS)
def test_killed_at_a_sync(tmp_path: Path, undisturbed: SmallStore, sync: str, moment: str) -> None:
    key, nth = SYNCS[sync]
    crash_and_complete(
        tmp_path, undisturbed, Fault(operation="sync", key=key, nth=nth, moment=moment, effect=kill)
    )


def test_half_an_object_lies_aside_and_only_there(tmp_path: Path) -> None:
    small = prepared(tmp_path)
    fault = Fault(operation="create", key="*/L01/c/*", nth=2, moment="during", effect=kill)
    assert run_driver(small, fault, overlap=1) == -signal.SIGKILL
    whole = max(path.stat().st_size for path in tmp_path.glob("runs/*/L00/c/*/0"))
    aside = [path.stat().st_size for path in (tmp_path / ".staging").iterdir()]
    assert 1 <= len(aside) <= STORE_THREADS
    assert [size for size in aside if 0 < size < whole]
    assert {path.stat().st_size for path in tmp_path.glob("runs/*/L*/c/*/0")} == {whole}
    assert len(list(tmp_path.glob("runs/*/L01/c/*/0"))) == 1
