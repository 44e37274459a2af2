"""The disk is full or fails: what is stored stays, nothing half gets a name, and a new run completes."""

import errno
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from actstore.errors import CapacityError, StorageError
from actstore.store import tokens
from actstore.store.reader import RunReader
from tests.support.disks import SmallDisk, small_disk
from tests.support.drivers import (
    bytes_by_key,
    check_complete,
    check_nothing_is_half,
    extract_with,
    manifest_of,
    run_driver,
)
from tests.support.faults import Fault, FaultTable, fail
from tests.support.small_store import SmallStore, prepare

WIDTH = 128
MOMENTS = {
    "the spec": "*/spec.json",
    "an object": "*/L01/c/*",
    "a receipt": "*/receipts/*.json",
    "the folded receipts": "*/receipts.parquet",
    "the manifest": "manifests/*",
}


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    with small_disk("2m") as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    small = prepare(tmp_path_factory.mktemp("undisturbed"), width=WIDTH)
    extract_with(small)
    return small


def failure_kinds(small: SmallStore, table: FaultTable) -> set[str]:
    try:
        return {failure.kind for report in extract_with(small, table) for failure in report.failures}
    except StorageError as error:
        return {type(error).__name__}


def staged(place: Path) -> list[Path]:
    return list((place / ".staging").iterdir())


@pytest.mark.parametrize("moment", MOMENTS)
def test_full_while_writing(disk: SmallDisk, undisturbed: SmallStore, moment: str) -> None:
    small = prepare(disk.place / "store", width=WIDTH)
    place = Path(small.objects.url)
    table = FaultTable([Fault(operation="create", key=MOMENTS[moment], effect=disk.fill, moment="during")])
    assert failure_kinds(small, table) == {"StorageError"}
    assert staged(place) == []
    check_nothing_is_half(place, bytes_by_key(Path(undisturbed.objects.url)))
    kept = bytes_by_key(place)
    disk.remount("size=64m")
    assert run_driver(small) == 0
    after = bytes_by_key(place)
    assert {key: after[key] for key in kept} == kept
    check_complete(small, manifest_of(undisturbed))


def test_full_is_exit_code_one_and_says_what_to_do(disk: SmallDisk, tmp_path: Path) -> None:
    small = prepare(disk.place / "store", width=WIDTH)
    fault = Fault(operation="create", key="*/L02/c/*", nth=3, effect=disk.fill, moment="during")
    assert run_driver(small, fault, said=tmp_path / "said") == 1
    assert "no space left; free some and run the same command again" in (tmp_path / "said").read_text()
    disk.ballast.unlink()
    assert run_driver(small) == 0


def test_a_run_that_can_not_fit_is_refused_before_any_work(disk: SmallDisk) -> None:
    small = prepare(disk.place / "store", width=1024)
    before = bytes_by_key(Path(small.objects.url))
    with pytest.raises(CapacityError, match="free"):
        extract_with(small)
    assert bytes_by_key(Path(small.objects.url)) == before
    assert run_driver(small) == 2


def test_full_while_a_tokenisation_is_stored(disk: SmallDisk) -> None:
    small = prepare(disk.place / "store", width=WIDTH)
    place = Path(small.objects.url)
    before = bytes_by_key(place)
    disk.fill()
    with pytest.raises(StorageError, match="no space left"):
        tokens.store_tables(small.objects, small.specs["base"].text_id, "other", iter([small.tables] * 50))
    assert staged(place) == []
    assert bytes_by_key(place) == before


@pytest.mark.parametrize(
    ("operation", "key", "moment"),
    [("create", "*/L01/c/*", "during"), ("sync", ".staging/*", "before"), ("sync", "*/L01/c/2", "before")],
)
def test_a_failing_disk_is_told_and_never_receipted(
    tmp_path: Path, undisturbed: SmallStore, operation: str, key: str, moment: str
) -> None:
    small = prepare(tmp_path, width=WIDTH)
    broken = Fault(operation=operation, key=key, nth=None, moment=moment, effect=fail(errno.EIO))
    assert failure_kinds(small, FaultTable([broken])) == {"StorageError"}
    receipts = [path.stem for path in tmp_path.glob("runs/*/receipts/*")]
    assert "2" not in receipts
    assert (receipts == []) == (key != "*/L01/c/2")
    if operation == "sync" and key == ".staging/*":
        assert list(tmp_path.glob("runs/*/*/c")) == []
    assert run_driver(small) == 0
    check_complete(small, manifest_of(undisturbed))


def test_a_full_disk_spares_other_runs(disk: SmallDisk) -> None:
    small = prepare(disk.place / "store", width=WIDTH, checkpoints=("base", "tuned"))
    first = SmallStore(
        small.objects, small.examples, small.tables, {"base": small.specs["base"]}, small.arguments
    )
    extract_with(first)
    stored = manifest_of(small)
    fault = Fault(operation="create", key="*/L00/c/*", effect=disk.fill, moment="during")
    assert failure_kinds(small, FaultTable([fault])) == {"StorageError"}
    assert manifest_of(small) == stored
    values = RunReader(small.objects, small.specs["base"].run_id).read("L02")
    np.testing.assert_array_equal(values, small.expected("base", 2))
