"""Sanity on a slice of a treebank: base beats its embeddings, these random weights, and a parser its base."""

import os
from pathlib import Path

import pytest

import actstore
from jobs.cli import main

DATA, MODELS = os.environ.get("ACTSTORE_DATA", ""), os.environ.get("ACTSTORE_MODELS", "")
STUDY = """
store = "store"
[[checkpoint]]
name = "base"
model = "{models}/all-MiniLM-L6-v2"
[[checkpoint]]
name = "random"
model = "{models}/all-MiniLM-L6-v2"
init = "random"
base = "base"
[[finetune]]
name = "parser"
task = "dep"
base = "base"
train = "train"
dev = "test"
epochs = 2
batch_size = 8
learning_rate = 3e-4
head_rate = 5.0
frozen_layers = 2
[[corpus]]
name = "train"
path = "{data}/ud_ewt/en_ewt-ud-test.conllu"
format = "conllu"
limit = 500
[corpus.labels]
srl = {{ path = "{data}/propbank_ewt/ewt-gold_skel.tar.gz", format = "propbank" }}
[[corpus]]
name = "test"
path = "{data}/ud_ewt/en_ewt-ud-dev.conllu"
format = "conllu"
limit = 150
[corpus.labels]
srl = {{ path = "{data}/propbank_ewt/ewt-gold_skel.tar.gz", format = "propbank" }}
[edge_tasks.dependencies]
train = "train"
dev = "test"
test = "test"
labels = "deprel"
[edge_tasks.srl]
train = "train"
dev = "test"
test = "test"
labels = "srl"
[[edge_probe]]
name = "sanity"
tasks = ["dependencies", "srl"]
checkpoints = ["base", "random"]
modes = ["mix", "lexical"]
hidden = 128
learning_rate = 2e-3
max_steps = 150
validate_every = 50
[[edge_probe]]
name = "of-a-parser"
tasks = ["dependencies"]
checkpoints = ["parser"]
modes = ["mix"]
hidden = 128
learning_rate = 2e-3
max_steps = 150
validate_every = 50
[[word_probe]]
name = "tags"
train = "train"
dev = "test"
test = "test"
checkpoints = ["base"]
layers = [0, 3]
epochs = 5
control = true
v_information = true
"""


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.models
@pytest.mark.skipif(not (DATA and MODELS), reason="needs ACTSTORE_DATA and ACTSTORE_MODELS")
def test_base_beats_its_embeddings_these_random_weights_and_a_parser_its_base(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY.format(models=MODELS, data=DATA))
    assert main(["run", str(tmp_path / "study.toml"), "--ray-address", "none"]) == 0
    store = actstore.open(str(tmp_path / "store"))
    rows = store.sql("SELECT * FROM edge_probe WHERE split = 'test'").to_pylist()
    score = {(row["task"], row["checkpoint"], row["mode"]): row["micro_f1_all"] for row in rows}
    for task in ("dependencies", "srl"):
        base, lexical = score[task, "base", "mix"], score[task, "base", "lexical"]
        assert base > lexical + 0.02, task
        assert lexical > score[task, "random", "mix"] + 0.02, task
    assert score["dependencies", "parser", "mix"] > score["dependencies", "base", "mix"] + 0.005
    words = store.sql("SELECT * FROM word_probe ORDER BY layer").to_pylist()
    assert words[1]["accuracy"] > words[0]["accuracy"] > 0.7
    assert all(row["accuracy"] > row["control_accuracy"] + 0.05 for row in words)
    assert all(row["i_v_bits"] > 1.5 for row in words)
