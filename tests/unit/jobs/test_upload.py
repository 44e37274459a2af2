"""What a submitted job takes along: named, sized, small; and nothing that points into Ray's own folder."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from actstore.errors import CapacityError, StudyError
from jobs.study.load import load_study
from jobs.submit import find
from jobs.upload import LIMIT_BYTES, gather

STUDY = """
store = "{store}"
[[checkpoint]]
name = "a"
model = "{model}"
[[corpus]]
name = "c"
path = "{path}"
format = "text"
"""


def write(
    folder: Path, store: str = "/shared/store", model: str = "/shared/a", path: str = "texts/c.txt"
) -> Path:
    (folder / "texts").mkdir(exist_ok=True)
    (folder / "texts" / "c.txt").write_text("one\ntwo\n")
    file = folder / "s.toml"
    file.write_text(STUDY.format(store=store, model=model, path=path))
    return file


def test_study_texts_and_code_go_along(tmp_path: Path) -> None:
    package = tmp_path / "code" / "ours"
    (package / "__pycache__").mkdir(parents=True)
    for name in ("a.py", "__pycache__/a.pyc", ".hidden"):
        (package / name).write_text("x")
    upload = gather(load_study(write(tmp_path)), [package])
    assert set(upload.files) == {"study/s.toml", "study/texts/c.txt", "ours/a.py"}
    assert upload.told().startswith("3 files, ")
    assert "study, ours" in upload.told()
    upload.copy_to(tmp_path / "job")
    assert load_study(tmp_path / "job" / "study" / "s.toml").corpora[0].path.endswith("job/study/texts/c.txt")


def test_a_text_elsewhere_stays_there(tmp_path: Path) -> None:
    (tmp_path / "shared.txt").write_text("one\n")
    (tmp_path / "studies").mkdir()
    upload = gather(load_study(write(tmp_path / "studies", path=str(tmp_path / "shared.txt"))), [])
    assert set(upload.files) == {"study/s.toml"}


def test_too_much_is_refused_with_what_is_large(tmp_path: Path) -> None:
    file = write(tmp_path)
    with (tmp_path / "texts" / "c.txt").open("wb") as text:
        text.truncate(LIMIT_BYTES + 1)
    with pytest.raises(CapacityError, match=r"largest: study/texts/c.txt \(100.0 MB\)"):
        gather(load_study(file), [])


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"store": "store"}, "store = 'store'"),
        ({"model": "./a"}, 'model of "a"'),
        ({"path": "../c.txt"}, 'path of "c"'),
    ],
)
def test_relative_places_are_refused(tmp_path: Path, given: dict[str, str], named: str) -> None:
    folder = tmp_path / "studies"
    folder.mkdir()
    with pytest.raises(StudyError, match="a folder that Ray deletes") as found:
        gather(load_study(write(folder, **given)), [])
    assert named in str(found.value)


@pytest.mark.parametrize("model", ["owner/name", "${HOME}/a", "/shared/a"])
def test_hub_ids_variables_and_whole_paths_are_taken(tmp_path: Path, model: str) -> None:
    gather(load_study(write(tmp_path, model=model)), [])


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ({}, (None, "s-1")),
        ({"s-1": "FAILED", "s-2": "STOPPED"}, (None, "s-3")),
        ({"s-1": "SUCCEEDED", "s-2": "RUNNING", "other-9": "RUNNING"}, ("s-2", "s-3")),
        ({"s-1": "PENDING"}, ("s-1", "s-2")),
        ({"s-long-4": "RUNNING"}, (None, "s-1")),
    ],
)
def test_a_job_that_runs_is_joined_and_one_that_ended_is_followed_by_another(
    jobs: dict[str, str], expected: tuple[str | None, str]
) -> None:
    listed = [SimpleNamespace(submission_id=name, status=status) for name, status in jobs.items()]
    assert find(SimpleNamespace(list_jobs=lambda: listed), "s") == expected
