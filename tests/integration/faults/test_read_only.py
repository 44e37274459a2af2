"""A place that can be read but not written: AccessError, exit code 2, nothing changed, no model loaded."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest

from actstore.errors import AccessError
from actstore.session import Store
from tests.support.disks import SmallDisk, small_disk
from tests.support.drivers import bytes_by_key, extract_with, run_driver
from tests.support.faults import Fault, FaultTable, fail
from tests.support.small_store import FormulaExtractor, SmallStore, open_formula, prepare

NOBODY = 65534


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    with small_disk("8m") as made:
        yield made


def partly_extracted(place: Path) -> SmallStore:
    """All metadata is there, a shard is missing."""
    small = prepare(place)
    table = FaultTable([Fault(operation="create", key="*/receipts/1.json", moment="during", effect=fail(5))])
    extract_with(small, table)
    return small


@pytest.mark.parametrize("make", [prepare, partly_extracted], ids=["new", "partly extracted"])
def test_a_read_only_disk(disk: SmallDisk, make, tmp_path: Path) -> None:
    small = make(disk.place / "store")
    before = bytes_by_key(disk.place)
    loaded: list[str] = []

    def open_extractor(arguments: dict[str, float]) -> FormulaExtractor:
        loaded.append("model")
        return open_formula(arguments)

    disk.remount("ro")
    with pytest.raises(AccessError, match="choose another store"):
        extract_with(small, open_extractor=open_extractor)
    assert loaded == []
    assert run_driver(small, said=tmp_path / "said") == 2
    assert "AccessError" in (tmp_path / "said").read_text()
    disk.remount("rw")
    assert bytes_by_key(disk.place) == before
    assert run_driver(small) == 0


def test_a_complete_run_on_a_read_only_disk_is_read_and_left(disk: SmallDisk) -> None:
    small = prepare(disk.place / "store")
    extract_with(small)
    disk.remount("ro")
    assert run_driver(small) == 0
    np.testing.assert_array_equal(
        Store(small.objects).run("base", "small").read(1).values, small.expected("base", 1)
    )


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user reaches."""
    if os.geteuid() != 0:
        pytest.skip("to become another user needs root")
    place = Path(tempfile.mkdtemp(prefix="read-only-"))
    place.chmod(0o755)
    yield place
    rmtree(place)


@pytest.mark.parametrize(("mode", "what"), [(0o755, "no permission to write"), (0o700, "no permission to")])
def test_a_store_of_another_user(open_place: Path, mode: int, what: str, tmp_path: Path) -> None:
    small = partly_extracted(open_place / "store")
    tmp_path.chmod(0o777)
    (open_place / "store").chmod(mode)
    before = bytes_by_key(open_place)
    assert run_driver(small, user=NOBODY, said=tmp_path / "said") == 2
    said = (tmp_path / "said").read_text()
    assert f"AccessError: {what}" in said
    assert "Traceback" not in said
    assert bytes_by_key(open_place) == before
    assert run_driver(small) == 0
