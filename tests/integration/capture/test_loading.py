"""What loading a checkpoint does: random weights, unlisted families, the self-check, and what is refused."""

import numpy as np
import pytest
import torch

from actstore.capture.checkpoint import describe
from actstore.capture.extractor import load_extractor
from actstore.capture.families import family_of
from actstore.capture.hooks import find_layers
from actstore.capture.initial import truncated_normal
from actstore.capture.model import load_model
from actstore.capture.selfcheck import check_hooks
from actstore.capture.source import resolve
from actstore.errors import ModelError, NotYetError, RequestError
from tests.support.batches import ALL, make_batch, make_sequences, source_of
from tests.support.tiny_models import N_LAYERS, WIDTH, make_tiny_model

GOLDEN_DRAWS = [1.7291036, -1.4284534, 1.0277448, 1.8820691]


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


def test_weights_of_another_shape(tmp_path):
    folder = make_tiny_model(tmp_path / "bert", "bert")
    other = make_tiny_model(tmp_path / "wide", "bert", intermediate_size=96)
    (other / "model.safetensors").replace(folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"do not belong together|can not be loaded"):
        load_extractor(source_of(folder), ["L01"], device="cpu")


def test_weights_with_a_layer_less_than_the_configuration(tmp_path):
    folder = make_tiny_model(tmp_path / "bert", "bert")
    other = make_tiny_model(tmp_path / "low", "bert", num_hidden_layers=2)
    (other / "model.safetensors").replace(folder / "model.safetensors")
    with pytest.raises(ModelError, match="lack or misfit"):
        load_extractor(source_of(folder), ["L01"], device="cpu")


def test_tokens_and_lengths_without_an_embedding(tmp_path):
    extractor = load_extractor(source_of(make_tiny_model(tmp_path, "gpt2")), ["L01"], device="cpu")
    with pytest.raises(ModelError, match="token ids up to 400"):
        extractor.forward(make_batch([(np.array([400]), np.array([0]))]))
    with pytest.raises(ModelError, match="65 tokens is longer than the model's 64"):
        extractor.forward(make_batch([(np.full(65, 7), np.zeros(65))]))


@pytest.mark.parametrize(
    ("sites", "error"),
    [(["L04"], ModelError), (["final"], ModelError), (["pooled"], NotYetError), (["x"], RequestError)],
)
def test_sites_that_a_bert_of_three_layers_has_not(tmp_path, sites, error):
    with pytest.raises(error):
        load_extractor(source_of(make_tiny_model(tmp_path, "bert")), sites, device="cpu")


def test_options(tmp_path):
    source = source_of(make_tiny_model(tmp_path, "bert"))
    for option in ({"compute_dtype": "int8"}, {"attention": "flash"}, {"device": "tpu"}):
        with pytest.raises(RequestError, match="allowed are"):
            load_extractor(source, ["L01"], **option)


def test_closed(tmp_path):
    loaded = load_extractor(source_of(make_tiny_model(tmp_path, "bert")), ["L01"], device="cpu")
    loaded.close()
    with pytest.raises(ModelError, match="closed"):
        loaded.forward(make_batch(make_sequences()))
