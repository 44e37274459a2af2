"""A store that goes away or is un-sealed under a reader: a clear error or right values, never wrong ones."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest

from actstore.errors import DamagedShardError, NotFoundError
from actstore.extract.driver import extract_runs
from actstore.schema.ports import Resources
from actstore.serial import SerialExecutor
from actstore.session import Store
from actstore.store import paths, repair
from actstore.store.folder import FolderObjects
from actstore.store.reader import RunReader
from actstore.store.root import open_root
from actstore.store.verify import verify_store
from tests.support.drivers import extract_with
from tests.support.faults import Fault, FaultTable, FaultyObjects
from tests.support.small_store import SmallStore, open_formula, prepare, used_rows

SITE, LAYER = "L01", 1


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    made = prepare(tmp_path / "store")
    extract_with(made)
    return made


def delete_store(small: SmallStore) -> None:
    rmtree(small.objects.url)


def delete_run(small: SmallStore) -> None:
    """Everything of the run but the manifest; texts and tokens stay."""
    rmtree(Path(small.objects.url, paths.run(small.specs["base"].run_id)))


def delete_run_and_manifest(small: SmallStore) -> None:
    Path(small.objects.url, paths.manifest(small.specs["base"].run_id)).unlink()
    delete_run(small)


def repair_a_shard(small: SmallStore) -> None:
    """What `verify --repair` does to a sealed run with a flipped bit."""
    path = Path(small.objects.url, paths.run(small.specs["base"].run_id, f"{SITE}/c/3/0"))
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.unlink()  # readers keep the old file mapped
    path.write_bytes(bytes(data))
    repair.repair(small.objects, verify_store(small.objects))


LOSSES = [delete_store, delete_run, delete_run_and_manifest, repair_a_shard]
Read = Callable[[RunReader, SmallStore], None]


def read_all(reader: RunReader, small: SmallStore) -> None:
    np.testing.assert_array_equal(reader.read(SITE), small.expected("base", LAYER))


def scan_all(reader: RunReader, small: SmallStore) -> None:
    parts = [values_TD for _, values_TD in reader.scan(SITE)]
    np.testing.assert_array_equal(np.concatenate(parts), small.expected("base", LAYER))


def read_examples(reader: RunReader, small: SmallStore) -> None:
    np.testing.assert_array_equal(reader.examples(SITE, 0, 40).values, small.expected("base", LAYER))


def gather_mapped(reader: RunReader, small: SmallStore) -> None:
    values_TD = reader.gather(SITE, used_rows(small), check=False)
    np.testing.assert_array_equal(values_TD, small.expected("base", LAYER))


def gather_checked(reader: RunReader, small: SmallStore) -> None:
    values_TD = reader.gather(SITE, used_rows(small), check=True)
    np.testing.assert_array_equal(values_TD, small.expected("base", LAYER))


def shuffle(reader: RunReader, small: SmallStore) -> None:
    parts = list(reader.shuffled(SITE, seed=1, rows_per_step=7))
    order = np.argsort(np.concatenate([row_T for row_T, _ in parts]))
    np.testing.assert_array_equal(np.concatenate([v for _, v in parts])[order], small.expected("base", LAYER))


READS = [read_all, scan_all, read_examples, gather_mapped, gather_checked, shuffle]


@pytest.mark.parametrize("read", READS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("lose", LOSSES, ids=lambda f: f.__name__)
def test_lost_between_opening_and_reading(small: SmallStore, lose, read: Read) -> None:
    reader = RunReader(small.objects, small.specs["base"].run_id)
    lose(small)
    with pytest.raises(DamagedShardError):
        read(reader, small)


@pytest.mark.parametrize("read", READS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("lose", LOSSES, ids=lambda f: f.__name__)
def test_lost_after_a_first_reading(small: SmallStore, lose, read: Read) -> None:
    reader = RunReader(small.objects, small.specs["base"].run_id)
    read(reader, small)
    lose(small)
    if read in (gather_mapped, shuffle):
        read(reader, small)  # mapped files live as long as their maps
    else:
        with pytest.raises(DamagedShardError):
            read(reader, small)


@pytest.mark.parametrize("read", READS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("operation", ["size", "read_range"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_lost_in_the_middle_of_reading(small: SmallStore, operation: str, moment: str, read: Read) -> None:
    fault = Fault(
        operation=operation, key=f"*/{SITE}/c/*", nth=2, moment=moment, effect=partial(delete_store, small)
    )
    reader = RunReader(FaultyObjects(small.objects, FaultTable([fault])), small.specs["base"].run_id)
    with pytest.raises(DamagedShardError, match=r"removed while it was read|missing"):
        read(reader, small)


def test_a_deleted_store_opens_no_more(small: SmallStore) -> None:
    store = Store(small.objects)
    delete_store(small)
    with pytest.raises(NotFoundError, match="no checkpoint 'base'"):
        store.run("base", "small")
    with pytest.raises(NotFoundError, match="no store"):
        open_root(small.objects.url)


def test_lost_under_a_streamed_answer(small: SmallStore) -> None:
    fault = Fault(operation="read_range", key="*/L02/c/*", nth=2, effect=partial(delete_store, small))
    store = Store(FaultyObjects(small.objects, FaultTable([fault])))
    answer = store.query(["base"], "small", layers=[1, 2])
    first = answer.read_next_batch()
    values_TD = np.stack(first.column("activation").to_numpy(zero_copy_only=False))
    np.testing.assert_array_equal(values_TD, small.expected("base", LAYER))
    with pytest.raises(DamagedShardError, match="removed while it was read"):
        answer.read_next_batch()


def test_an_extraction_whose_store_is_deleted_says_so(tmp_path: Path) -> None:
    small = prepare(tmp_path / "store")
    fault = Fault(
        operation="create", key="*/L01/c/*", nth=2, moment="during", effect=partial(delete_store, small)
    )
    table = FaultTable([fault])
    reports = extract_runs(
        small.objects, small.plans(), SerialExecutor(), Resources(overlap=1), open_extractor=open_formula,
        checkpoints=small.arguments, open_objects=lambda url: FaultyObjects(FolderObjects(Path(url)), table),
    )  # fmt: skip
    assert reports[0].manifest is None
    assert {failure.kind for failure in reports[0].failures} <= {"DamagedShardError", "StorageError"}
