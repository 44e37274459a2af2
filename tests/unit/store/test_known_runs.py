"""Runs known from the question before: what is read again, and that what changed is seen."""

from dataclasses import replace
from pathlib import Path

import pytest

import actstore
from actstore.errors import NotFoundError
from actstore.store import paths, runs
from actstore.store.folder import FolderObjects
from actstore.store.known import KnownRuns
from actstore.store.records import create_record
from tests.support.small_store import SmallStore, prepare


class CountedReads(FolderObjects):
    """Remembers which objects were read whole."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read_keys: list[str] = []

    def read(self, key: str) -> bytes:
        self.read_keys.append(key)
        return super().read(key)


@pytest.fixture
def made(tmp_path: Path) -> SmallStore:
    store = prepare(tmp_path / "store", n_examples=8)
    store.extract()
    return store


@pytest.fixture
def objects(made: SmallStore, tmp_path: Path) -> CountedReads:
    return CountedReads(tmp_path / "store")


def test_the_second_question_reads_no_manifest_again(made: SmallStore, objects: CountedReads) -> None:
    spec = made.specs["base"]
    known = KnownRuns(objects)
    [first] = known.of_pairs({(spec.trunk_sha256, spec.text_id)})
    assert (first.run_id, first.complete, first.n_done) == (spec.run_id, True, spec.n_shards)
    assert paths.manifest(spec.run_id) in objects.read_keys
    objects.read_keys.clear()
    assert known.of_pairs({(spec.trunk_sha256, spec.text_id)}) == [first]
    assert objects.read_keys == []
    assert known.of_pairs({("9" * 64, spec.text_id)}) == []


def test_what_comes_goes_and_changes_is_seen(made: SmallStore, objects: CountedReads) -> None:
    spec = made.specs["base"]
    late = replace(spec, trunk_sha256="e" * 64)
    pairs = {(one.trunk_sha256, one.text_id) for one in (spec, late)}
    known = KnownRuns(objects)
    assert [info.run_id for info in known.of_pairs(pairs)] == [spec.run_id]
    runs.begin_run(made.objects, late)
    found = {info.run_id: info for info in known.of_pairs(pairs)}
    assert (found[late.run_id].complete, found[late.run_id].n_done) == (False, 0)
    create_record(made.objects, paths.receipt(late.run_id, 0), {})
    found = {info.run_id: info for info in known.of_pairs(pairs)}
    assert found[late.run_id].n_done == 1, "shards are counted anew"
    manifest = runs.find_manifest(made.objects, spec.run_id)
    assert manifest is not None
    made.objects.delete(paths.manifest(spec.run_id))
    create_record(made.objects, paths.manifest(spec.run_id), replace(manifest, n_quarantined=3).to_dict())
    found = {info.run_id: info for info in known.of_pairs(pairs)}
    assert found[spec.run_id].n_quarantined == 3
    made.objects.delete(paths.manifest(spec.run_id))
    made.objects.delete(paths.run(spec.run_id, "spec.json"))
    assert [info.run_id for info in known.of_pairs(pairs)] == [late.run_id]


def test_an_open_store_sees_a_run_that_came_later(made: SmallStore, tmp_path: Path) -> None:
    store = actstore.open(str(tmp_path / "store"))
    spec = made.specs["base"]
    assert store.run("base", "small").run_id == spec.run_id
    runs.begin_run(made.objects, replace(spec, dtype="float16"))
    assert store.run("base", "small", run=spec.run_id).run_id == spec.run_id
    with pytest.raises(NotFoundError, match="no run nonesuch"):
        store.run("base", "small", run="nonesuch")
