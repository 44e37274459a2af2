"""Probes on Ray, killed while each kind is trained: the rows of an undisturbed run, no part made twice."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.support.commands import ALONE, WAIT_SECONDS, kill, run, start
from tests.support.small_store import prepare

KINDS = ("edge_probe", "structural_probe", "mdl_probe")
"""In the order in which a study trains them."""
N_SEEDS = 5
STUDY = """
store = "store"
[[checkpoint]]
name = "base"
model = "./none"
[[corpus]]
name = "small"
path = "none.conllu"
format = "conllu"
max_length = 16
[extract]
dtype = "float32"
tokens_per_batch = 64
[edge_tasks.pos]
train = "small"
dev = "small"
test = "small"
labels = "upos"
[[structural_probe]]
name = "killed"
train = "small"
dev = "small"
test = "small"
checkpoints = ["base"]
kinds = ["distance"]
epochs = 12
seeds = {seeds}
[[edge_probe]]
name = "killed"
tasks = ["pos"]
checkpoints = ["base"]
hidden = 16
max_steps = 100
seeds = {seeds}
predictions = true
[[mdl_probe]]
name = "killed"
tasks = ["pos"]
checkpoints = ["base"]
hidden = 16
max_steps = 20
validate_every = 10
seeds = {seeds}
predictions = true
"""

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def parts(folder: Path, kind: str) -> dict[str, int]:
    """When each part of a kind was written, by its name."""
    found = (folder / "store/results" / kind).glob("killed/*/parts/*.parquet")
    return {path.name: path.stat().st_mtime_ns for path in found}


def wait_for_part(folder: Path, kind: str, process: "subprocess.Popen[str]") -> None:
    """Until a probe of a kind is stored."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not parts(folder, kind):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def rows(folder: Path) -> dict[str, list[dict[str, object]]]:
    """The probes of each kind, with what lies beside the table."""
    found = {}
    for kind in KINDS:
        [place] = (folder / "store/results" / kind / "killed").iterdir()
        found[kind] = pq.read_table(place / "probes.parquet").to_pylist()
        assert bool(list(place.glob("predictions/*"))) == (kind != "structural_probe")
    return found


def test_killed_in_each_kind_and_given_again(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    prepare(whole / "store", blocks_per_shard=8).extract()
    (whole / "study.toml").write_text(STUDY.format(seeds=list(range(N_SEEDS))))
    shutil.copytree(whole, killed)
    assert run("analyse", whole / "study.toml", *ALONE).code == 0
    command = ("analyse", killed / "study.toml", "--ray-address", "local", "--workers", "1")
    before = {}
    for kind in KINDS:
        process = start(*command)
        wait_for_part(killed, kind, process)
        kill(process)
        before[kind] = parts(killed, kind)
        assert 0 < len(before[kind]) < len(parts(whole, kind)), f"{kind} was not killed in the middle"
    last = run(*command, "--json")
    assert last.code == 0, last.err
    n_computed = {one["kind"]: one["n_computed"] for one in json.loads(last.out)["results"]}
    assert (n_computed["edge_probe"], n_computed["structural_probe"]) == (0, 0)
    assert 0 < n_computed["mdl_probe"] < N_SEEDS
    assert rows(killed) == rows(whole)
    for kind in KINDS:
        after = parts(killed, kind)
        assert {name: after[name] for name in before[kind]} == before[kind]
