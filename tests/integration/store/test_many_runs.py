"""The catalog at size: how many requests thousands of runs cost, and seconds in a folder."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from actstore.schema.receipts import Manifest
from actstore.schema.spec import RunSpec
from actstore.store import catalog, names, paths, runs
from actstore.store.bucket import open_bucket
from actstore.store.catalog import RunInfo, list_runs
from actstore.store.fold import FOLD_AFTER, make_fold, read_records
from actstore.store.folder import FolderObjects
from actstore.store.manifests import fold_manifests, list_manifests
from actstore.store.objects import Objects
from actstore.store.records import create_record
from actstore.store.repair import plan_gc, plan_rm, remove
from tests.support.s3_proxy import Proxy, s3_proxy
from tests.support.s3_server import S3Server, environment, variables
from tests.support.small_store import SmallStore, prepare

PER_LIST = 1_000


def many(made: SmallStore, count: int) -> list[Manifest]:
    """Manifests as of a run each for so many checkpoints."""
    return many_of(made.specs["base"], count)


def many_of(spec: RunSpec, count: int = FOLD_AFTER) -> list[Manifest]:
    """As `many`, of runs like one that need not be complete."""
    specs = [replace(spec, trunk_sha256=f"{number + 7:064x}") for number in range(count)]
    hashes = {"receipts_sha256": "a" * 64, "content_sha256": "b" * 64}
    return [
        Manifest(run_id=item.run_id, spec=item, n_shards=item.n_shards, n_tokens=40, n_quarantined=0,
                 bytes=4_096, **hashes)
        for item in specs
    ]  # fmt: skip


def store(objects: Objects, manifests: list[Manifest]) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(
            pool.map(lambda one: create_record(objects, paths.manifest(one.run_id), one.to_dict()), manifests)
        )


def ids(found: list[RunInfo]) -> set[str]:
    return {info.run_id for info in found if info.complete}


class CountedReads(FolderObjects):
    """Remembers which objects were read whole."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read_keys: list[str] = []

    def read(self, key: str) -> bytes:
        self.read_keys.append(key)
        return super().read(key)


@pytest.fixture
def proxy(s3_running: S3Server) -> Iterator[Proxy]:
    with s3_proxy(s3_running.endpoint) as proxy, variables(environment(proxy.endpoint)):
        yield proxy


def test_a_bucket_is_listed_by_few_requests(proxy: Proxy, s3_running: S3Server) -> None:
    url = s3_running.url(f"many/{uuid.uuid4().hex}")
    with variables(s3_running.environment):
        made = prepare(url, n_examples=8)
        made.extract()
        manifests = many(made, 3 * PER_LIST - 1)
        store(made.objects, manifests)
        assert fold_manifests(made.objects)
        assert not fold_manifests(made.objects)
    objects = open_bucket(url)
    found = list_runs(objects)
    assert ids(found) == {one.run_id for one in manifests} | {made.specs["base"].run_id}
    lists = [request for request in proxy.requests if request.is_list]
    reads = [request for request in proxy.requests if not request.is_list and request.method == "GET"]
    assert len(found) == 3 * PER_LIST
    assert len(lists) == 3, "one for each 1,000 runs, and none more"
    assert len(reads) == 1, "the fold"
    # What came after the fold is read; what was removed is not told of; what is going on is.
    with variables(s3_running.environment):
        late, gone = replace(manifests[0].spec, trunk_sha256="f" * 64), manifests[1]
        store(made.objects, [replace(manifests[0], run_id=late.run_id, spec=late)])
        made.objects.delete(paths.manifest(gone.run_id))
        under_way = replace(late, trunk_sha256="e" * 64)
        runs.begin_run(made.objects, under_way)
    proxy.requests.clear()
    found = list_runs(objects)
    assert late.run_id in ids(found)
    assert gone.run_id not in ids(found)
    assert [info.run_id for info in found if not info.complete] == [under_way.run_id]
    asked = [request.path.partition("/many/")[2].split("?")[0] for request in proxy.requests]
    asked = [key.partition("/")[2] for key in asked if key]
    folds = [key for key in asked if key.startswith("folds/")]
    assert len(folds) == 2, "that of this very list, which is not there; then the newest"
    others = {paths.manifest(late.run_id), paths.run(under_way.run_id, "spec.json")}
    assert set(asked) == others | set(folds)
    assert len(asked) == len(others) + len(folds)


def test_names_are_read_from_a_fold_too(proxy: Proxy, s3_running: S3Server) -> None:
    url = s3_running.url(f"names/{uuid.uuid4().hex}")
    with variables(s3_running.environment):
        made = prepare(url, n_examples=8)
        base = names.checkpoint(made.objects, "base")
        refs = [replace(base, name=f"step{number}", step=number) for number in range(FOLD_AFTER)]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda ref: names.bind_checkpoint(made.objects, ref), refs))
        before = names.checkpoints(made.objects)
        names.fold_names(made.objects)
    objects = open_bucket(url)
    assert names.checkpoints(objects) == before
    assert len(proxy.requests) == 2, "a list and the fold"
    # What is said anew about a name is read; so is a name that came later; one that went is gone.
    with variables(s3_running.environment):
        names.bind_checkpoint(made.objects, replace(refs[3], task="later"))
        names.bind_checkpoint(made.objects, replace(refs[3], name="late"))
        names.unbind(made.objects, paths.CHECKPOINTS, refs[5].name)
    after = {ref.name: ref for ref in names.checkpoints(objects)}
    assert set(after) == {ref.name for ref in before} - {refs[5].name} | {"late"}
    assert after[refs[3].name].task == "later"


def test_two_drivers_fold_at_once_and_neither_has_all(tmp_path: Path) -> None:
    """The newest fold may lack what another one holds: both are looked at."""
    made = prepare(tmp_path / "store", n_examples=8)
    made.extract()
    manifests = many(made, 3 * FOLD_AFTER)
    store(made.objects, manifests)
    infos = list_manifests(made.objects).manifests
    assert make_fold(made.objects, paths.MANIFESTS, infos[: 2 * FOLD_AFTER])
    objects = CountedReads(tmp_path / "store")
    short = infos[2 * FOLD_AFTER :]
    assert make_fold(objects, paths.MANIFESTS, short), "a driver whose list was another one"
    objects.read_keys.clear()
    assert len(read_records(objects, paths.MANIFESTS, infos).by_key) == len(infos)
    assert [key for key in objects.read_keys if paths.is_manifest(key)] == []


def test_an_object_of_the_same_size_is_another_one(s3: S3Server, tmp_path: Path) -> None:
    """A fold is not believed where a manifest was repaired within the same second."""
    for place in (tmp_path / "store", s3.url(f"again/{uuid.uuid4().hex}")):
        made = prepare(place, n_examples=8)
        made.extract()
        manifests = many(made, FOLD_AFTER)
        store(made.objects, manifests)
        assert fold_manifests(made.objects)
        changed = replace(manifests[3], content_sha256="0" * 64)
        made.objects.delete(paths.manifest(changed.run_id))
        store(made.objects, [changed])
        found = runs.find_manifests(made.objects, [one.run_id for one in manifests])
        assert found[changed.run_id] == changed


def test_a_bucket_without_marks_still_tells_of_runs_under_way(s3: S3Server) -> None:
    """As it was made before there were marks; the first fold marks what is not complete."""
    made = prepare(s3.url(f"old/{uuid.uuid4().hex}"), n_examples=8)
    spec = made.specs["base"]
    runs.begin_run(made.objects, spec)
    made.objects.delete(paths.begun(spec.run_id))
    assert [info.run_id for info in list_runs(made.objects)] == [spec.run_id]
    store(made.objects, [one for one in many_of(spec) if one.run_id != spec.run_id])
    assert fold_manifests(made.objects)
    assert made.objects.size(paths.begun(spec.run_id)) is not None
    assert [info.run_id for info in list_runs(made.objects) if not info.complete] == [spec.run_id]


def test_what_a_fold_tells_is_what_the_manifests_say(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=8)
    made.extract()
    manifests = many(made, FOLD_AFTER + 5)
    store(made.objects, manifests)
    before = list_runs(made.objects)
    assert fold_manifests(made.objects)
    assert list_runs(made.objects) == before
    changed = replace(manifests[3], n_quarantined=2)
    made.objects.delete(paths.manifest(changed.run_id))
    store(made.objects, [changed])
    assert {info.run_id: info.n_quarantined for info in list_runs(made.objects)}[changed.run_id] == 2
    # Folds are found damaged, or gone: then every manifest is read.
    for key in [info.key for info in made.objects.walk(paths.FOLDS)]:
        made.objects.delete(key)
        made.objects.create(key, [b"no Parquet"])
    assert len(list_runs(made.objects)) == len(before)


def test_gc_keeps_the_newest_fold(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=8)
    made.extract()
    manifests = many(made, 2 * FOLD_AFTER + 5)
    store(made.objects, manifests[: FOLD_AFTER + 1])
    assert fold_manifests(made.objects)
    store(made.objects, manifests[FOLD_AFTER + 1 :])
    assert fold_manifests(made.objects)
    folds = [removal for removal in plan_gc(made.objects, grace_seconds=-10) if "folds" in removal.what]
    assert [len(removal.keys) for removal in folds] == [1]
    remove(made.objects, folds)
    assert len(list_runs(made.objects)) == len(manifests) + 1


def test_ten_thousand_runs_in_a_folder(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=8)
    made.extract()
    store(made.objects, many(made, 10_000))
    assert fold_manifests(made.objects)
    begun = time.process_time()
    assert len(list_runs(made.objects)) == 10_001
    assert time.process_time() - begun < 4.0  # 2 on a quiet machine: benchmarks/objects.py measures
    assert len(catalog.run_table(made.objects)) == 10_001


def test_a_run_under_way_is_marked_until_it_is_whole(s3: S3Server) -> None:
    made = prepare(s3.url(f"marks/{uuid.uuid4().hex}"), n_examples=8)
    spec = made.specs["base"]
    runs.begin_run(made.objects, spec)
    assert [info.complete for info in list_runs(made.objects)] == [False]
    made.extract()
    assert [info.complete for info in list_runs(made.objects)] == [True]
    assert made.objects.size(paths.begun(spec.run_id)) is None
    remove(made.objects, plan_rm(made.objects, "base", "small"))
    assert list_runs(made.objects) == []
