"""Structural probes of a real model over a slice of a real treebank: middle layers hold more of the trees."""

import os
from pathlib import Path

import pytest

import actstore
from jobs.cli import main

DATA, MODELS = os.environ.get("ACTSTORE_DATA"), os.environ.get("ACTSTORE_MODELS")
STUDY = """
store = "store"
[[checkpoint]]
name = "base"
model = "{models}/all-MiniLM-L6-v2"
[[corpus]]
name = "train"
path = "{data}/ud_ewt/en_ewt-ud-train.conllu.gz"
format = "conllu"
limit = 400
[[corpus]]
name = "dev"
path = "{data}/ud_ewt/en_ewt-ud-dev.conllu"
format = "conllu"
limit = 100
[[structural_probe]]
name = "slice"
train = "train"
dev = "dev"
test = "dev"
checkpoints = ["base"]
kinds = ["distance"]
layers = [0, 3]
rank = 32
epochs = 10
"""


@pytest.mark.data
@pytest.mark.models
@pytest.mark.slow
@pytest.mark.skipif(DATA is None, reason="ACTSTORE_DATA is not set")
@pytest.mark.skipif(MODELS is None, reason="ACTSTORE_MODELS is not set")
def test_a_middle_layer_beats_the_embeddings(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(STUDY.format(models=MODELS, data=DATA))
    assert main(["run", str(study), "--ray-address", "none"]) == 0
    rows = actstore.open(str(tmp_path / "store")).sql(
        "SELECT layer, spearman, uuas, n_sentences FROM structural_probe WHERE split = 'test' ORDER BY layer"
    )
    embeddings, middle = rows.to_pylist()
    assert (embeddings["layer"], middle["layer"], middle["n_sentences"]) == (0, 3, 100)
    assert middle["spearman"] > embeddings["spearman"] + 0.05
    assert middle["uuas"] > embeddings["uuas"] + 0.05
