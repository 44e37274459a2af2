"""The project's own fine-tuning studies can run, and need what they say."""

from pathlib import Path

import pytest

from jobs.study import load_study, needed_runs, not_yet

STUDIES = Path(__file__).parents[3] / "studies"
ENV = {"ACTSTORE_DATA": "/data", "ACTSTORE_MODELS": "/models"}
TASKS = {"dep", "mnli", "squad"}


@pytest.mark.parametrize("profile", ["small", "medium", "full", "paper"])
def test_profiles_train_three_tasks_and_extract_no_training_corpus(profile: str) -> None:
    study = load_study(STUDIES / f"finetune-{profile}.toml", env=ENV)
    assert not_yet(study) == []
    assert {block.task for block in study.finetune} == TASKS
    trained_on = {block.train for block in study.finetune}
    runs = needed_runs(study)
    assert trained_on.isdisjoint(run.corpus for run in runs)
    made = {one.name for block in study.finetune for one in block.made}
    assert made <= {run.checkpoint for run in runs}


@pytest.mark.parametrize("profile", ["small", "medium", "full"])
def test_each_task_has_a_frozen_baseline(profile: str) -> None:
    study = load_study(STUDIES / f"finetune-{profile}.toml", env=ENV)
    assert {block.task for block in study.finetune if block.frozen_layers == 6} == TASKS
