"""The command killed at random moments and given again: an undisturbed run's content, little done twice."""

import json
import random
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import ALONE, WAIT_SECONDS, Answer, kill, run, start
from tests.support.studies import MAX_LENGTH, SmallStudy, write_text

LINES = 8000
LONGEST_LIFE_SECONDS = 1.5
"""After the first receipt or before it, at random."""
KILLS = 4
LOCAL = ("--ray-address", "local", "--workers", "2")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def small(made: SmallStudy, tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    """Two checkpoints over about twenty shards; a small batch makes the work last."""
    folder = tmp_path_factory.mktemp("kill")
    shutil.copytree(made.folder / "models", folder / "models")
    write_text(folder / "long.txt", LINES)
    study = SmallStudy(
        folder=folder, checkpoints=made.checkpoints, extract={"dtype": "float16", "tokens_per_batch": 256},
        corpora={"long": {"path": "long.txt", "format": "text", "max_length": MAX_LENGTH}},
    )  # fmt: skip
    study.write()
    return study


@pytest.fixture(scope="module")
def undisturbed(small: SmallStudy) -> dict[str, str]:
    answer = run("extract", small.file, "--store", small.folder / "undisturbed", *ALONE, "--json")
    return contents(answer)


def contents(answer: Answer) -> dict[str, str]:
    """The hash of each run's content, once all are complete."""
    assert answer.code == 0, answer.err
    runs = answer.document["runs"]
    assert all(one["complete"] for one in runs)
    return {one["run_id"]: one["content_sha256"] for one in runs}


def receipts(store: Path) -> dict[str, dict[str, Any]]:
    """Receipts of unsealed runs by their path."""
    found = {}
    for path in store.glob("runs/*/receipts/*.json"):
        try:
            found[str(path.relative_to(store))] = json.loads(path.read_text())
        except FileNotFoundError:  # folded into the sealed run's table meanwhile
            continue
    return found


def wait_for_receipt(store: Path, process: "subprocess.Popen[str]", known: int) -> None:
    """Until a shard is stored, or the command ends, so that a kill falls into the work too."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None and len(receipts(store)) <= known:
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("where", "seed"),
    [
        (ALONE, 0), (ALONE, 1),
        pytest.param(LOCAL, 3, marks=pytest.mark.ray),
    ],
    ids=["alone-0", "alone-1", "ray"],
)  # fmt: skip
def test_killed_and_run_again_until_done(
    small: SmallStudy, undisturbed: dict[str, str], tmp_path: Path, where: tuple[str, ...], seed: int
) -> None:
    rng = random.Random(seed)
    store = tmp_path / "store"
    before: dict[str, dict[str, Any]] = {}
    for number in range(KILLS):
        process = start("extract", small.file, "--store", store, *where)
        if number % 2:
            wait_for_receipt(store, process, len(before))
        time.sleep(rng.random() * LONGEST_LIFE_SECONDS)
        kill(process)
        now = receipts(store)
        # A receipt is never made twice: what was stored once is not computed again.
        assert {key: now[key] for key in before if key in now} == {
            key: value for key, value in before.items() if key in now
        }
        before = now
    last = run("extract", small.file, "--store", store, *where, "--json")
    assert contents(last) == undisturbed
    n_shards = sum(one["n_shards"] for one in last.document["runs"])
    n_new = sum(one["n_new_shards"] for one in last.document["runs"])
    n_kept = n_shards - n_new
    assert n_kept >= max(1, len(before))
    assert run("verify", store).code == 0
    again = run("extract", small.file, "--store", store, *where)
    assert "no model was run" in again.err


@pytest.mark.parametrize("where", [ALONE, pytest.param(LOCAL, marks=pytest.mark.ray)], ids=["alone", "ray"])
def test_two_drivers_at_once(
    small: SmallStudy, undisturbed: dict[str, str], tmp_path: Path, where: tuple[str, ...]
) -> None:
    store = tmp_path / "store"
    both = [start("extract", small.file, "--store", store, *where, "--json") for _ in range(2)]
    answers = []
    for process in both:
        out, err = process.communicate(timeout=WAIT_SECONDS)
        answers.append(Answer(process.returncode, out, err))
    assert [contents(answer) for answer in answers] == [undisturbed, undisturbed]
    assert run("verify", store).code == 0
    assert sorted((store / ".staging").iterdir()) == []
