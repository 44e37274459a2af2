"""A small study, made once, in a folder of its own for each test; and its store with something left to do."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.commands import ALONE, Here, run
from tests.support.studies import SmallStudy, make_study


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    return make_study(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def extracted(made: SmallStudy) -> Path:
    """A store with one run of the study, so that something is left to do."""
    made.only(["base"], ["text"]).write()
    answer = run("extract", made.file, *ALONE)
    assert answer.code == 0, answer.err
    return made.store.rename(made.folder / "extracted")


@pytest.fixture
def study(made: SmallStudy, tmp_path: Path) -> SmallStudy:
    """The study in a folder of its own, without a store."""
    shutil.copytree(made.folder, tmp_path / "study", ignore=shutil.ignore_patterns("store", "extracted"))
    return replace(made, folder=tmp_path / "study")


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(capsys)
