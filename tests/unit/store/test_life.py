"""Verify, repair, rm, gc: what is found, what is removed, and that extraction restores the same bytes."""

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actstore.errors import FormatVersionError, NameTakenError, NotFoundError, RequestError
from actstore.schema.refs import CheckpointRef, CorpusRef
from actstore.store import catalog, names, paths, repair, runs, texts
from actstore.store.root import create_root, open_root
from actstore.store.verify import verify_store
from tests.support.small_store import SmallStore, every_file, make_examples, prepare


def content(small: SmallStore) -> dict[str, str]:
    """sha256 of every stored object and table; receipts hold timings and are left out."""
    place = Path(small.objects.url)
    return {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in every_file(place)
        if "receipts" not in str(path)
    }


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    made = prepare(tmp_path / "store", checkpoints=("base", "tuned"))
    made.extract()
    return made


def key_of(small: SmallStore, shard: int, array: str = "L01") -> str:
    return paths.run(small.specs["base"].run_id, f"{array}/c/{shard}/0")


def path_of(small: SmallStore, key: str) -> Path:
    path = small.objects.local_path(key)
    assert path is not None
    return path


def damage_flip(small: SmallStore) -> str:
    path = path_of(small, key_of(small, 1))
    data = bytearray(path.read_bytes())
    data[5] ^= 4
    path.write_bytes(bytes(data))
    return "altered"


def damage_truncate(small: SmallStore) -> str:
    path = path_of(small, key_of(small, 1))
    path.write_bytes(path.read_bytes()[:100])
    return "size"


def damage_missing(small: SmallStore) -> str:
    path_of(small, key_of(small, 1)).unlink()
    return "missing"


def damage_swap(small: SmallStore) -> str:
    shutil.copyfile(path_of(small, key_of(small, 0)), path_of(small, key_of(small, 1)))
    return "altered"


def damage_receipt(small: SmallStore) -> str:
    path_of(small, paths.receipt(small.specs["base"].run_id, 1)).write_text("{not json")
    return "receipt"


def damage_receipt_missing(small: SmallStore) -> str:
    path_of(small, paths.receipt(small.specs["base"].run_id, 1)).unlink()
    return "receipt"


def damage_manifest(small: SmallStore) -> str:
    path = path_of(small, paths.manifest(small.specs["base"].run_id))
    path.write_text(json.dumps({**json.loads(path.read_text()), "n_tokens": 1}))
    return "manifest"


def damage_tokens(small: SmallStore) -> str:
    spec = small.specs["base"]
    path = path_of(small, paths.tokens(spec.text_id, spec.tokens_id, "tokens.parquet"))
    path.write_bytes(path.read_bytes()[:-20] + b"0" * 20)
    return "table"


def damage_spec(small: SmallStore) -> str:
    path_of(small, paths.run(small.specs["base"].run_id, "spec.json")).write_text('{"dtype": "float16"}')
    return "spec"


def damage_metadata(small: SmallStore) -> str:
    path_of(small, paths.run(small.specs["base"].run_id, "L01/zarr.json")).unlink()
    return "metadata"


def damage_labels(small: SmallStore) -> str:
    ref = names.corpus(small.objects, "small")
    assert ref.word_labels is not None
    path = path_of(small, paths.label_set(ref.text_id, "words", ref.word_labels))
    table = pq.read_table(path)
    pq.write_table(table.set_column(2, "upos", pa.array(["X"] * table.num_rows)), path)
    return "labels"


DAMAGES = [damage_flip, damage_truncate, damage_missing, damage_swap, damage_receipt, damage_receipt_missing,
           damage_manifest]  # fmt: skip


EVERY_DAMAGE = [*DAMAGES, damage_tokens, damage_spec, damage_metadata, damage_labels]


def test_a_whole_store_has_no_problems(small: SmallStore) -> None:
    assert verify_store(small.objects) == []


@pytest.mark.parametrize(
    "damage", [*DAMAGES, damage_tokens, damage_spec, damage_metadata, damage_labels], ids=lambda d: d.__name__
)
def test_verify_names_the_damage(small: SmallStore, damage) -> None:
    kind = damage(small)
    problems = verify_store(small.objects)
    assert kind in {problem.kind for problem in problems}
    if damage in DAMAGES and damage is not damage_manifest:
        assert {problem.shard for problem in problems if problem.kind == kind} == {1}
        assert {problem.run_id for problem in problems} == {small.specs["base"].run_id}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
def test_repair_then_extract_restores_the_same_bytes(small: SmallStore, damage) -> None:
    undisturbed = content(small)
    manifest = runs.find_manifest(small.objects, small.specs["base"].run_id)
    damage(small)
    removed = repair.repair(small.objects, verify_store(small.objects))
    assert removed[0] == paths.manifest(small.specs["base"].run_id)
    reports = small.extract()
    assert reports[0].n_new_shards == (0 if damage is damage_manifest else 1)
    assert reports[1].n_new_shards == 0
    assert verify_store(small.objects) == []
    assert content(small) == undisturbed
    assert runs.find_manifest(small.objects, small.specs["base"].run_id) == manifest


@pytest.mark.parametrize("damage", [damage_spec, damage_metadata])
def test_records_whose_content_lies_elsewhere_are_restored(small: SmallStore, damage) -> None:
    undisturbed = content(small)
    damage(small)
    assert len(repair.repair(small.objects, verify_store(small.objects))) == 1
    assert verify_store(small.objects) == []
    assert content(small) == undisturbed


def test_a_damaged_label_set_of_the_source_is_stored_again(small: SmallStore) -> None:
    damage_labels(small)
    repair.repair(small.objects, verify_store(small.objects))
    digest = texts.digest_text(small.examples)
    texts.store_text(small.objects, digest, lambda: small.examples)
    assert verify_store(small.objects) == []


def test_a_damaged_name_is_told(small: SmallStore) -> None:
    path_of(small, "checkpoints/base/ref.json").write_text("{")
    problems = [problem for problem in verify_store(small.objects) if problem.kind == "name"]
    assert [problem.key for problem in problems] == ["checkpoints/base/ref.json"]


def test_a_swapped_shard_is_called_so(small: SmallStore) -> None:
    damage_swap(small)
    assert any("another shard's" in problem.message for problem in verify_store(small.objects))


def test_bytes_without_a_receipt_are_named_and_adopted(small: SmallStore) -> None:
    spec = small.specs["base"]
    undisturbed = content(small)
    for key in (
        paths.manifest(spec.run_id),
        paths.sealed_receipts(spec.run_id),
        paths.receipt(spec.run_id, 0),
    ):
        small.objects.delete(key)
    problems = verify_store(small.objects)
    assert {problem.kind for problem in problems} == {"unreceipted"}
    assert repair.repair(small.objects, problems) == []
    times = {
        path: path.stat().st_mtime_ns for path in every_file(Path(small.objects.url)) if "/c/" in str(path)
    }
    small.extract()
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert content(small) == undisturbed


def test_rm_then_gc_removes_a_checkpoint_and_nothing_else(small: SmallStore) -> None:
    kept = {key: sha for key, sha in content(small).items() if small.specs["base"].run_id not in key}
    removals = repair.plan_rm(small.objects, "base", None)
    assert content(small) != kept
    repair.remove(small.objects, removals)
    assert repair.plan_gc(small.objects) == []
    assert repair.remove(small.objects, repair.plan_gc(small.objects, grace_seconds=-10)) > 0
    kept = {key: sha for key, sha in kept.items() if not key.startswith("checkpoints/base")}
    assert content(small) == kept
    assert [info.run_id for info in catalog.list_runs(small.objects)] == [small.specs["tuned"].run_id]
    with pytest.raises(NotFoundError, match="tuned"):
        names.checkpoint(small.objects, "base")


def test_rm_keeps_runs_that_another_name_answers_for(small: SmallStore) -> None:
    twin = names.checkpoint(small.objects, "base").to_dict() | {"name": "twin"}
    names.bind_checkpoint(small.objects, CheckpointRef.from_dict(twin))
    repair.remove(small.objects, repair.plan_rm(small.objects, "base", None))
    assert catalog.find_run(catalog.list_runs(small.objects), small.objects, "twin", "small").complete


def test_gc_spares_a_run_in_progress(small: SmallStore) -> None:
    spec = small.specs["base"]
    for key in (
        paths.manifest(spec.run_id),
        paths.sealed_receipts(spec.run_id),
        paths.receipt(spec.run_id, 0),
    ):
        small.objects.delete(key)
    assert repair.plan_gc(small.objects) == []
    found = repair.plan_gc(small.objects, grace_seconds=-10)
    assert {key for removal in found for key in removal.keys} == {
        paths.run(spec.run_id, f"{site}/c/0/0") for site in spec.sites
    }


def test_gc_keeps_texts_that_a_name_or_a_run_needs_and_takes_the_others(small: SmallStore) -> None:
    examples = make_examples(5, seed=1)
    digest = texts.digest_text(examples)
    texts.store_text(small.objects, digest, lambda: examples)
    small.objects.staging().write_bytes(b"left by a killed process")
    stray = {"staging", f"text {digest.text_id}"}
    assert {removal.what for removal in repair.plan_gc(small.objects, grace_seconds=-10)} == stray
    names.bind_corpus(small.objects, CorpusRef(name="other", text_id=digest.text_id, domain="toy"))
    names.unbind(small.objects, paths.CORPORA, "small")
    removals = repair.plan_gc(small.objects, grace_seconds=-10)
    assert [removal.what for removal in removals] == ["staging"]
    assert repair.remove(small.objects, removals) == len(b"left by a killed process")


def test_a_name_is_bound_once_but_what_is_said_of_it_may_change(small: SmallStore) -> None:
    ref = names.checkpoint(small.objects, "tuned").to_dict()
    names.bind_checkpoint(small.objects, CheckpointRef.from_dict(ref | {"base": "base", "task": "mnli"}))
    assert names.checkpoint(small.objects, "tuned").task == "mnli"
    with pytest.raises(NameTakenError, match="bound to other weights"):
        names.bind_checkpoint(small.objects, CheckpointRef.from_dict(ref | {"trunk_sha256": "f" * 64}))
    assert names.checkpoint(small.objects, "tuned").task == "mnli"


def test_a_newer_format_and_a_strange_folder_are_refused(tmp_path: Path) -> None:
    create_root(str(tmp_path / "a"))
    (tmp_path / "a" / "actstore.json").write_text('{"format": "actstore", "version": 99}')
    with pytest.raises(FormatVersionError, match="99"):
        open_root(str(tmp_path / "a"))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "actstore.json").write_text('{"format": "other"}')
    with pytest.raises(RequestError, match="not an actstore store"):
        open_root(str(tmp_path / "b"))
    with pytest.raises(NotFoundError, match="no store"):
        open_root(str(tmp_path / "c"))
    assert not (tmp_path / "c").exists()
