"""`ray job submit --working-dir ... -- python -m jobs.VERB STUDY` against a running cluster, from elsewhere.

The entrypoint's `python` is the one of the cluster's PATH, so the head is started with this environment's
first. Ray unpacks the working directory into a folder of its own and leaves git-ignored files out: models and
stores are named by absolute paths.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.commands import ROOT, WAIT_SECONDS, Answer, run
from tests.support.ray_head import RAY, Head, ray_head
from tests.support.studies import SmallStudy

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", token := secrets.token_hex(32))
        with ray_head(token) as head:
            yield head


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The code as a clone has it, with a model that git ignores."""
    place = tmp_path / "checkout"
    for name in ("actstore", "analyses", "jobs"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", place / "pyproject.toml")
    (place / ".gitignore").write_text("models/\n__pycache__/\n")
    subprocess.run(["git", "init", "--quiet", str(place)], check=True)
    return place


def put_study(study: SmallStudy, checkout: Path) -> SmallStudy:
    """The study in the working directory: its models by variable, its texts beside it."""
    inside = replace(
        study.only(["base", "tuned"], ["text"], study.more),
        folder=checkout / "studies",
        checkpoints={
            "base": {"model": "${ACTSTORE_MODELS}/base"},
            "tuned": {"model": "${ACTSTORE_MODELS}/tuned", "base": "base"},
        },
    )
    inside.folder.mkdir()
    shutil.copyfile(study.folder / "text.txt", inside.folder / "text.txt")
    inside.write()
    return inside


def submit(head: Head, checkout: Path, elsewhere: Path, *words: object, **variables: object) -> Answer:
    """Submit a command from another folder and follow it to its end; stdout is the client's log."""
    given = {name: str(value) for name, value in variables.items()}
    done = subprocess.run(
        [str(RAY), "job", "submit", "--address", head.dashboard, "--working-dir", str(checkout),
         "--runtime-env-json", json.dumps({"env_vars": given}), "--", "python", "-m", *map(str, words)],
        cwd=elsewhere, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)


def test_a_study_is_run_on_a_running_cluster(
    head: Head, study: SmallStudy, checkout: Path, tmp_path: Path
) -> None:
    put_study(study, checkout)
    store, models = tmp_path / "shared" / "store", study.folder / "models"
    words = ("jobs.extract", "studies/study.toml", "--store", store)
    first = submit(head, checkout, tmp_path, *words, ACTSTORE_MODELS=models)
    assert first.code == 0, first
    assert "2 shards of 2 runs to compute on 2 workers" in first.out
    told = run("ls", store, "--json").document["runs"]
    assert {row["checkpoint"]: row["state"] for row in told} == {"base": "complete", "tuned": "complete"}
    assert run("verify", store).code == 0
    again = submit(head, checkout, tmp_path, *words, ACTSTORE_MODELS=models)
    assert again.code == 0, again
    assert "no model was run" in again.out
    analysed = submit(head, checkout, tmp_path, "jobs.analyse", *words[1:], ACTSTORE_MODELS=models)
    assert analysed.code == 0, analysed
    assert "similarity alike: rsa" in analysed.out
    # the same content as without a cluster
    alone = study.only(["base", "tuned"], ["text"]).write()
    mine = run("extract", alone, "--ray-address", "none", "--json").document["runs"]
    theirs = run("extract", alone, "--store", store, "--ray-address", "none", "--json").document["runs"]
    assert [one["content_sha256"] for one in theirs] == [one["content_sha256"] for one in mine]


def test_a_relative_store_would_vanish_with_the_job(
    head: Head, study: SmallStudy, checkout: Path, tmp_path: Path
) -> None:
    put_study(study, checkout)
    answer = submit(
        head, checkout, tmp_path, "jobs.extract", "studies/study.toml",
        ACTSTORE_MODELS=study.folder / "models",
    )  # fmt: skip
    assert answer.code != 0
    assert "entrypoint command failed with exit code 2" in answer.out + answer.err
    assert "Ray's own copy of the uploaded working directory" in answer.out
    assert "absolute path that every node sees" in answer.out


def test_models_that_git_ignores_are_not_uploaded(
    head: Head, study: SmallStudy, checkout: Path, tmp_path: Path
) -> None:
    inside = put_study(study, checkout)
    shutil.copytree(study.folder / "models", checkout / "models")
    changed = replace(inside, checkpoints={"base": {"model": "../models/base"}}, more="")
    changed.write()
    store = tmp_path / "store"
    answer = submit(head, checkout, tmp_path, "jobs.extract", "studies/study.toml", "--store", store)
    assert answer.code != 0
    assert "there is no model folder" in answer.out
    assert not store.exists()
