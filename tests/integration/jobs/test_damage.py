"""Lost and flipped bytes, by the commands alone: partial runs are extracted on, sealed ones repaired."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.support.commands import ALONE, Here, run
from tests.support.studies import MAX_LENGTH, SmallStudy, tree_hash, write_text

LINES = 1500
"""About four blocks of tokens, so four shards."""
QUERY = ("--checkpoint", "base", "--corpus", "long", "--layer", "2")


@pytest.fixture(scope="module")
def whole(made: SmallStudy, tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    """A study with several shards, extracted and analysed."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(made.folder / "models", folder / "models")
    write_text(folder / "long.txt", LINES)
    more = '[[similarity]]\nname = "alike"\nmeasures = ["rsa"]\ncorpora = ["long"]\ntokens = 200\n'
    study = SmallStudy(
        folder=folder, checkpoints=made.checkpoints, more=more, extract={"dtype": "float16"},
        corpora={"long": {"path": "long.txt", "format": "text", "max_length": MAX_LENGTH}},
    )  # fmt: skip
    answer = run("extract", study.write(), *ALONE)
    assert answer.code == 0, answer.err
    return study


@pytest.fixture
def study(whole: SmallStudy, tmp_path: Path) -> SmallStudy:
    shutil.copytree(whole.folder, tmp_path / "study")
    return replace(whole, folder=tmp_path / "study")


def extracted(here: Here, study: SmallStudy) -> dict[str, dict[str, Any]]:
    """What an extraction tells of each checkpoint's run."""
    answer = here("extract", study.file, *ALONE, "--json")
    assert answer.code == 0, answer.err
    return {run["checkpoint"]: run for run in answer.document["runs"]}


def object_of(study: SmallStudy, run_id: str, site: str, shard: int) -> Path:
    return study.store / "runs" / run_id / site / "c" / str(shard) / "0"


def unseal(store: Path, run_id: str) -> None:
    """A run as a driver leaves it that was killed just before the seal: receipts one by one, no manifest."""
    folder = store / "runs" / run_id
    folded = folder / "receipts.parquet"
    receipts = [json.loads(text) for text in pq.read_table(folded).column("receipt").to_pylist()]
    (folder / "receipts").mkdir(exist_ok=True)
    for receipt in receipts:
        path = folder / "receipts" / f"{receipt['shard']}.json"
        if not path.exists():
            path.write_text(json.dumps(receipt))
    folded.unlink()
    (store / "manifests" / f"{run_id}.json").unlink()


def test_an_unsealed_run_that_lost_a_shard(here: Here, study: SmallStudy) -> None:
    before = extracted(here, study)["base"]
    run_id, n_shards = before["run_id"], before["n_shards"]
    assert n_shards >= 3
    unseal(study.store, run_id)
    (study.store / "runs" / run_id / "receipts" / "1.json").unlink()
    for site in ("L00", "L01", "L02", "L03"):
        object_of(study, run_id, site, 1).unlink()
    states = {row["checkpoint"]: row["state"] for row in here("ls", study.store, "--json").document["runs"]}
    assert states == {"base": f"partial ({n_shards - 1} of {n_shards} shards)", "tuned": "complete"}
    assert f"partial ({n_shards - 1} of {n_shards} shards)" in here("ls", study.store).out
    for words in (("query", study.store, *QUERY), ("analyse", study.file, *ALONE)):
        answer = here(*words, "--json")
        assert (answer.code, answer.document["error"]) == (1, "IncompleteRunError"), answer
        assert f"{n_shards - 1} of {n_shards} shards" in answer.err
        assert "extract" in answer.err
    partial = here("query", study.store, *QUERY, "--allow-partial", "--limit", "3", "--json")
    assert (partial.code, len(partial.document)) == (0, 3)
    after = extracted(here, study)["base"]
    assert after == before | {"n_new_shards": 1}
    assert here("verify", study.store).code == 0
    assert here("analyse", study.file, *ALONE).code == 0


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [flip, Path.unlink], ids=["flipped", "deleted"])
def test_a_sealed_run_that_is_damaged(here: Here, study: SmallStudy, damage: Callable[[Path], None]) -> None:
    before = extracted(here, study)
    run_id, other = before["base"]["run_id"], before["tuned"]["run_id"]
    hurt = object_of(study, run_id, "L02", 2)
    damage(hurt)
    key = str(hurt.relative_to(study.store))
    kept = tree_hash(study.store / "runs" / other)
    for words in (("query", study.store, *QUERY), ("analyse", study.file, *ALONE)):
        answer = here(*words, "--json")
        assert answer.code == 1, answer
        assert "DamagedShardError" in answer.out
        assert key in answer.err
        assert "verify" in answer.err
    found = here("verify", study.store, "--json")
    assert (found.code, found.document["ok"]) == (1, False)
    assert {problem["key"] for problem in found.document["problems"]} == {key}
    told = here("verify", study.store)
    assert told.code == 1
    assert f"run {run_id}, shard 2: {key}: " in told.out
    assert "run `actstore verify STORE --repair`, then `actstore extract STUDY`" in told.out
    repaired = here("verify", study.store, "--repair")
    assert repaired.code == 1
    assert f"removed runs/{run_id}/receipts/2.json" in repaired.out
    assert "run `actstore extract STUDY` to make what was removed anew" in repaired.out
    states = {row["checkpoint"]: row["state"] for row in here("ls", study.store, "--json").document["runs"]}
    assert states["base"].startswith("partial (")
    after = extracted(here, study)
    assert after["base"] == before["base"] | {"n_new_shards": 1}
    assert after["tuned"] == before["tuned"]
    assert here("verify", study.store).code == 0
    assert tree_hash(study.store / "runs" / other) == kept
    assert here("analyse", study.file, *ALONE).code == 0
