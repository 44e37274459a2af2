"""Folders that are no checkpoint: each gets one clear error."""

import json
from dataclasses import replace

import pytest
import torch

from actstore.capture.checkpoint import describe
from actstore.capture.model import load_model
from actstore.capture.source import CheckpointSource
from actstore.capture.tokenizer import load_tokenizer
from actstore.errors import ModelError, RequestError
from tests.support.tiny_models import make_tiny_model


def source_of(folder, **options):
    return CheckpointSource(name="tiny", model=str(folder), **options)


@pytest.fixture
def folder(tmp_path):
    return make_tiny_model(tmp_path / "base", "bert")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("config.json", "no config.json"),
        ("model.safetensors", "no weights"),
        ("tokenizer.json", "no tokenizer"),
    ],
)
def test_a_missing_file(folder, file, message):
    (folder / file).unlink()
    with pytest.raises(ModelError, match=message):
        describe(source_of(folder))


def test_a_missing_folder(tmp_path):
    with pytest.raises(ModelError, match="no model folder"):
        describe(source_of(tmp_path / "nowhere"))


def test_a_hub_id_without_a_network():
    with pytest.raises(ModelError, match="the hub gave no such model"):
        describe(source_of("no-such-owner/no-such-model"))


def test_a_revision_of_a_folder(folder):
    with pytest.raises(ModelError, match="revision = 'step1'"):
        describe(source_of(folder, revision="step1"))


def test_a_file_in_place_of_a_folder(folder):
    with pytest.raises(ModelError, match="no model folder"):
        describe(source_of(folder / "config.json"))


def test_a_configuration_that_is_none(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match="can not be read as JSON"):
        describe(source_of(folder))
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="names no model_type"):
        describe(source_of(folder))


@pytest.mark.parametrize("n_bytes", [0, 5, 100, -7])
def test_a_cut_weight_file(folder, n_bytes):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(ModelError, match="no whole safetensors file"):
        describe(source_of(folder))


def test_a_broken_tokenizer(folder):
    (folder / "tokenizer.json").write_text('{"version": "1.0"}')
    with pytest.raises(ModelError, match="the tokenizer of"):
        describe(source_of(folder))


def test_weights_of_another_family(folder, tmp_path):
    other = make_tiny_model(tmp_path / "gpt2", "gpt2")
    (other / "model.safetensors").replace(folder / "model.safetensors")
    with pytest.raises(ModelError, match="do not belong together"):
        describe(source_of(folder))


def test_a_name_that_is_no_folder_name(folder):
    with pytest.raises(RequestError, match="checkpoint name"):
        describe(replace(source_of(folder), name="a/b"))


def test_an_unknown_init(folder):
    with pytest.raises(ModelError, match="init = 'zeros'"):
        source_of(folder, init="zeros")


def test_code_that_comes_with_a_model_is_never_run(folder, tmp_path):
    """Its configuration and its tokenizer name a file beside them, which would leave a mark."""
    mark = tmp_path / "ran"
    (folder / "theirs.py").write_text(
        f"open({str(mark)!r}, 'w').close()\n"
        "from transformers import BertConfig as Config, BertModel as Model, BertTokenizerFast as Words\n"
    )
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "theirs.Config", "AutoModel": "theirs.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    words = json.loads((folder / "tokenizer_config.json").read_text())
    words["auto_map"] = {"AutoTokenizer": [None, "theirs.Words"]}
    (folder / "tokenizer_config.json").write_text(json.dumps(words))
    ref = describe(source_of(folder))
    load_model(source_of(folder), folder, torch.float32, "sdpa")
    load_tokenizer(folder)
    assert ref.width
    assert not mark.exists()
