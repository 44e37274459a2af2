"""The small profile of the fine-tuning study on real data: one run, scores equal to the whole model's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.jobs.test_finetune import full_model_scores, stored_scores
from tests.support.commands import ALONE, ROOT, run

DATA, MODELS = os.environ.get("ACTSTORE_DATA"), os.environ.get("ACTSTORE_MODELS")
CASES = {"dep-s0": ("dep", "ewt-dev"), "nli-s0": ("mnli", "snli-test"), "qa-s0": ("squad", "xquad")}


@pytest.mark.data
@pytest.mark.models
@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="ACTSTORE_DATA is not set")
@pytest.mark.skipif(not MODELS, reason="ACTSTORE_MODELS is not set")
def test_scores_from_the_store_equal_those_of_the_whole_model(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "all-MiniLM-L6-v2").symlink_to(Path(str(MODELS)) / "all-MiniLM-L6-v2")
    env = {"ACTSTORE_MODELS": str(tmp_path / "models"), "ACTSTORE_FINETUNE": str(tmp_path / "store")}
    script = ROOT / "studies" / "finetune_texts.py"
    subprocess.run([sys.executable, script], env={**os.environ, **env}, check=True, capture_output=True)
    answer = run("run", ROOT / "studies" / "finetune-small.toml", *ALONE, env=env)
    assert answer.code == 0, answer.err
    for name, (task, corpus) in CASES.items():
        stored = stored_scores(tmp_path / "store", name)
        assert stored == pytest.approx(full_model_scores(tmp_path / "store", name, task, corpus))
