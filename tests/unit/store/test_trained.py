"""Checkpoints that were trained here, and trainings: names, verify, repair, rm, gc, two trainers."""

from dataclasses import replace
from pathlib import Path

import pytest

from actstore.errors import NameTakenError, NotFoundError
from actstore.schema.refs import CheckpointRef
from actstore.store import names, paths, repair
from actstore.store.objects import Objects
from actstore.store.root import create_root
from actstore.store.trained import MODEL, check_training, find_trained, register, store_files
from actstore.store.training import (
    begin_training,
    end_training,
    keep_state,
    kept_steps,
    list_training,
    read_note,
    state_file,
)
from actstore.store.verify import verify_store

REF = CheckpointRef(
    name="tuned", trunk_sha256="a" * 64, tokenizer_sha256="b" * 64, family="bert", n_layers=2, width=4,
    max_positions=64, source="checkpoints/tuned", base="base", task="mnli", replicate=0,
)  # fmt: skip


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return create_root(str(tmp_path / "store"))


def put(objects: Objects, weights: bytes = b"weights", training_id: str = "t1") -> None:
    """What a trainer does at its end."""
    staged = objects.staging()
    staged.write_bytes(weights)
    store_files(objects, REF.name, {MODEL: staged}, {"training_id": training_id})
    register(objects, REF)


def test_a_registered_training_is_found_and_no_other_may_take_its_name(objects: Objects) -> None:
    assert find_trained(objects, "tuned") is None
    assert not check_training(objects, "tuned", "t1")
    put(objects)
    record = find_trained(objects, "tuned")
    assert record is not None
    assert record["files"][MODEL]["bytes"] == len(b"weights")
    assert check_training(objects, "tuned", "t1")
    with pytest.raises(NameTakenError, match="another training"):
        check_training(objects, "tuned", "t2")
    with pytest.raises(NameTakenError, match="other weights"):
        register(objects, replace(REF, trunk_sha256="c" * 64))


def test_a_given_checkpoint_is_not_overwritten_by_a_training(objects: Objects) -> None:
    names.bind_checkpoint(objects, REF)
    with pytest.raises(NameTakenError, match="not trained here"):
        check_training(objects, "tuned", "t1")


def test_files_count_only_with_the_name(objects: Objects) -> None:
    staged = objects.staging()
    staged.write_bytes(b"weights")
    store_files(objects, "tuned", {MODEL: staged}, {"training_id": "t1"})
    assert find_trained(objects, "tuned") is None
    assert repair.plan_gc(objects) == []  # within the grace: its trainer may be about to register it
    removals = repair.plan_gc(objects, grace_seconds=-1)
    assert [removal.what for removal in removals] == ["checkpoint tuned (not registered)"]
    repair.remove(objects, removals)
    assert list(objects.walk(paths.CHECKPOINTS)) == []


@pytest.mark.parametrize("damage", [b"weighty", b"", None], ids=["altered", "short", "missing"])
def test_damaged_weights_are_named_and_repair_frees_the_name(objects: Objects, damage: bytes | None) -> None:
    put(objects)
    assert verify_store(objects) == []
    key = paths.checkpoint("tuned", MODEL)
    path = objects.local_path(key)
    assert path is not None
    path.unlink() if damage is None else path.write_bytes(damage)
    problems = verify_store(objects)
    assert [(problem.kind, problem.key) for problem in problems] == [("trained", key)]
    removed = repair.repair(objects, problems)
    assert removed[0] == paths.checkpoint("tuned", "ref.json")
    assert not check_training(objects, "tuned", "t1")
    assert verify_store(objects) == []
    put(objects)  # and trained again
    assert verify_store(objects) == []


def test_the_first_to_reach_a_step_decides_its_state(objects: Objects) -> None:
    begin_training(objects, "t1", {"checkpoint": "tuned", "n_steps": 30})
    assert keep_state(objects, "t1", 10, lambda path: _write(path, b"mine"), {"losses": []})
    assert not keep_state(objects, "t1", 10, lambda path: _write(path, b"yours"), {"losses": []})
    with state_file(objects, "t1", 10) as path:
        assert path.read_bytes() == b"mine"
    assert keep_state(objects, "t1", 20, lambda path: _write(path, b"next"), {"losses": []})
    assert kept_steps(objects, "t1") == [20]  # the older one is let go of
    assert read_note(objects, "t1", 20) == {"losses": []}
    assert list(objects.walk(".staging")) == []


def test_a_training_is_listed_until_its_checkpoint_is_there(objects: Objects) -> None:
    begin_training(objects, "t1", {"checkpoint": "tuned", "n_steps": 30})
    keep_state(objects, "t1", 10, lambda path: _write(path, b"state"), {"losses": []})
    (info,) = list_training(objects)
    assert (info.checkpoint, info.step, info.n_steps) == ("tuned", 10, 30)
    assert repair.plan_gc(objects, grace_seconds=-1) == []  # it may be gone on with at any time
    put(objects)
    assert list_training(objects) == []
    assert [r.what for r in repair.plan_gc(objects, grace_seconds=-1)] == ["training t1 (done)"]
    end_training(objects, "t1")
    assert repair.plan_gc(objects, grace_seconds=-1) == []


def test_rm_takes_weights_and_trainings(objects: Objects) -> None:
    put(objects)
    begin_training(objects, "t2", {"checkpoint": "other", "n_steps": 30})
    (removal,) = repair.plan_rm(objects, "tuned", None)
    assert removal.bytes == len(b"weights")
    assert removal.keys[0] == paths.checkpoint("tuned", "ref.json")
    repair.remove(objects, [removal])
    assert objects.children(paths.CHECKPOINTS) == []
    begun = repair.plan_rm(objects, "other", None)
    assert [r.what for r in begun] == ["training of other (step 0 of 30)"]
    repair.remove(objects, begun)
    with pytest.raises(NotFoundError):
        repair.plan_rm(objects, "other", None)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
