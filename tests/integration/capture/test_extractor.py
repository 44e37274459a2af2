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
from actstore.capture.hooks import find_layers
from actstore.capture.initial import truncated_normal
from actstore.capture.model import load_model
from actstore.capture.selfcheck import check_hooks
from actstore.capture.sites import choose_sites
from actstore.capture.source import CheckpointSource, resolve
from actstore.errors import ModelError, NotYetError, RequestError
from actstore.schema.tokens import TokenBatch
from tests.support.tiny_models import FAMILIES, N_LAYERS, WIDTH, make_tiny_model

LENGTHS = (3, 17, 9, 30, 1, 17)
GOLDEN_DRAWS = [1.7291036, -1.4284534, 1.0277448, 1.8820691]
ALL = tuple(f"L{layer:02d}" for layer in range(N_LAYERS + 1))


def make_sequences(lengths=LENGTHS, seed=0):
    rng = np.random.default_rng(seed)
    return [(rng.integers(5, 390, n), np.sort(rng.integers(0, 2, n))) for n in lengths]


def make_batch(sequences):
    return TokenBatch(
        token_id_T=np.concatenate([ids for ids, _ in sequences]).astype(np.int32),
        segment_T=np.concatenate([types for _, types in sequences]).astype(np.int8),
        offset_N1=np.cumsum([0, *(len(ids) for ids, _ in sequences)]),
    )


def source_of(folder: Path, **options) -> CheckpointSource:
    return CheckpointSource(name="tiny", model=str(folder), **options)


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


def test_random_initialisation_is_seeded_and_is_not_the_weights(tmp_path):
    folder = make_tiny_model(tmp_path, "bert")
    (folder / "model.safetensors").unlink()
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    batch = make_batch(make_sequences())
    one, again, other = (
        load_extractor(source_of(folder, init="random", seed=seed), ALL, device="cpu").forward(batch)
        for seed in (1, 1, 2)
    )
    assert torch.equal(before, torch.random.get_rng_state())
    np.testing.assert_array_equal(one["L03"], again["L03"])
    assert np.abs(one["L03"] - other["L03"]).max() > 0.1


def test_random_weights_have_the_stated_spread(tmp_path):
    folder = make_tiny_model(tmp_path, "bert", initializer_range=0.05)
    source = source_of(folder, init="random", seed=3)
    state = load_model(source, resolve(source), torch.float32, "sdpa").state_dict()
    words = state["embeddings.word_embeddings.weight"]
    assert abs(float(words.std()) - 0.05 * 0.8796) < 0.002  # of a normal that is cut at two deviations
    assert float(words.abs().max()) <= 0.1
    assert state["embeddings.LayerNorm.weight"].eq(1).all()
    assert state["encoder.layer.0.attention.self.query.bias"].eq(0).all()
    assert float(words[0, 0]) == pytest.approx(float(state["embeddings.word_embeddings.weight"][0, 0]))


def test_what_is_drawn_is_pinned_as_it_is_part_of_identity():
    drawn = truncated_normal(np.random.Generator(np.random.PCG64(1)), 1000)
    np.testing.assert_allclose(drawn[:4], GOLDEN_DRAWS, atol=1e-6)
    assert float(np.abs(drawn).max()) <= 2
    assert abs(float(drawn.std()) - 0.88) < 0.03


def test_an_unlisted_family_with_one_list_of_layers_works(tmp_path):
    import transformers

    settings = {"vocab_size": 400, "hidden_size": 32, "n_layer": 3, "n_head": 4, "pad_token_id": 3}
    model = transformers.BloomModel(transformers.BloomConfig(**settings)).eval()
    tokenizer = make_tiny_model(tmp_path, "gpt2")
    model.save_pretrained(tokenizer)
    ref = describe(source_of(tmp_path))
    assert (ref.family, ref.n_layers, ref.width) == ("bloom", 3, 32)
    values = load_extractor(source_of(tmp_path), ["L00", "L02"], device="cpu").forward(
        make_batch(make_sequences())
    )
    ids, _ = make_sequences()[1]
    with torch.no_grad():
        states = model(torch.tensor(ids)[None], output_hidden_states=True).hidden_states
    np.testing.assert_allclose(values["L02"][3:20], states[2][0].numpy(), atol=1e-5)


def test_a_family_whose_layers_are_ambiguous_is_refused(tmp_path):
    import transformers

    folder = make_tiny_model(tmp_path, "gpt2")
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 32, "num_layers": 4, "num_heads": 2}
    transformers.T5Model(transformers.T5Config(vocab_size=400, **sizes)).save_pretrained(folder)
    with pytest.raises(ModelError, match="2 lists of 4 modules"):
        load_extractor(source_of(folder), ["L01"], device="cpu")


@pytest.fixture
def loaded(tmp_path):
    folder = make_tiny_model(tmp_path, "llama")
    model = load_model(source_of(folder), folder, torch.float32, "sdpa")
    return model, find_layers(model, family_of("llama"), N_LAYERS)[1]


def test_hooks_on_the_wrong_modules_are_refused(loaded):
    model, layers = loaded
    assert check_hooks(model, layers, family_of("llama"), ["L01"]) == {"L01": WIDTH}
    with pytest.raises(ModelError, match="site L00"):
        check_hooks(model, layers[::-1], family_of("llama"), ["L01"])


def test_a_model_that_writes_into_its_own_layers_output_is_refused(loaded):
    model, layers = loaded
    layers[2].register_forward_pre_hook(lambda _module, args: (args[0].mul_(2.0),))
    with pytest.raises(ModelError, match="site L02"):
        check_hooks(model, layers, family_of("llama"), ["L01"])


class TestRefusals:
    def test_weights_of_another_shape(self, tmp_path):
        folder = make_tiny_model(tmp_path / "bert", "bert")
        other = make_tiny_model(tmp_path / "wide", "bert", intermediate_size=96)
        (other / "model.safetensors").replace(folder / "model.safetensors")
        with pytest.raises(ModelError, match=r"do not belong together|can not be loaded"):
            load_extractor(source_of(folder), ["L01"], device="cpu")

    def test_weights_with_a_layer_less_than_the_configuration(self, tmp_path):
        folder = make_tiny_model(tmp_path / "bert", "bert")
        other = make_tiny_model(tmp_path / "low", "bert", num_hidden_layers=2)
        (other / "model.safetensors").replace(folder / "model.safetensors")
        with pytest.raises(ModelError, match="lack or misfit"):
            load_extractor(source_of(folder), ["L01"], device="cpu")

    def test_tokens_and_lengths_without_an_embedding(self, extractor):
        with pytest.raises(ModelError, match="token ids up to 400"):
            extractor.forward(make_batch([(np.array([400]), np.array([0]))]))
        with pytest.raises(ModelError, match="65 tokens is longer than the model's 64"):
            extractor.forward(make_batch([(np.full(65, 7), np.zeros(65))]))

    @pytest.mark.parametrize(
        ("sites", "error"),
        [(["L04"], ModelError), (["final"], ModelError), (["pooled"], NotYetError), (["x"], RequestError)],
    )
    def test_sites_that_a_bert_of_three_layers_has_not(self, tmp_path, sites, error):
        with pytest.raises(error):
            load_extractor(source_of(make_tiny_model(tmp_path, "bert")), sites, device="cpu")

    def test_options(self, tmp_path):
        source = source_of(make_tiny_model(tmp_path, "bert"))
        for option in ({"compute_dtype": "int8"}, {"attention": "flash"}, {"device": "tpu"}):
            with pytest.raises(RequestError, match="allowed are"):
                load_extractor(source, ["L01"], **option)

    def test_closed(self, tmp_path):
        loaded = load_extractor(source_of(make_tiny_model(tmp_path, "bert")), ["L01"], device="cpu")
        loaded.close()
        with pytest.raises(ModelError, match="closed"):
            loaded.forward(make_batch(make_sequences()))
