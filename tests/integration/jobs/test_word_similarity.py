"""unit = "word": two tokenizers and depths over one text, and one token a word, through the command line."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import actstore
from analyses.similarity.rsa import rsa
from jobs.cli import main
from tests.support.small_store import prepare
from tests.support.tiny_models import SENTENCES, make_tiny_model

STUDY = """
store = "store"
[[checkpoint]]
name = "pieces"
model = "./pieces"
[[checkpoint]]
name = "bytes"
model = "./bytes"
base = "pieces"
[[corpus]]
name = "text"
path = "text.txt"
format = "text"
[extract]
dtype = "float32"
[[similarity]]
name = "words"
measures = ["rsa", "procrustes"]
corpora = ["text"]
unit = "word"
layers = "relative"
skip_first = 0
"""


@pytest.fixture
def study(tmp_path) -> Path:
    make_tiny_model(tmp_path / "pieces", "bert")
    make_tiny_model(tmp_path / "bytes", "gpt2", n_layer=6, n_embd=48)
    # the vowel sign is a word to no tokenizer that strips accents
    (tmp_path / "text.txt").write_text("\n".join([*SENTENCES * 3, "a \u0301 b"]), encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path / "study.toml"


def run(study: Path, *verb: str) -> int:
    return main([*verb, str(study), "--ray-address", "none", "--json"])


def test_models_of_two_tokenizers_and_depths(study, capsys):
    assert run(study, "run") == 0
    told = capsys.readouterr()
    result = json.loads(told.out)["results"][0]
    rows = [row for row in result["rows"] if row["measure"] == "rsa"]
    assert [(row["layer_a"], row["layer_b"]) for row in rows] == [(0, 0), (1, 2), (2, 4), (3, 6)]
    store = actstore.open(str(study.parent / "store"))
    words = {name: store.query([name], "text", unit="word").read_all() for name in ("pieces", "bytes")}
    keys = {
        name: {(r["layer"], r["example"], r["word"]): r["activation"] for r in table.to_pylist()}
        for name, table in words.items()
    }
    both = sorted({key[1:] for key in keys["pieces"]} & {key[1:] for key in keys["bytes"]})
    n_words = store.sql("SELECT count(*) AS n FROM words").to_pylist()[0]["n"]
    for row in rows:
        assert row["n_tokens"] == len(both) < n_words
        x_TD, y_TE = (
            np.array([keys[name][layer, *key] for key in both])
            for name, layer in (("pieces", row["layer_a"]), ("bytes", row["layer_b"]))
        )
        assert row["value"] == pytest.approx(rsa(x_TD, y_TE), abs=1e-5)
    assert f"{n_words - len(both)} of {n_words} words are left out: they have no tokens" in told.err
    folder = next((study.parent / "store" / "results" / "similarity" / "words").iterdir())
    recorded = json.loads((folder / "provenance.json").read_text())
    assert recorded["corpora"]["text"]["words"]["n_matched"] == len(both)
    assert recorded["block"]["unit"] == "word"
    assert (folder / "words-rsa.svg").exists()
    drawn = pq.read_table(folder / "words-text-0.parquet")
    assert list(zip(*(drawn.column(name).to_pylist() for name in ("example", "word")), strict=True)) == both


def test_tokens_of_two_tokenizers_are_refused_and_words_named(study, capsys):
    study.write_text(STUDY.replace('unit = "word"\n', ""))
    assert run(study, "run") == 2
    told = capsys.readouterr().err
    assert "pieces and bytes on text differ in tokens_id" in told
    assert 'or set unit = "word"' in told


SMALL = """
store = "store"
[[checkpoint]]
name = "base"
model = "./none"
[[checkpoint]]
name = "tuned"
model = "./none"
base = "base"
[[corpus]]
name = "small"
path = "none.txt"
format = "text"
max_length = 16
[extract]
dtype = "float32"
tokens_per_batch = 64
"""


def test_words_of_one_token_each_are_as_alike_as_their_tokens(tmp_path, capsys):
    store = prepare(tmp_path / "store", checkpoints=("base", "tuned"))
    store.extract()
    block = '[[similarity]]\nname = "{0}s"\nmeasures = ["rsa", "cka"]\ncorpora = ["small"]\ntokens = "all"\n'
    units = "".join(block.format(unit) + f'unit = "{unit}"\n' for unit in ("token", "word"))
    (tmp_path / "study.toml").write_text(SMALL + units)
    assert run(tmp_path / "study.toml", "analyse") == 0
    told = capsys.readouterr()
    tokens, words = (result["rows"] for result in json.loads(told.out)["results"])
    assert len(tokens) == len(words) == 6
    for token, word in zip(tokens, words, strict=True):
        assert word["n_tokens"] == token["n_tokens"]
        assert word["value"] == pytest.approx(token["value"], abs=1e-9)
    assert "left out" not in told.err
