"""Places that can not be used: names taken in a store, no Ray there, no right to write. Nothing changes."""

import shutil
import socket
from pathlib import Path

import pytest

from tests.support.commands import ALONE, Here, bound_by_rights, run
from tests.support.disks import small_disk
from tests.support.refused import check_both, check_refused
from tests.support.studies import SmallStudy, tree_hash


def test_a_name_bound_to_other_weights(here: Here, study: SmallStudy, extracted: Path) -> None:
    shutil.copytree(extracted, study.store)
    before = tree_hash(study.store)
    for words in (("plan",), ("extract", *ALONE), ("run", *ALONE)):
        file = study.checkpoint("base", model="models/tuned").checkpoint("tuned", model="models/base").write()
        answer = here(words[0], file, *words[1:], "--json")
        check_refused(
            answer, "'base' is bound to other weights ... rename ... actstore rm", kind="NameTakenError"
        )
        assert tree_hash(study.store) == before


def test_a_name_bound_to_another_text(here: Here, study: SmallStudy, extracted: Path) -> None:
    shutil.copytree(extracted, study.store)
    before = tree_hash(study.store)
    with (study.folder / "text.txt").open("a") as file:
        file.write("one line more\n")
    answer = here("extract", study.write(), *ALONE)
    check_refused(answer, "'text' is bound to another text ... use another store", kind="NameTakenError")
    assert tree_hash(study.store) == before


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.ray
@pytest.mark.parametrize("verb", ["extract", "run"])
def test_no_ray_at_the_address(
    here: Here, study: SmallStudy, extracted: Path, free_port: int, verb: str
) -> None:
    address = f"127.0.0.1:{free_port}"
    words = (verb, study.file, "--ray-address", address)
    check_both(
        here, study, extracted, words, f"nothing answers at {address} ... `ray start --head`", "ClusterError"
    )


@pytest.mark.parametrize("what", ["store", "model"])
def test_rays_own_copy_of_a_working_directory(
    here: Here, study: SmallStudy, what: str, tmp_path: Path
) -> None:
    unpacked = tmp_path / "runtime_resources" / "working_dir_files" / "_ray_pkg_1"
    shutil.copytree(study.folder, unpacked)
    if what == "model":
        study = study.checkpoint("tuned", model=unpacked / "models/tuned")
    file = study.write()
    store = unpacked / "store" if what == "store" else study.store
    answer = here("extract", file, "--store", store, *ALONE)
    check_refused(
        answer, f"{what} ... Ray's own copy ... by an absolute path that every node", kind="ClusterError"
    )
    assert not store.exists()


@pytest.mark.parametrize("verb", ["extract", "run"])
def test_no_right_to_write_a_new_store(study: SmallStudy, verb: str) -> None:
    closed = study.folder / "closed"
    closed.mkdir(mode=0o555)
    answer = run(verb, study.write(), "--store", closed / "store", *ALONE, before=bound_by_rights())
    check_refused(answer, f"no permission to write {closed} ... choose another store", kind="AccessError")
    assert list(closed.iterdir()) == []


def test_no_right_to_write_an_existing_store(study: SmallStudy, extracted: Path) -> None:
    shutil.copytree(extracted, study.store)
    before = tree_hash(study.store)
    for path in (study.store, *(path for path in study.store.rglob("*") if path.is_dir())):
        path.chmod(0o555)
    answer = run("extract", study.write(), *ALONE, "--json", before=bound_by_rights())
    check_refused(answer, f"no permission to write {study.store} ... choose another", kind="AccessError")
    assert answer.document["error"] == "AccessError"
    assert tree_hash(study.store) == before


def test_no_right_to_read_a_text(study: SmallStudy) -> None:
    (study.folder / "text.txt").chmod(0)
    answer = run("extract", study.write(), *ALONE, before=bound_by_rights())
    check_refused(answer, "text.txt ... permission", kind="AccessError")
    assert not study.store.exists()


def test_what_is_whole_on_a_read_only_disk_needs_no_writing(here: Here, study: SmallStudy) -> None:
    file = study.only(["base"], ["text"]).write()
    assert here("extract", file, *ALONE).code == 0
    with small_disk("32m") as disk:
        store = shutil.copytree(study.store, disk.place / "store")
        disk.remount("ro")
        answer = here("extract", file, "--store", store)
        assert (answer.code, "no model was run" in answer.err) == (0, True), answer
        disk.remount("rw")


def test_a_read_only_disk(here: Here, study: SmallStudy, extracted: Path) -> None:
    with small_disk("32m") as disk:
        store = disk.place / "store"
        shutil.copytree(extracted, store)
        before = tree_hash(store)
        disk.remount("ro")
        file = study.write()
        check_refused(
            here("extract", file, "--store", store, *ALONE), "read-only; choose", kind="AccessError"
        )
        new = disk.place / "new"
        check_refused(here("extract", file, "--store", new, *ALONE), "read-only; choose", kind="AccessError")
        assert here("ls", store).code == 0
        assert here("verify", store).code == 0
        assert tree_hash(store) == before
        disk.remount("rw")
