"""Which sites a checkpoint has, and the table of families."""

import subprocess
import sys

import pytest

from actstore.capture.config import canonical_config, max_positions, n_layers, width
from actstore.capture.families import FAMILIES, family_of
from actstore.capture.identity import canonical_name
from actstore.capture.sites import choose_sites
from actstore.capture.tokenize import check_max_length, default_max_length
from actstore.errors import ModelError, NotYetError, RequestError
from actstore.schema.refs import CheckpointRef
from actstore.schema.tokens import TokenSettings


def ref_of(family="bert", n_layers=12, max_positions=512):
    return CheckpointRef(
        name="one", trunk_sha256="", tokenizer_sha256="", family=family, n_layers=n_layers, width=8,
        max_positions=max_positions, source="",
    )  # fmt: skip


def test_all_sites_are_embeddings_and_layers():
    assert choose_sites("all", ref_of(n_layers=2)) == ("L00", "L01", "L02")


def test_chosen_sites_come_once_and_in_the_models_order():
    chosen = choose_sites(["final", "L10", "L02.mlp", "L02", "L02.attn", "L10"], ref_of("gpt2"))
    assert chosen == ("L02", "L02.attn", "L02.mlp", "L10", "final")


@pytest.mark.parametrize(
    ("sites", "family", "error", "message"),
    [
        (["L13"], "bert", ModelError, "12 layers; allowed are L00"),
        (["L00.attn"], "bert", ModelError, "allowed are L00"),
        (["final"], "bert", ModelError, "take L12"),
        (["L01.attn"], "bloom", ModelError, "is not listed"),
        (["pooled"], "bert", NotYetError, "not built yet"),
        (["layer3"], "bert", RequestError, "allowed are L00"),
        ([], "bert", ModelError, "at least one"),
        ("L01", "bert", ModelError, "a list like"),
    ],
)
def test_a_site_that_is_not_there_is_refused(sites, family, error, message):
    with pytest.raises(error, match=message):
        choose_sites(sites, ref_of(family))


def test_no_model_type_is_of_two_families():
    types = [name for family in FAMILIES for name in family.model_types]
    assert len(types) == len(set(types))
    assert all(family_of(name) is not None for name in types)


@pytest.mark.parametrize(
    ("model_type", "name", "expected"),
    [
        ("bert", "bert.encoder.layer.0.output.LayerNorm.gamma", "encoder.layer.0.output.LayerNorm.weight"),
        ("bert", "embeddings.LayerNorm.beta", "embeddings.LayerNorm.bias"),
        ("bert", "cls.predictions.decoder.weight", None),
        ("bert", "bert.pooler.dense.weight", None),
        ("bert", "bert.embeddings.position_ids", None),
        ("gpt2", "transformer.h.0.attn.bias", None),
        ("gpt2", "h.0.attn.c_attn.bias", "h.0.attn.c_attn.bias"),
        ("gpt_neox", "gpt_neox.layers.1.attention.masked_bias", None),
        ("gpt_neox", "embed_out.weight", None),
        ("llama", "model.layers.3.self_attn.rotary_emb.inv_freq", None),
        ("llama", "lm_head.weight", None),
        ("llama", "model.norm.weight", "norm.weight"),
        ("mystery", "lm_head.weight", "lm_head.weight"),
    ],
)
def test_canonical_names_of_tensors(model_type, name, expected):
    assert canonical_name(name, family_of(model_type)) == expected


def test_sizes_under_their_own_names():
    gpt2 = {"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_positions": 1024}
    assert (n_layers(gpt2), width(gpt2), max_positions(gpt2)) == (12, 768, 1024)
    roberta = {"model_type": "roberta", "max_position_embeddings": 514}
    assert max_positions(roberta) == 512
    assert max_positions({"model_type": "bloom"}) is None
    with pytest.raises(ModelError, match="no num_hidden_layers"):
        n_layers({"model_type": "bert"})


def test_a_default_counts_only_where_it_is_not_the_default():
    plain = {"model_type": "bert", "num_attention_heads": 12}
    assert canonical_config({**plain, "is_decoder": False, "vocab": None, "dtype": "float16"}) == plain
    assert canonical_config({**plain, "is_decoder": True}) != plain
    assert canonical_config(plain, initial=True) != canonical_config(
        {**plain, "initializer_range": 0.1}, initial=True
    )


def test_limits_of_a_checkpoint():
    assert default_max_length(ref_of(max_positions=128)) == 128
    assert (
        default_max_length(ref_of(max_positions=2048))
        == default_max_length(ref_of(max_positions=None))
        == 512
    )
    check_max_length(TokenSettings(max_length=128), ref_of(max_positions=128))
    check_max_length(TokenSettings(max_length=9999), ref_of(max_positions=None))
    with pytest.raises(ModelError, match="129 is more than the 128 positions"):
        check_max_length(TokenSettings(max_length=129), ref_of(max_positions=128))


def test_none_of_this_loads_torch():
    code = "import sys, actstore.capture.checkpoint, actstore.capture.tokenize as _; "
    code += "assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
