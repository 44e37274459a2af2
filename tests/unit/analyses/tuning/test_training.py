"""The loop: batches, accumulation, interruption, early steps, precision."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from actstore.errors import PrecisionError, RequestError, StorageError
from analyses.tuning.batch import make_batch
from analyses.tuning.batches import epoch_batches, parts, scoring_batches
from analyses.tuning.build import build_model
from analyses.tuning.features import ArrayActivations
from analyses.tuning.scoring import score
from analyses.tuning.settings import TrainSettings
from analyses.tuning.state import read_state, write_state
from analyses.tuning.tasks.registry import task_of
from analyses.tuning.training import Training
from analyses.tuning.trunk.spec import TrunkSpec
from tests.support.tiny_models import make_tiny_model
from tests.support.tuning_tables import pair, tables_of

NOUNS = ("cat", "dog", "model", "mat", "language", "worker", "token", "does", "story")
LABELS = ("entailment", "neutral", "contradiction")
SETTINGS = TrainSettings(epochs=3, learning_rate=1e-3, batch_size=4, save_steps=(1, 4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("base"), "bert")


@pytest.fixture(scope="module")
def data(folder):
    pairs = [pair(f"The {a} sat on the {b}.", f"A {b} " * (1 + i % 4), LABELS[i % 3])
             for i, (a, b) in enumerate(zip(NOUNS, NOUNS[1:] + NOUNS[:1], strict=True))]  # fmt: skip
    return task_of("mnli").data(tables_of(pairs, folder))


def training(folder, data, settings=SETTINGS, state=None, spec=None, activations=None):
    spec = spec or TrunkSpec(folder=folder)
    model = build_model(spec, task_of("mnli"), data, settings)
    return Training(model, data, settings, state=state, activations=activations)


def weights(run) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in run.model.named_parameters()}


def same(first, second) -> bool:
    return set(first) == set(second) and all(torch.equal(first[name], second[name]) for name in first)


def test_batches_hold_every_sequence_once_and_are_of_like_lengths():
    length_S = np.random.default_rng(0).integers(3, 120, 5000)
    batches = epoch_batches(length_S, 32, seed=1, epoch=0)
    assert sorted(np.concatenate(batches)) == list(range(5000))
    assert sorted(map(len, batches))[:2] == [5000 % 32, 32]
    padded = sum(length_S[b].max() * len(b) for b in batches) / length_S.sum()
    assert padded < 1.05
    again, other = epoch_batches(length_S, 32, 1, 0), epoch_batches(length_S, 32, 1, 1)
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))
    assert not np.array_equal(batches[0], other[0])
    scored = scoring_batches(length_S, 1000)
    assert sorted(np.concatenate(scored)) == list(range(5000))
    assert max(length_S[b].max() * len(b) for b in scored) <= 1000
    assert [len(part) for part in parts(np.arange(3), 5)] == [1, 1, 1]


def test_the_same_seed_gives_the_same_weights_whatever_torch_drew_before(folder, data):
    first = training(folder, data)
    losses = [step.loss for step in first]
    torch.rand(1000)
    second = training(folder, data)
    assert losses == [step.loss for step in second]
    assert same(weights(first), weights(second))
    other = training(folder, data, replace(SETTINGS, seed=1))
    assert losses != [step.loss for step in other]


@pytest.mark.parametrize("stop", [1, 3, 4, 7])
def test_an_interrupted_training_ends_with_the_same_weights_bit_for_bit(folder, data, tmp_path, stop):
    whole = training(folder, data)
    expected = list(whole)
    first = training(folder, data)
    for step in first:
        if step.step == stop:
            break
    write_state(tmp_path / "state", first.state())
    torch.rand(7)
    second = training(folder, data, state=read_state(tmp_path / "state"))
    assert second.steps_done == stop
    assert list(second) == expected[stop:]
    assert same(weights(whole), weights(second))


def test_scoring_between_steps_changes_nothing(folder, data):
    plain, scored = training(folder, data), training(folder, data)
    expected = list(plain)
    found = []
    for step in scored:
        found.append(step)
        score(scored.model, task_of("mnli"), data)
    assert found == expected
    assert same(weights(plain), weights(scored))


def test_a_state_does_not_change_with_the_training_it_was_taken_of(folder, data):
    run = training(folder, data)
    steps = iter(run)
    next(steps)
    state = run.state()
    before = {name: value.clone() for name, value in state.tensors.items()}
    next(steps)
    assert all(torch.equal(value, before[name]) for name, value in state.tensors.items())


def test_steps_epochs_and_chosen_checkpoints(folder, data):
    run = training(folder, data)
    steps = list(run)
    assert (run.steps_per_epoch, run.n_steps) == (3, 9)
    assert [step.step for step in steps if step.epoch_ended] == [3, 6, 9]
    assert [step.step for step in steps if step.save_due] == [1, 4]
    assert [step.epoch for step in steps] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    per_epoch = data.features.length_S.sum()
    assert [sum(s.n_tokens for s in steps if s.epoch == epoch) for epoch in range(3)] == [per_epoch] * 3
    short = training(folder, data, replace(SETTINGS, max_steps=4))
    ended = [step.step for step in short if step.epoch_ended]
    assert (short.n_steps, ended) == (4, [3, 4])
    assert list(short) == []


def test_accumulation_gives_the_gradients_of_the_whole_batch(folder, data):
    settings = replace(SETTINGS, dropout=0.0, head_dropout=0.0, epochs=1, warmup=0.0)
    whole = training(folder, data, settings)
    parted = training(folder, data, replace(settings, accumulation=3))
    for one, other in zip(whole, parted, strict=True):
        assert other.loss == pytest.approx(one.loss, rel=1e-4)
        assert other.gradient_norm == pytest.approx(one.gradient_norm, rel=1e-3)
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(parted)[name], value, atol=2e-4, rtol=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_steps_from_the_store_are_those_of_the_model_with_frozen_layers(folder, data, dtype):
    settings = replace(SETTINGS, dropout=0.0, head_dropout=0.0, learning_rate=1e-4)
    frozen = training(folder, data, settings, spec=TrunkSpec(folder=folder, n_frozen=2, from_store=False))
    value_RD = np.full((int(data.features.row_T.max()) + 1, 32), np.nan, dtype=dtype)
    below = build_model(TrunkSpec(folder=folder, keep_layers=2), task_of("mnli"), data, settings).eval()
    every = np.arange(data.features.n_sequences)
    batch = make_batch(data, every, np.random.default_rng(0), torch.device("cpu"))
    with torch.no_grad():
        value_RD[data.features.row_T[data.features.tokens_of(every)]] = below.trunk(batch)[batch.mask_NS]
    stored = training(
        folder, data, settings, spec=TrunkSpec(folder=folder, n_frozen=2),
        activations=ArrayActivations(value_RD),
    )  # fmt: skip
    tolerance = {np.float32: 1e-5, np.float16: 2e-3}[dtype]
    for one, other in zip(frozen, stored, strict=True):
        assert other.loss == pytest.approx(one.loss, abs=tolerance)
    trained = weights(stored)
    assert {name.split(".")[4] for name in trained if name.startswith("trunk.model.encoder")} == {"0"}
    for name, value in trained.items():
        whole = weights(frozen)[name.replace("encoder.layer.0", "encoder.layer.2")]
        torch.testing.assert_close(value, whole, atol=20 * tolerance, rtol=0)


def test_a_state_of_another_training_is_refused(folder, data, tmp_path):
    run = training(folder, data)
    next(iter(run))
    state = run.state()
    with pytest.raises(RequestError, match=r"learning_rate = 0.001, asked is 0.002"):
        training(folder, data, replace(SETTINGS, learning_rate=2e-3), state=state)
    with pytest.raises(RequestError, match="another model"):
        training(folder, data, state=state, spec=TrunkSpec(folder=folder, keep_layers=1))
    training(folder, data, replace(SETTINGS, save_steps=()), state=state)
    write_state(tmp_path / "state", state)
    whole = (tmp_path / "state").read_bytes()
    (tmp_path / "state").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StorageError, match="no whole state"):
        read_state(tmp_path / "state")


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_passes_in_fewer_bits_keep_float32_weights(folder, data, precision):
    settings = replace(SETTINGS, precision=precision, epochs=1, dropout=0.0, head_dropout=0.0)
    run = training(folder, data, settings)
    losses = [step.loss for step in run]
    exact = [step.loss for step in training(folder, data, replace(settings, precision="float32"))]
    assert losses != exact
    assert losses == pytest.approx(exact, rel=0.05)
    assert {value.dtype for value in weights(run).values()} == {torch.float32}
    assert ("scale" in run.state().loss_scale) == (precision == "float16")


def test_a_loss_that_is_not_finite_ends_the_training(folder, data):
    run = training(folder, data)
    with torch.no_grad():
        run.model.head.classifier.bias[0] = torch.nan
    with pytest.raises(PrecisionError, match=r"at step 1; lower learning_rate = 0\.001"):
        next(iter(run))


def test_scores_do_not_depend_on_the_batches(folder, data):
    run = training(folder, data)
    small, large = (score(run.model, task_of("mnli"), data, tokens_per_batch=tokens) for tokens in (20, 4000))
    assert small.metrics == large.metrics
    assert small.predictions.equals(large.predictions)
    assert run.model.training is False
