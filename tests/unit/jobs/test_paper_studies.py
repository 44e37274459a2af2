"""The studies of the paper are what their script says, and ask for what this version can run."""

import importlib.util
import sys
from pathlib import Path

import pytest

from jobs.study.later import not_yet
from jobs.study.load import load_study
from jobs.study.needed import needed_runs

STUDIES = Path(__file__).parents[3] / "studies"
sys.path.append(str(STUDIES))  # the script's own second half lies beside it
SPEC = importlib.util.spec_from_file_location("merchant2020", STUDIES / "merchant2020.py")
merchant2020 = importlib.util.module_from_spec(SPEC)
sys.modules["merchant2020"] = merchant2020  # dataclasses look their module up
SPEC.loader.exec_module(merchant2020)


EXHIBITS = {
    "figure1", "table1", "table1-lexical", "appendix-a", "appendix-b", "figure2", "figure5", "seed-floor",
    "single-sentence", "steps", "steps-drift", "steps-probes",
    *(f"figure{n}-{task}" for n in (3, 4) for task in ("nli", "dep", "qa")),
}  # fmt: skip


@pytest.mark.parametrize("name", merchant2020.PROFILES)
def test_a_profile_is_what_the_script_writes(name):
    file = STUDIES / f"merchant2020-{name}.toml"
    assert file.read_text() == merchant2020.study(name)
    study = load_study(file, env={"ACTSTORE_DATA": "/data", "ACTSTORE_MODELS": "/models"})
    assert not_yet(study) == []
    assert {block.kind for block in study.ablation} == {"freeze", "truncate", "truncate-frozen"}
    assert {block.task for block in study.ablation} == {"mnli", "squad", "dep"}
    runs = {(run.checkpoint, run.corpus): run.sites for run in needed_runs(study)}
    base = "base" if name != "paper" else "base-0"
    layers = {"small": 3, "medium": 5, "full": 7, "paper": 13}[name]
    assert len(runs[base, "nli-train"]) == layers  # no other layer of the training data is stored
    assert runs["dep-s0", "wikipedia"] == "all"
    assert {block.name for _, block in study.analyses} >= EXHIBITS
    first, *others = study.edge_probe
    assert len(first.tasks) == 8
    assert [block.modes for block in study.edge_probe] == [("mix",), ("lexical",), ("top",)]
    assert len([one for one in first.checkpoints if one.startswith("random")]) >= 2
    assert all(set(block.tasks) == set(first.tasks) for block in others)


@pytest.mark.parametrize("name", ["pythia", "multiberts"])
def test_series_that_are_ready(name):
    study = load_study(STUDIES / f"{name}.toml", env={"ACTSTORE_DATA": "/data"})
    assert not_yet(study) == []
    assert len(study.checkpoints) >= 10
    asked = {checkpoint for run in needed_runs(study) for checkpoint in [run.checkpoint]}
    assert asked == {checkpoint.name for checkpoint in study.checkpoints}
