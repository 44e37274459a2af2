"""The trunk: training from stored activations is training the whole model with its first layers frozen."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from actstore.errors import ModelError, RequestError
from analyses.tuning.batch import Batch
from analyses.tuning.trunk.build import build_trunk, checkpoint_name
from analyses.tuning.trunk.families import REFUSED, trunk_family
from analyses.tuning.trunk.spec import TrunkSpec
from tests.support.tiny_models import N_LAYERS, make_tiny_model

FAMILIES = ("bert", "roberta", "distilbert", "gpt2", "gpt_neox", "llama")
LENGTHS = (9, 5, 2)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {family: make_tiny_model(tmp_path_factory.mktemp(family), family) for family in FAMILIES}


def batch_of(values=None, seed=0) -> Batch:
    """Three sequences of different lengths; token ids, or the values given."""
    draws = np.random.default_rng(seed)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    ids = torch.from_numpy(draws.integers(5, 300, mask.shape)) * mask
    segments = (torch.arange(max(LENGTHS)) > 2).long() * mask
    return Batch(
        sequence_N=np.arange(3), token_id_NS=ids if values is None else None, value_NSD=values,
        segment_NS=segments, mask_NS=mask, padded=True, target={}, n_targets=3,
    )  # fmt: skip


def hidden_of(folder, batch) -> list[torch.Tensor]:
    """What the library's own model gives after the embeddings and after every layer, before a final norm."""
    model = AutoModel.from_pretrained(folder).eval()
    family = trunk_family(model.config.model_type)
    taken = []
    layers = model.get_submodule(family.layers)
    layers[0].register_forward_pre_hook(
        lambda _m, args, kwargs: taken.append(args[0] if args else kwargs["hidden_states"]), with_kwargs=True
    )
    for layer in layers:
        layer.register_forward_hook(
            lambda _m, _a, output: taken.append(output[0] if isinstance(output, tuple) else output)
        )
    types = {"token_type_ids": batch.segment_NS} if family.takes_segments else {}
    with torch.no_grad():
        model(batch.token_id_NS, attention_mask=batch.mask_NS.long(), **types)
    return taken


def gradients(trunk, batch) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss, and gradients by the names of the whole model: a fixed function of the tokens."""
    value = trunk(batch)
    weights = torch.from_numpy(np.random.default_rng(1).standard_normal(value.shape, dtype=np.float32))
    loss = ((value * weights).sin() * batch.mask_NS[..., None]).mean()
    loss.backward()
    found = {name: p.grad for name, p in trunk.model.named_parameters() if p.grad is not None}
    first = trunk.n_frozen if trunk.starts_from_store else 0
    return loss.item(), {checkpoint_name(name, trunk.family, first): value for name, value in found.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_whole_trunk_is_the_librarys_model(folders, family):
    batch = batch_of()
    trunk = build_trunk(TrunkSpec(folder=folders[family])).eval()
    assert torch.equal(trunk(batch)[batch.mask_NS], hidden_of(folders[family], batch)[-1][batch.mask_NS])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("frozen", range(N_LAYERS))
def test_gradients_from_stored_activations_are_those_of_the_frozen_model(folders, family, frozen):
    batch = batch_of()
    stored = hidden_of(folders[family], batch)[frozen] * batch.mask_NS[..., None]
    spec = TrunkSpec(folder=folders[family], n_frozen=frozen, dropout=0.0)
    loss, found = gradients(build_trunk(spec).train(), batch_of(stored))
    whole = TrunkSpec(folder=folders[family], n_frozen=frozen, dropout=0.0, from_store=False)
    expected_loss, expected = gradients(build_trunk(whole).train(), batch)
    assert set(found) == set(expected)
    assert any(grad.abs().max() > 1e-5 for grad in expected.values())
    assert loss == pytest.approx(expected_loss, abs=1e-7)
    for name, grad in expected.items():
        torch.testing.assert_close(found[name], grad, atol=1e-6, rtol=0, msg=name)


@pytest.mark.parametrize("family", FAMILIES)
def test_float16_storage_changes_gradients_by_its_rounding(folders, family):
    batch = batch_of()
    stored = hidden_of(folders[family], batch)[1] * batch.mask_NS[..., None]
    spec = TrunkSpec(folder=folders[family], n_frozen=1, dropout=0.0)
    _, expected = gradients(build_trunk(spec).eval(), batch_of(stored))
    _, found = gradients(build_trunk(spec).eval(), batch_of(stored.half().float()))
    largest = max(float(grad.abs().max()) for grad in expected.values())
    off = max(float((found[name] - grad).abs().max()) for name, grad in expected.items())
    assert 0 < off < 5e-3 * largest


@pytest.mark.parametrize("family", FAMILIES)
def test_frozen_layers_are_neither_built_nor_loaded(folders, family, tmp_path):
    tensors = load_file(folders[family] / "model.safetensors")
    lead = trunk_family(family).layers
    above = {n: v for n, v in tensors.items() if f"{lead}.2." in n or "norm." in n or "ln_f" in n}
    save_file(above, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_bytes((folders[family] / "config.json").read_bytes())
    batch = batch_of()
    hidden = hidden_of(folders[family], batch)
    trunk = build_trunk(TrunkSpec(folder=tmp_path, n_frozen=2)).eval()
    assert torch.equal(trunk(batch_of(hidden[2]))[batch.mask_NS], hidden[3][batch.mask_NS])
    assert trunk.embedding is None
    with pytest.raises(ModelError, match="the weights lack"):
        build_trunk(TrunkSpec(folder=tmp_path))


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama"])
def test_truncation(folders, family):
    batch = batch_of()
    hidden = hidden_of(folders[family], batch)
    for kept in range(N_LAYERS + 1):
        trunk = build_trunk(TrunkSpec(folder=folders[family], keep_layers=kept)).eval()
        assert torch.equal(trunk(batch)[batch.mask_NS], hidden[kept][batch.mask_NS])
    both = build_trunk(TrunkSpec(folder=folders[family], keep_layers=2, n_frozen=1)).eval()
    assert torch.equal(both(batch_of(hidden[1]))[batch.mask_NS], hidden[2][batch.mask_NS])
    top = build_trunk(TrunkSpec(folder=folders[family], keep_layers=2, n_frozen=2))
    assert torch.equal(top(batch_of(hidden[2])), hidden[2])
    assert not any(True for _ in top.parameters())


def test_nothing_below_the_cut_is_dropped_or_trained(folders):
    spec = TrunkSpec(folder=folders["bert"], n_frozen=2, from_store=False, dropout=0.9)
    trunk = build_trunk(spec).train()
    layers = trunk.model.get_submodule("encoder.layer")
    assert [any(m.training for m in layer.modules()) for layer in layers] == [False, False, True]
    assert not trunk.model.embeddings.dropout.training
    names = {name.split(".")[2] for name, value in trunk.model.named_parameters() if value.requires_grad}
    assert names == {"2"}
    assert trunk.model.encoder.layer[2].output.dropout.p == 0.9


def test_random_weights_need_a_configuration_alone(folders, tmp_path):
    (tmp_path / "config.json").write_bytes((folders["bert"] / "config.json").read_bytes())
    spec = TrunkSpec(folder=tmp_path, random_seed=1)
    expected = build_trunk(TrunkSpec(folder=folders["bert"], random_seed=1)).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in build_trunk(spec).state_dict().items())


def test_random_weights_follow_the_seed_and_not_the_state_of_torch(folders):
    def weights(seed):
        torch.rand(seed)  # another state of torch each time
        return build_trunk(TrunkSpec(folder=folders["bert"], random_seed=seed)).state_dict()

    first, again, other = weights(1), weights(1), weights(2)
    name = "model.encoder.layer.0.output.dense.weight"
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], other[name])
    assert first[name].abs().max() <= 2 * 0.2  # the tiny models' range, cut at two standard deviations
    assert first["model.encoder.layer.0.output.LayerNorm.weight"].unique().tolist() == [1.0]


@pytest.mark.parametrize("model_type", [*REFUSED, "mamba"])
def test_families_that_can_not_start_from_a_layer_are_refused(tmp_path, model_type):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    with pytest.raises(ModelError, match=f"model type '{model_type}' can not be trained .* allowed are bert"):
        build_trunk(TrunkSpec(folder=tmp_path))


def test_the_reason_of_a_refusal_is_told():
    for name, reason in (("albert", "share one set"), ("t5", "layer 1"), ("deberta-v2", "relative")):
        with pytest.raises(ModelError, match=reason):
            trunk_family(name)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"keep_layers": 4}, "keep_layers = 4; allowed are 0 to 3"),
        ({"n_frozen": 4}, "n_frozen = 4; allowed are 0 to 3"),
        ({"n_frozen": 2, "keep_layers": 1}, "n_frozen = 2; allowed are 0 to 1"),
        ({"n_frozen": 0, "random_seed": 1}, "can not be frozen"),
    ],
)
def test_impossible_cuts(folders, given, message):
    with pytest.raises(RequestError, match=message):
        build_trunk(TrunkSpec(folder=folders["bert"], **given))


def test_old_names_parts_and_what_is_missing(folders, tmp_path):
    (tmp_path / "config.json").write_bytes((folders["bert"] / "config.json").read_bytes())
    with pytest.raises(ModelError, match="reads safetensors only"):
        build_trunk(TrunkSpec(folder=tmp_path))
    tensors = load_file(folders["bert"] / "model.safetensors")
    renamed = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    old = {}
    for name, value in tensors.items():
        for new, early in renamed.items():
            name = name.replace(new, early)  # noqa: PLW2901
        old[f"bert.{name}"] = value
    names = sorted(old)
    parts = {"a.safetensors": names[:20], "b.safetensors": names[20:]}
    for file, mine in parts.items():
        save_file({name: old[name] for name in mine}, tmp_path / file)
    index = {"weight_map": {name: file for file, mine in parts.items() for name in mine}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    batch = batch_of()
    expected = build_trunk(TrunkSpec(folder=folders["bert"])).eval()(batch)
    assert torch.equal(build_trunk(TrunkSpec(folder=tmp_path)).eval()(batch), expected)
    (tmp_path / "b.safetensors").write_bytes(b"short")
    with pytest.raises(ModelError, match="damaged weights"):
        build_trunk(TrunkSpec(folder=tmp_path))
