"""The pair and question formats, from study file to stored text: the command line and a tiny model."""

import json

import pytest

import actstore
from jobs.cli import main
from tests.support.tiny_models import make_tiny_model

STUDY = """
store = "store"
[[checkpoint]]
name = "tiny"
model = "./tiny"
[[corpus]]
name = "nli"
path = "nli.jsonl"
format = "snli"
[[corpus]]
name = "qa"
path = "qa.json"
format = "squad"
max_length = 24
stride = 8
[[corpus]]
name = "wiki"
path = "wiki.txt"
format = "text"
detokenize = "wikitext"
split_into = "sentences"
"""
CONTEXT = "The cat sat on the mat, and the dog did not care. " * 3


@pytest.fixture
def study(tmp_path):
    make_tiny_model(tmp_path / "tiny", "bert")
    pairs = [
        {"sentence1": "A cat.", "sentence2": "A dog.", "gold_label": label} for label in ("neutral", "-")
    ]
    (tmp_path / "nli.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    asked = {"id": "q7", "question": "Who sat?", "answers": [{"text": "The cat", "answer_start": 0}]}
    paragraph = {"context": CONTEXT, "qas": [asked]}
    (tmp_path / "qa.json").write_text(json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]}))
    (tmp_path / "wiki.txt").write_text(" = Cats = \n\n A cat @-@ like dog . It does n't sit . \n")
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path / "study.toml"


def test_from_files_to_activations(study, capsys):
    assert main(["extract", str(study), "--ray-address", "none"]) == 0
    told = capsys.readouterr().err
    assert "corpus nli: 1 examples, 1 pairs without a majority label skipped (line 2)" in told
    assert "corpus wiki: 3 examples, 1 blank lines skipped (line 2), 1 headings" in told
    assert "corpus qa" not in told
    store = actstore.open(str(study.parent / "store"))
    examples = store.sql("SELECT corpus, source_id, text, label FROM examples ORDER BY corpus, example")
    assert [tuple(row.values()) for row in examples.to_pylist()] == [
        ("nli", "1", "A cat.", "neutral"),
        ("qa", "q7", "Who sat?", None),
        ("wiki", "1.1", "Cats", None),
        ("wiki", "3.1", "A cat-like dog.", None),
        ("wiki", "3.2", "It doesn't sit.", None),
    ]
    windows = store.sql("SELECT count(DISTINCT \"window\") AS n FROM tokens WHERE corpus = 'qa'")
    assert windows.to_pylist()[0]["n"] > 1
    assert {row["complete"] for row in store.runs.to_pylist()} == {True}


def test_a_malformed_file_is_refused_before_any_work(study, capsys):
    (study.parent / "nli.jsonl").write_text('{"sentence1": 3}\n')
    assert main(["extract", str(study), "--ray-address", "none"]) == 2
    assert "nli.jsonl:1: 'sentence1' is a number" in capsys.readouterr().err
    assert not (study.parent / "store").exists()
