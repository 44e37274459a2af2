"""Activations equal a plain Hugging Face forward of each text alone, for every family."""

import itertools
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel

from actstore.capture.checkpoint import describe
from actstore.capture.extractor import TorchExtractor, load_extractor
from actstore.capture.families import family_of
from actstore.capture.sites import choose_sites
from tests.support.batches import ALL, LENGTHS, make_batch, make_sequences, source_of
from tests.support.tiny_models import FAMILIES, WIDTH, make_tiny_model


def plain_forward(folder: Path, ids, types):
    """One text without padding; hidden states, the last layer before any final norm, and the last state."""
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    listed = family_of(model.config.model_type)
    raw = []
    last_layer = model.get_submodule(listed.layers)[-1]
    last_layer.register_forward_hook(
        lambda _m, _a, out: raw.append(out[0] if isinstance(out, tuple) else out)
    )
    inputs = {"input_ids": torch.tensor(ids)[None]}
    if listed.takes_segments:
        inputs["token_type_ids"] = torch.tensor(types)[None]
    with torch.no_grad():
        output = model(**inputs, output_hidden_states=True)
    states = [*output.hidden_states[:-1], raw[0]]
    return [state[0].numpy() for state in states], output.last_hidden_state[0].numpy()


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request, tmp_path_factory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def extractor(folder) -> TorchExtractor:
    ref = describe(source_of(folder))
    final = ["final"] if family_of(ref.family).final_norm else []
    return load_extractor(source_of(folder), [*choose_sites("all", ref), *final], device="cpu")


def test_a_padded_batch_gives_what_each_text_gives_alone(folder, extractor):
    sequences = make_sequences()
    values = extractor.forward(make_batch(sequences))
    offsets = np.cumsum([0, *LENGTHS])
    for position, (ids, types) in enumerate(sequences):
        states, last = plain_forward(folder, ids, types)
        mine = slice(offsets[position], offsets[position + 1])
        for site, expected in zip(ALL, states, strict=True):
            np.testing.assert_allclose(values[site][mine], expected, atol=1e-5, err_msg=site)
        if "final" in values:
            np.testing.assert_allclose(values["final"][mine], last, atol=1e-5)
            assert np.abs(values["final"][mine] - states[-1]).max() > 0.01
        else:
            np.testing.assert_allclose(states[-1], last, atol=1e-6)


def test_output_is_packed_float32_of_the_promised_sites_and_widths(extractor):
    values = extractor.forward(make_batch(make_sequences()))
    assert tuple(values) == extractor.info.sites
    for site, width in zip(extractor.info.sites, extractor.info.widths, strict=True):
        assert values[site].shape == (sum(LENGTHS), width)
        assert values[site].dtype == np.float32


def test_layers_differ_so_that_a_site_off_by_one_would_be_seen(extractor):
    values = extractor.forward(make_batch(make_sequences()))
    for low, high in itertools.pairwise(ALL):
        assert np.abs(values[low] - values[high]).max() > 0.01


def test_the_company_in_a_batch_changes_nothing_but_last_bits(extractor):
    sequences = make_sequences()
    together = extractor.forward(make_batch(sequences))
    pairs = [extractor.forward(make_batch(sequences[i : i + 2])) for i in range(0, len(sequences), 2)]
    for site in ALL:
        np.testing.assert_allclose(together[site], np.concatenate([pair[site] for pair in pairs]), atol=1e-5)


def test_a_batch_without_padding_equals_one_with(extractor):
    sequences = make_sequences((8, 8))
    even = extractor.forward(make_batch(sequences))
    uneven = extractor.forward(make_batch([*sequences, *make_sequences((12,), seed=1)]))
    for site in ALL:
        np.testing.assert_allclose(even[site], uneven[site][:16], atol=1e-5)


def test_results_stay_when_the_next_batch_runs(extractor):
    first = extractor.forward(make_batch(make_sequences((8, 8))))
    kept = {site: value.copy() for site, value in first.items()}
    extractor.forward(make_batch(make_sequences((8, 8), seed=5)))
    for site in ALL:
        np.testing.assert_array_equal(first[site], kept[site])


def test_segments_matter_only_where_the_family_takes_them(folder, extractor):
    ids = make_sequences((9,))[0][0]
    one, two = (extractor.forward(make_batch([(ids, np.full(9, kind))])) for kind in (0, 1))
    takes = family_of(describe(source_of(folder)).family).takes_segments
    assert (np.abs(one["L00"] - two["L00"]).max() > 0) == takes


def test_parts_of_layers_add_up_where_norms_come_first(tmp_path):
    folder = make_tiny_model(tmp_path, "llama")
    loaded = load_extractor(source_of(folder), ["L01", "L02", "L02.attn", "L02.mlp"], device="cpu")
    values = loaded.forward(make_batch(make_sequences()))
    total = values["L01"] + values["L02.attn"] + values["L02.mlp"]
    np.testing.assert_allclose(total, values["L02"], atol=1e-5)


def test_parts_of_layers_are_there_in_every_family(folder):
    loaded = load_extractor(source_of(folder), ["L01.attn", "L03.mlp"], device="cpu")
    values = loaded.forward(make_batch(make_sequences()))
    assert loaded.info.widths == (WIDTH, WIDTH)
    assert np.abs(values["L01.attn"] - values["L03.mlp"]).max() > 0


@pytest.mark.parametrize("sites", [["L00"], ["L01"], ["L02", "L00"]])
def test_fewer_sites_give_the_same_values(folder, extractor, sites):
    batch = make_batch(make_sequences())
    values = load_extractor(source_of(folder), sites, device="cpu").forward(batch)
    everything = extractor.forward(batch)
    assert tuple(values) == tuple(sorted(sites))
    for site in sites:
        np.testing.assert_array_equal(values[site], everything[site])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_low_precision_comes_as_float32_near_the_full_one(folder, extractor, dtype):
    batch = make_batch(make_sequences())
    values = load_extractor(source_of(folder), ALL, compute_dtype=dtype, device="cpu").forward(batch)
    exact = extractor.forward(batch)
    for site in ALL:
        assert values[site].dtype == np.float32
        difference = np.abs(values[site] - exact[site])
        assert 0 < difference.mean() < 0.05
    assert values["L00"].max() == torch.tensor(values["L00"].max()).to(getattr(torch, dtype)).float()


def test_two_threads_share_one_extractor(extractor):
    batches = [make_batch(make_sequences(seed=seed)) for seed in range(4)]
    expected = [extractor.forward(batch)["L03"] for batch in batches]
    found = [None] * 4

    def work(position):
        found[position] = extractor.forward(batches[position])["L03"]

    threads = [threading.Thread(target=work, args=(position,)) for position in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_environment_names_what_may_change_last_bits(extractor):
    assert set(extractor.info.environment) == {
        "torch", "transformers", "device", "cpu_capability", "threads", "attention", "compute_dtype"
    }  # fmt: skip


def test_old_names_of_norms_load_with_the_same_values(tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = make_tiny_model(tmp_path / "new", "bert")
    old = make_tiny_model(tmp_path / "old", "bert")
    tensors = load_file(old / "model.safetensors")
    renamed = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in tensors.items()
    }
    save_file(renamed, old / "model.safetensors", metadata={"format": "pt"})
    batch = make_batch(make_sequences())
    new_values, old_values = (
        load_extractor(source_of(path), ALL, device="cpu").forward(batch) for path in (folder, old)
    )
    for site in ALL:
        np.testing.assert_array_equal(new_values[site], old_values[site])
    assert describe(source_of(folder)).trunk_sha256 == describe(source_of(old)).trunk_sha256
