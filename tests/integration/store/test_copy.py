"""Copies between stores: any two places, each byte checked, going on after a stop, nothing replaced."""

import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from actstore.errors import DamagedShardError, NameTakenError, NotFoundError, StorageError
from actstore.store import names, paths, trained
from actstore.store.copy import copy_checkpoint, copy_object, copy_results, copy_run, copy_text
from actstore.store.objects import Objects
from actstore.store.reader import RunReader
from actstore.store.results import ResultWriter
from actstore.store.root import create_root, open_root
from actstore.store.verify import verify_store
from tests.support.commands import Here
from tests.support.faults import Fault, FaultTable, FaultyObjects, fail
from tests.support.s3_server import S3Server
from tests.support.small_store import SmallStore, prepare


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(capsys)


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    made = prepare(tmp_path / "source", n_examples=20, checkpoints=("base", "tuned"))
    made.extract()
    return made


def contents(objects: Objects) -> dict[str, bytes]:
    """Every object by its key, but for what is being made."""
    return {info.key: objects.read(info.key) for info in objects.walk("") if not info.key.startswith(".")}


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """A new place each time."""
    if request.param == "folder":
        return lambda: str(tmp_path / uuid.uuid4().hex)
    server: S3Server = request.getfixturevalue("s3")
    return lambda: server.url(f"copies/{uuid.uuid4().hex}")


def test_there_and_back(here: Here, small: SmallStore, place: Callable[[], str], tmp_path: Path) -> None:
    there, back = place(), str(tmp_path / "back")
    assert here("cp", small.objects.url, there).code == 0
    assert here("cp", there, back).code == 0
    assert contents(open_root(back)) == contents(small.objects)
    again = here("cp", small.objects.url, there, "--json")
    assert [row["n_new_shards"] for row in again.document["runs"]] == [0, 0]
    assert verify_store(open_root(there)) == []
    assert here("verify", there).code == 0


def test_one_checkpoint_and_what_it_needs(here: Here, small: SmallStore, tmp_path: Path) -> None:
    there = str(tmp_path / "there")
    answer = here("cp", small.objects.url, there, "tuned", "small")
    assert answer.code == 0, answer.err
    assert "1 run, " in answer.out
    target = open_root(there)
    assert [ref.name for ref in names.checkpoints(target)] == ["tuned"]
    values = RunReader(target, small.specs["tuned"].run_id).read("L02")
    np.testing.assert_array_equal(values, small.expected("tuned", 2))
    for words, told in (
        (("none",), "there are: base, tuned"), (("base", "none"), "no corpus 'none'"),
    ):  # fmt: skip
        refused = here("cp", small.objects.url, tmp_path / "nothing", *words)
        assert (refused.code, told in refused.err) == (2, True), refused
    assert here("cp", small.objects.url, small.objects.url).code == 2
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("nth", [1, 4, 9])
def test_a_copy_that_stopped_goes_on(small: SmallStore, place: Callable[[], str], nth: int) -> None:
    spec, url = small.specs["base"], place()
    inner = create_root(url)
    copy_text(small.objects, inner, spec.text_id)
    stops = FaultTable([Fault(operation="create", key="*/c/*", nth=nth, effect=fail(5))])
    with pytest.raises(OSError, match="Input/output"):
        copy_run(small.objects, FaultyObjects(inner, stops), spec)
    counts = FaultTable()
    new = copy_run(small.objects, FaultyObjects(open_root(url), counts), spec)
    created = [key for operation, key in counts.calls if operation == "create" and "/receipts/" in key]
    assert len(created) == new
    assert 0 < new <= spec.n_shards
    np.testing.assert_array_equal(
        RunReader(open_root(url), spec.run_id).read("L01"), small.expected("base", 1)
    )
    assert copy_run(small.objects, open_root(url), spec) == 0


def test_a_run_under_way_is_copied_as_far_as_it_is(small: SmallStore, tmp_path: Path) -> None:
    spec = small.specs["base"]
    for key in (
        paths.manifest(spec.run_id),
        paths.sealed_receipts(spec.run_id),
        paths.receipt(spec.run_id, 1),
    ):
        small.objects.delete(key)
    target = create_root(str(tmp_path / "there"))
    copy_text(small.objects, target, spec.text_id)
    assert copy_run(small.objects, target, spec) == spec.n_shards - 1
    assert not RunReader(target, spec.run_id, allow_partial=True).complete
    small.extract()
    assert copy_run(small.objects, target, spec) == 1
    np.testing.assert_array_equal(RunReader(target, spec.run_id).read("L01"), small.expected("base", 1))


def test_damage_is_not_copied(small: SmallStore, tmp_path: Path) -> None:
    spec = small.specs["base"]
    key = paths.run(spec.run_id, "L01/c/0/0")
    data = bytearray(small.objects.read(key))
    data[3] ^= 1
    small.objects.delete(key)
    small.objects.create(key, [bytes(data)])
    target = create_root(str(tmp_path / "there"))
    with pytest.raises(DamagedShardError, match="not those of its record"):
        copy_run(small.objects, target, spec)
    assert target.size(key) is None
    assert target.size(paths.receipt(spec.run_id, 0)) is None


def test_what_is_there_is_never_replaced(small: SmallStore, tmp_path: Path) -> None:
    target = create_root(str(tmp_path / "there"))
    key = paths.run(small.specs["base"].run_id, "L01/c/0/0")
    target.create(key, [b"another's"])
    with pytest.raises(StorageError, match="is there with other bytes"):
        copy_run(small.objects, target, small.specs["base"])
    assert target.read(key) == b"another's"
    ref = names.checkpoint(small.objects, "tuned")
    bound = names.checkpoint(small.objects, "base")
    names.bind_checkpoint(target, type(bound).from_dict({**bound.to_dict(), "name": "tuned"}))
    with pytest.raises(NameTakenError):
        copy_checkpoint(small.objects, target, ref)
    with pytest.raises(DamagedShardError, match="missing"):
        copy_object(small.objects, target, "none")
    with pytest.raises(NotFoundError):
        open_root(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("cache", ["none", "", "given"])
def test_trained_weights_load_from_a_bucket(
    small: SmallStore, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    """They lie in the cache, else among the temporary files, and never where the command was started."""
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("ACTSTORE_CACHE", str(tmp_path / "cache") if cache == "given" else cache)
    staged = small.objects.staging()
    staged.write_bytes(b"weights")
    target = create_root(s3.url(uuid.uuid4().hex))
    trained.store_files(small.objects, "tuned", {trained.MODEL: staged}, {"training_id": "t"})
    copy_checkpoint(small.objects, target, names.checkpoint(small.objects, "tuned"))
    folder = trained.folder_of(target, "tuned")
    assert (folder / trained.MODEL).read_bytes() == b"weights"
    assert folder.is_relative_to(tmp_path / "cache" if cache == "given" else temporary)
    assert list(here.iterdir()) == []


def test_weights_that_changed_in_a_bucket_are_not_loaded(
    small: SmallStore, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTSTORE_CACHE", str(tmp_path / "cache"))
    staged = small.objects.staging()
    staged.write_bytes(b"weights of a changed one")
    target = create_root(s3.url(uuid.uuid4().hex))
    trained.store_files(small.objects, "tuned", {trained.MODEL: staged}, {"training_id": "u"})
    copy_checkpoint(small.objects, target, names.checkpoint(small.objects, "tuned"))
    key = paths.checkpoint("tuned", trained.MODEL)
    target.delete(key)
    target.create(key, [b"weights of another one!!"])
    with pytest.raises(DamagedShardError, match="its bytes are not those written"):
        trained.folder_of(target, "tuned")


def test_trained_weights_and_results_come_along(small: SmallStore, place: Callable[[], str]) -> None:
    weights = np.random.default_rng(0).bytes(1_000_000)
    staged = small.objects.staging()
    staged.write_bytes(weights)
    ref = names.checkpoint(small.objects, "tuned")
    trained.store_files(small.objects, "tuned", {trained.MODEL: staged}, {"training_id": "t"})
    writer = ResultWriter(small.objects, "similarity", "figure", "abc")
    writer.put_file("figure.svg", b"<svg/>")
    writer.seal({"study": "s", "finished": "2026-01-01"})
    ResultWriter(small.objects, "similarity", "begun", "def").put_file("parts/1.parquet", b"")
    target = create_root(place())
    copy_checkpoint(small.objects, target, ref)
    assert target.read(paths.checkpoint("tuned", trained.MODEL)) == weights
    assert trained.find_trained(target, "tuned") == trained.find_trained(small.objects, "tuned")
    assert (copy_results(small.objects, target), copy_results(small.objects, target)) == (1, 0)
    assert ResultWriter(target, "similarity", "figure", "abc").provenance() == writer.provenance()
    assert target.children("results/similarity") == ["figure"]
