"""`init`: a study file for the user's own models and texts, checked before it is written."""

from pathlib import Path

import pytest

from tests.support.commands import Here
from tests.support.studies import SmallStudy


@pytest.fixture
def folder(study: SmallStudy, monkeypatch: pytest.MonkeyPatch) -> Path:
    (study.folder / "other").mkdir()
    monkeypatch.chdir(study.folder / "other")
    return study.folder


CHECKPOINTS = ("--checkpoint", "base=../models/base", "tuned=../models/tuned")
CORPORA = ("--corpus", "text=../text.txt", "--corpus", "pairs=../pairs.tsv", "trees=../trees.conllu")


def test_what_it_writes_can_be_planned(here: Here, folder: Path) -> None:
    answer = here("init", "mine.toml", *CHECKPOINTS, *CORPORA)
    assert answer.code == 0, answer.err
    text = (folder / "other" / "mine.toml").read_text()
    assert text.count("#") >= 5
    runs = here("plan", "mine.toml", "--json").document["runs"]
    assert [(run["checkpoint"], run["corpus"]) for run in runs] == [
        (checkpoint, corpus) for checkpoint in ("base", "tuned") for corpus in ("text", "pairs", "trees")
    ]
    assert runs[0]["asked_by"] == ["similarity/layers"]


def test_a_study_elsewhere_finds_its_files(here: Here, folder: Path) -> None:
    assert here("init", "../mine.toml", *CHECKPOINTS, *CORPORA).code == 0
    assert here("plan", "../mine.toml").code == 0


def test_one_checkpoint_has_the_analysis_as_a_comment(here: Here, folder: Path) -> None:
    assert here("init", "mine.toml", "--checkpoint", "a=../models/base", *CORPORA).code == 0
    assert "# [[similarity]]" in (folder / "other" / "mine.toml").read_text()
    assert len(here("plan", "mine.toml", "--json").document["runs"]) == 3


def test_nothing_is_replaced(here: Here, folder: Path) -> None:
    Path("mine.toml").write_text("mine")
    answer = here("init", "mine.toml", *CHECKPOINTS, *CORPORA)
    assert (answer.code, "there already" in answer.err) == (2, True)
    assert Path("mine.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--checkpoint", "a", *CORPORA), "it is written NAME=MODEL"),
        (("--checkpoint", "a=../nowhere", *CORPORA), "no model folder"),
        (("--checkpoint", "a=..", *CORPORA), "has no config.json"),
        (("--checkpoint", "-a=../models/base", *CORPORA), ""),
        (("--checkpoint", "a=../models/base", "a=../models/tuned", *CORPORA), "is given twice"),
        ((*CHECKPOINTS, "--corpus", "c=../nowhere.txt"), "nowhere.txt"),
        ((*CHECKPOINTS, "--corpus", "c=../study.toml"), "has not one of the suffixes"),
        ((*CHECKPOINTS, "--corpus", "c/d=../text.txt"), "allowed are 1 to 100 letters"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_written(
    here: Here, folder: Path, words: tuple[str, ...], said: str
) -> None:
    answer = here("init", "mine.toml", *words)
    assert (answer.code, said in answer.err) == (2, True), answer.err
    assert not Path("mine.toml").exists()


def test_a_hub_id_is_taken_as_it_is_and_said(here: Here, folder: Path) -> None:
    answer = here("init", "mine.toml", "--checkpoint", "a=owner/name", *CORPORA)
    assert (answer.code, "taken for a hub id" in answer.err) == (0, True)
    assert 'model = "owner/name"' in Path("mine.toml").read_text()
