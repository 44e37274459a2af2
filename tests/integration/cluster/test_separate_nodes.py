"""Nodes that share an object store and nothing else: extraction and analyses while they go and come."""

import json
import time
import uuid
from pathlib import Path

import pytest

import actstore
from tests.support.commands import ALONE, WAIT_SECONDS, run, start
from tests.support.ray_nodes import VARIABLES, ray_nodes
from tests.support.s3_server import S3Server
from tests.support.studies import SIMILARITY, make_study

ANALYSES = f"""{SIMILARITY}
[[drift]]
name = "moved"
corpora = ["text"]
[edge_tasks.tags]
train = "trees"
dev = "trees"
test = "trees"
labels = "upos"
[[edge_probe]]
name = "edges"
tasks = ["tags"]
checkpoints = ["base", "tuned"]
hidden = 8
max_steps = 4
[[word_probe]]
name = "words"
train = "trees"
dev = "trees"
test = "trees"
checkpoints = ["base"]
label = "upos"
epochs = 1
[[structural_probe]]
name = "distances"
train = "trees"
dev = "trees"
test = "trees"
checkpoints = ["base"]
epochs = 1
"""
TABLES = ("similarity", "drift", "edge_probe", "word_probe", "structural_probe")

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.mark.parametrize(
    ("analyses", "corpora"),
    [(SIMILARITY, ("text",)), pytest.param(ANALYSES, ("text", "trees"), marks=pytest.mark.nodes)],
    ids=("similarity", "every kind"),
)
def test_nodes_go_and_come(s3: S3Server, tmp_path: Path, analyses: str, corpora: tuple[str, ...]) -> None:
    study = make_study(tmp_path, n_lines=1_000).corpus("trees", limit=24)
    study = study.only(["base", "tuned"], corpora, analyses)
    study.write()
    alone = run("run", study.file, "--json", *ALONE)
    assert alone.code == 0, alone.err
    url, log = s3.url(f"nodes/{uuid.uuid4().hex}"), tmp_path / "log"
    with ray_nodes(2, s3.environment) as nodes:
        process = start(
            "run", study.file, "--store", url, "--json", "--log", log, "--ray-address", nodes.head.address,
            env={**s3.environment, **VARIABLES},
        )  # fmt: skip
        deadline = time.monotonic() + WAIT_SECONDS
        while process.poll() is None and len(lines(log)) < 3:
            assert time.monotonic() < deadline, "no shard was extracted"
            time.sleep(0.05)
        nodes.kill(0)
        nodes.add()
        _, err = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0, err
    given, wanted = actstore.open(url), actstore.open(str(study.store))
    hashes = [run_hashes(store) for store in (given, wanted)]
    assert hashes[0] == hashes[1]
    for table in TABLES if analyses == ANALYSES else TABLES[:1]:
        statement = f"SELECT * FROM {table} ORDER BY ALL"
        assert given.sql(statement).equals(wanted.sql(statement)), table
        assert given.sql(statement).num_rows > 0
    assert run("verify", url, env=s3.environment).code == 0


def lines(log: Path) -> list[dict[str, object]]:
    """What the log tells so far."""
    text = log.read_text() if log.exists() else ""
    return [json.loads(line) for line in text.splitlines() if line.endswith("}")]


def run_hashes(store: actstore.Store) -> dict[str, str]:
    """Content hash of every run."""
    ids = store.runs["run_id"].to_pylist()
    return {item: json.loads(store.objects.read(f"manifests/{item}.json"))["content_sha256"] for item in ids}
