"""Records that can not be read are named as damage, never a crash; names are removed in a safe order."""

from pathlib import Path

import pytest

from actstore.errors import DamagedShardError
from actstore.schema.refs import CheckpointRef
from actstore.session import Store
from actstore.store import names, paths, repair
from actstore.store.verify import verify_store
from tests.support.small_store import SmallStore, prepare


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    made = prepare(tmp_path / "store", n_examples=6)
    made.extract()
    return made


def write(small: SmallStore, key: str, data: bytes) -> None:
    (Path(small.objects.url) / key).write_bytes(data)


@pytest.mark.parametrize("data", [b"no parquet at all", b""])
def test_a_damaged_receipts_file_is_found_refused_and_restored(small: SmallStore, data: bytes) -> None:
    key = paths.sealed_receipts(small.specs["base"].run_id)
    write(small, key, data)
    with pytest.raises(DamagedShardError, match=r"receipts\.parquet"):
        Store(small.objects).run("base", "small").read(layer=1)
    problems = verify_store(small.objects)
    assert [(problem.kind, problem.key) for problem in problems] == [("manifest", key)]
    repair.repair(small.objects, problems)
    small.extract()
    assert verify_store(small.objects) == []
    assert Store(small.objects).run("base", "small").read(layer=1).values.shape[0] > 0


def test_a_manifest_without_its_fields_is_found_and_refused(small: SmallStore) -> None:
    key = paths.manifest(small.specs["base"].run_id)
    write(small, key, b'{"bytes": 1}')
    with pytest.raises(DamagedShardError, match="manifests"):
        _ = Store(small.objects).runs
    assert [problem.key for problem in verify_store(small.objects)] == [key]


def test_a_spec_without_its_fields_is_found_and_refused(small: SmallStore) -> None:
    key = paths.run(small.specs["base"].run_id, "spec.json")
    write(small, key, b'{"dtype": "float16"}')
    with pytest.raises(DamagedShardError, match=r"spec\.json"):
        Store(small.objects).run("base", "small")
    assert [(problem.kind, problem.key) for problem in verify_store(small.objects)] == [("spec", key)]


def test_a_name_that_is_half_removed_binds_anew(small: SmallStore) -> None:
    ref = names.checkpoint(small.objects, "base").to_dict()
    names.bind_checkpoint(small.objects, CheckpointRef.from_dict(ref | {"task": "mnli"}))
    keys = repair.plan_rm(small.objects, "base", None)[-1].keys
    other = CheckpointRef.from_dict(ref | {"trunk_sha256": "f" * 64})
    for key in keys:
        small.objects.delete(key)
        if names.checkpoints(small.objects) == []:
            break
    names.bind_checkpoint(small.objects, other)
    assert names.checkpoint(small.objects, "base") == other
