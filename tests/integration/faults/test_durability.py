"""Order on the disk: names are given to durable bytes, receipts to objects whose names are durable."""

from functools import partial
from pathlib import Path
from posixpath import dirname

import pytest

from actstore.store import paths, repair
from actstore.store.folder import FolderObjects
from actstore.store.verify import verify_store
from tests.support.drivers import extract_with, run_driver
from tests.support.faults import Fault, FaultTable, FaultyObjects, kill
from tests.support.small_store import SmallStore, prepare


def folders_of(key: str) -> list[str]:
    """The folders whose entries name an object: its own and each above, '.' being the root."""
    found = [dirname(key)]
    while found[-1]:
        found.append(dirname(found[-1]))
    return [folder or "." for folder in found]


def check_durable_before(calls: list[tuple[str, str]], key: str, end: int) -> None:
    """The object's folders were synced before the call numbered `end`; its own after it was asked for."""
    asked = calls.index(("create", key))
    assert ("sync", dirname(key)) in calls[asked:end], f"the name {key} was not made durable"
    missing = [folder for folder in folders_of(key) if ("sync", folder) not in calls[:end]]
    assert missing == []


def objects_of(small: SmallStore, shard: int) -> list[str]:
    spec = small.specs["base"]
    return [paths.run(spec.run_id, f"{site}/c/{shard}/0") for site in spec.sites]


def test_a_receipt_comes_after_durable_objects(tmp_path: Path) -> None:
    small, table = prepare(tmp_path), FaultTable()
    extract_with(small, table, overlap=1)
    spec = small.specs["base"]
    for shard in range(spec.n_shards):
        end = table.calls.index(("create", paths.receipt(spec.run_id, shard)))
        for key in objects_of(small, shard):
            check_durable_before(table.calls, key, end)
            asked = table.calls.index(("create", key))
            named = table.calls.index(("sync", dirname(key)), asked)
            assert any(
                call[0] == "sync" and call[1].startswith(".staging/") for call in table.calls[asked:named]
            )
    end = table.calls.index(("create", paths.manifest(spec.run_id)))
    for key in [paths.receipt(spec.run_id, shard) for shard in range(spec.n_shards)]:
        check_durable_before(table.calls, key, end)


@pytest.mark.parametrize("folder", ["L01/c/2", "L01/c", "L01", ""])
def test_what_a_killed_driver_named_is_made_durable_by_the_next(tmp_path: Path, folder: str) -> None:
    small = prepare(tmp_path)
    spec = small.specs["base"]
    key = paths.run(spec.run_id, folder)
    assert run_driver(small, Fault(operation="sync", key=key, effect=kill), overlap=1) < 0
    table = FaultTable()
    extract_with(small, table, overlap=1)
    end = table.calls.index(("create", paths.receipt(spec.run_id, 2)))
    for made in objects_of(small, 2):
        check_durable_before(table.calls, made, end)
    assert verify_store(small.objects) == []


def test_a_folder_that_a_repair_removed_is_made_again(tmp_path: Path) -> None:
    mine, other = FolderObjects(tmp_path), FolderObjects(tmp_path)
    assert mine.create("runs/a/c/0", [b"one"])
    other.delete("runs/a/c/0")
    assert not (tmp_path / "runs").exists()
    assert mine.create("runs/a/c/0", [b"two"])
    assert mine.read("runs/a/c/0") == b"two"


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("listed", ["manifests", "runs", "runs/*/receipts"])
def test_verify_while_a_driver_finishes_gives_no_false_alarm(
    tmp_path: Path, listed: str, begun: bool
) -> None:
    small = prepare(tmp_path)
    if begun:
        run_driver(small, Fault(operation="create", key="*/receipts/5.json", effect=kill))
    fault = Fault(operation="children", key=listed, moment="after", effect=partial(extract_with, small))
    problems = verify_store(FaultyObjects(small.objects, FaultTable([fault])))
    assert {problem.kind for problem in problems} <= {"unreceipted"}
    assert repair.repair(small.objects, problems) == []
    assert verify_store(small.objects) == []


def test_what_rm_leaves_for_gc_is_no_problem(tmp_path: Path) -> None:
    small = prepare(tmp_path, checkpoints=("base", "tuned"))
    extract_with(small)
    repair.remove(small.objects, repair.plan_rm(small.objects, "base", None))
    assert list(tmp_path.glob(f"runs/{small.specs['base'].run_id}/L00/c/*/0"))
    assert verify_store(small.objects) == []
