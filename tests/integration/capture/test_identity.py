"""A checkpoint's identity: equal for equal trunks, different for anything that changes an activation."""

import json
import os
import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from actstore.capture.checkpoint import describe
from actstore.capture.config import read_config
from actstore.capture.identity import trunk_sha256
from actstore.capture.source import CheckpointSource, pin
from actstore.capture.tokenizer import load_tokenizer
from actstore.capture.weights import PIECE_BYTES
from actstore.errors import ModelError
from tests.support.tiny_models import make_tiny_model, tiny_tokenizer


def source_of(folder, **options):
    return CheckpointSource(name="tiny", model=str(folder), **options)


def trunk_of(folder, **options):
    return describe(source_of(folder, **options)).trunk_sha256


def change_config(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def change_weights(folder, change):
    path = folder / "model.safetensors"
    tensors = {name: value.copy() for name, value in load_file(path).items()}
    path.unlink()
    save_file(change(tensors) or tensors, path, metadata={"format": "pt"})


@pytest.fixture
def folder(tmp_path):
    return make_tiny_model(tmp_path / "base", "bert")


@pytest.mark.parametrize(
    ("family", "heads"),
    [
        ("bert", ("ForMaskedLM", "ForSequenceClassification", "ForQuestionAnswering", "ForPreTraining")),
        ("mpnet", ("ForMaskedLM",)),
        ("roberta", ("ForMaskedLM", "ForTokenClassification")),
        ("distilbert", ("ForMaskedLM", "ForSequenceClassification")),
        ("electra", ("ForPreTraining",)),
        ("gpt2", ("LMHeadModel",)),
        ("gpt_neox", ("ForCausalLM",)),
        ("llama", ("ForCausalLM",)),
    ],
)
def test_the_same_trunk_under_another_head_is_the_same_checkpoint(tmp_path, family, heads):
    import transformers

    plain = make_tiny_model(tmp_path / "plain", family)
    config = transformers.AutoConfig.from_pretrained(plain)
    name = type(config).__name__.removesuffix("Config")
    for head in heads:
        other = tmp_path / head
        model = getattr(transformers, name + head)(config)
        trunk = transformers.AutoModel.from_pretrained(plain)
        getattr(model, model.base_model_prefix).load_state_dict(trunk.state_dict(), strict=False)
        model.save_pretrained(other)
        tiny_tokenizer(family).save_pretrained(other)
        assert trunk_of(other) == trunk_of(plain)


def test_one_changed_weight_is_another_checkpoint(folder):
    before = trunk_of(folder)

    def nudge(tensors):
        tensors["encoder.layer.2.output.dense.bias"][3] += 1e-3

    change_weights(folder, nudge)
    assert trunk_of(folder) != before


def test_swapped_tensors_of_one_shape_are_another_checkpoint(folder):
    before = trunk_of(folder)

    def swap(tensors):
        one, two = "encoder.layer.0.output.dense.weight", "encoder.layer.1.output.dense.weight"
        tensors[one], tensors[two] = tensors[two], tensors[one]

    change_weights(folder, swap)
    assert trunk_of(folder) != before


def test_hashing_takes_little_memory_however_large_a_tensor(folder):
    def grow(tensors):
        tensors["encoder.large"] = np.ones((1 << 24,), dtype=np.float32)

    change_weights(folder, grow)
    tracemalloc.start()
    trunk_sha256(folder, read_config(folder))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 3 * PIECE_BYTES < 1 << 26


def test_pooler_and_index_buffers_do_not_count(folder):
    before = trunk_of(folder)

    def change(tensors):
        tensors["pooler.dense.weight"] += 1
        tensors["embeddings.position_ids"] = np.arange(64)[None]
        tensors["cls.predictions.bias"] = np.zeros(400, dtype=np.float32)

    change_weights(folder, change)
    assert trunk_of(folder) == before


def test_another_precision_of_the_weights_is_another_checkpoint(folder):
    before = trunk_of(folder)
    change_weights(
        folder, lambda tensors: {name: value.astype(np.float16) for name, value in tensors.items()}
    )
    assert trunk_of(folder) != before


@pytest.mark.parametrize(
    "field", [{"num_attention_heads": 8}, {"layer_norm_eps": 1e-5}, {"hidden_act": "relu"}]
)
def test_a_field_that_changes_activations_counts(folder, field):
    before = trunk_of(folder)
    change_config(folder, **field)
    assert trunk_of(folder) != before


@pytest.mark.parametrize(
    "field",
    [
        {"architectures": ["BertForMaskedLM"]},
        {"hidden_dropout_prob": 0.5},
        {"id2label": {"0": "a"}},
        {"transformers_version": "1.0"},
        {"_name_or_path": "elsewhere"},
        {"is_decoder": False, "new_field": None},
    ],
)
def test_a_harmless_field_does_not_count(folder, field):
    before = trunk_of(folder)
    change_config(folder, **field)
    assert trunk_of(folder) == before


def test_weights_in_parts_are_the_same_checkpoint(folder, tmp_path):
    parts = tmp_path / "parts"
    shutil.copytree(folder, parts)
    tensors = load_file(parts / "model.safetensors")
    (parts / "model.safetensors").unlink()
    weight_map = {}
    for position, name in enumerate(sorted(tensors)):
        weight_map[name] = f"model-{position % 3 + 1:05d}-of-00003.safetensors"
    for file in set(weight_map.values()):
        save_file({n: v for n, v in tensors.items() if weight_map[n] == file}, parts / file)
    index = parts / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    assert trunk_of(parts) == trunk_of(folder)
    (parts / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(ModelError, match="lacks model-00002-of-00003"):
        trunk_of(parts)


def test_pickled_weights_need_a_word_and_are_the_same_checkpoint(folder, tmp_path):
    pickled = tmp_path / "pickled"
    shutil.copytree(folder, pickled)
    tensors = load_file(pickled / "model.safetensors")
    (pickled / "model.safetensors").unlink()
    torch.save({n: torch.from_numpy(v) for n, v in tensors.items()}, pickled / "pytorch_model.bin")
    with pytest.raises(ModelError, match="allow_pickle = true"):
        trunk_of(pickled)
    assert trunk_of(pickled, allow_pickle=True) == trunk_of(folder)


class Exploit:
    def __reduce__(self):
        return (print, ("this ran",))


def test_a_pickle_that_holds_code_is_refused(folder, capsys):
    (folder / "model.safetensors").unlink()
    torch.save({"embeddings": Exploit()}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="more than weights"):
        trunk_of(folder, allow_pickle=True)
    assert "this ran" not in capsys.readouterr().out


def test_random_initialisation_is_configuration_and_seed(folder):
    one = trunk_of(folder, init="random", seed=1)
    assert one == trunk_of(folder, init="random", seed=1)
    assert len({one, trunk_of(folder, init="random", seed=2), trunk_of(folder)}) == 3
    (folder / "model.safetensors").unlink()
    assert trunk_of(folder, init="random", seed=1) == one
    change_config(folder, initializer_range=0.5)
    assert trunk_of(folder, init="random", seed=1) != one


def test_what_a_reference_says(folder):
    ref = describe(source_of(folder, base="other", task="mnli", replicate=2, step=7))
    assert (ref.family, ref.n_layers, ref.width, ref.max_positions) == ("bert", 3, 32, 64)
    assert (ref.base, ref.task, ref.replicate, ref.step, ref.init, ref.seed) == (
        "other",
        "mnli",
        2,
        7,
        None,
        None,
    )
    assert ref.config["model_type"] == "bert"
    assert describe(source_of(folder, init="random", seed=5)).seed == 5


@pytest.mark.parametrize(
    ("family", "positions"), [("roberta", 64), ("mpnet", 64), ("gpt2", 64), ("distilbert", 64)]
)
def test_positions_that_a_sequence_may_have(tmp_path, family, positions):
    assert describe(source_of(make_tiny_model(tmp_path, family))).max_positions == positions


def test_a_tokenizers_built_in_limits_do_not_count_but_its_words_do(folder):
    path = folder / "tokenizer.json"
    before = load_tokenizer(folder)
    definition = json.loads(path.read_text())
    definition["truncation"] = {
        "max_length": 8,
        "strategy": "LongestFirst",
        "stride": 0,
        "direction": "Right",
    }
    definition["padding"] = {
        "strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
        "pad_type_id": 0, "pad_token": "[PAD]",
    }  # fmt: skip
    path.write_text(json.dumps(definition))
    limited = load_tokenizer(folder)
    assert limited.sha256 == before.sha256
    assert len(limited.backend.encode("the cat sat on the mat " * 5)) == 32
    assert len(limited.backend.encode("the cat")) == 4
    definition["model"]["vocab"]["zebra"] = len(definition["model"]["vocab"])
    path.write_text(json.dumps(definition))
    assert load_tokenizer(folder).sha256 != before.sha256


def test_every_family_has_a_tokenizer_of_its_own(tmp_path):
    found = {
        load_tokenizer(make_tiny_model(tmp_path / family, family)).sha256
        for family in ("bert", "mpnet", "roberta", "gpt2", "llama")
    }
    assert len(found) == 5


def test_a_pinned_folder_is_its_whole_path(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert pin(source_of(folder.name, task="mnli")) == source_of(folder, task="mnli")


def test_a_hub_id_is_found_in_the_cache_and_pinned_to_its_commit(folder, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "home" / "hub" / "models--owner--tiny"
    shutil.copytree(folder, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    code = """
from actstore.capture.checkpoint import describe
from actstore.capture.source import CheckpointSource, pin
source = CheckpointSource(name="tiny", model="owner/tiny")
print(pin(source).revision, describe(source).trunk_sha256, describe(pin(source)).source)
"""
    env = {**os.environ, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.split() == [commit, trunk_of(folder), f"owner/tiny@{commit}"], done.stderr
