"""The bound of a training's memory: what it grows with, and what it refuses."""

from dataclasses import replace

import pytest

from actstore.errors import CapacityError
from actstore.plan.cost import ModelSize
from jobs.training.memory import TrainSize, check_memory, training_bytes

BERT = ModelSize(n_layers=12, width=768, inner=3072, vocabulary=30522, gated=False)
NLI = TrainSize(
    task="mnli", model=BERT, n_heads=12, batch_size=32, accumulation=1, longest=128, n_tokens=10_000
)


def test_weights_gradients_and_moments_are_in_it() -> None:
    least = replace(NLI, batch_size=1, longest=8, n_tokens=100)
    assert training_bytes(least) > 16 * BERT.parameters
    assert training_bytes(least) < 5e9


def test_a_batch_in_parts_takes_its_part() -> None:
    whole, parts = training_bytes(NLI), training_bytes(replace(NLI, accumulation=8))
    assert whole - parts > 0.5 * whole
    assert parts == training_bytes(replace(NLI, batch_size=4))


@pytest.mark.parametrize(
    "larger",
    [{"batch_size": 64}, {"longest": 256}, {"n_tokens": 10**8}, {"activation": "gelu_new"},
     {"task": "dep"}, {"task": "mlm"}],
)  # fmt: skip
def test_what_it_grows_with(larger: dict[str, object]) -> None:
    assert training_bytes(replace(NLI, **larger)) > training_bytes(NLI)  # type: ignore[arg-type]


def test_frozen_layers_have_neither_gradients_nor_moments() -> None:
    heads = training_bytes(replace(NLI, frozen_layers=12))
    assert heads < training_bytes(replace(NLI, frozen_layers=0)) < training_bytes(NLI)


def test_what_no_worker_can_hold_is_refused() -> None:
    check_memory("nli", 2 * 10**9, 4 * 10**9)
    with pytest.raises(CapacityError, match=r"'nli' takes up to 4\.1 GB .* 4\.0 GB; raise accumulation"):
        check_memory("nli", 3 * 10**9, 4 * 10**9)
