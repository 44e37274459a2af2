"""A model spread over several GPUs: the same code on a machine without any, and what it needs."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from actstore.capture.extractor import load_extractor
from actstore.errors import ModelError
from tests.support.batches import ALL, make_batch, make_sequences, source_of
from tests.support.tiny_models import make_tiny_model

HAS_ACCELERATE = importlib.util.find_spec("accelerate") is not None


@pytest.mark.skipif(not HAS_ACCELERATE, reason="accelerate is not installed")
@pytest.mark.parametrize("family", ["bert", "llama"])
def test_a_spread_model_gives_the_same_activations(tmp_path: Path, family: str) -> None:
    source, batch = source_of(make_tiny_model(tmp_path, family)), make_batch(make_sequences())
    whole = load_extractor(source, ALL, device="cpu").forward(batch)
    spread = load_extractor(source, ALL, device="cpu", n_gpus=2).forward(batch)
    for site in ALL:
        np.testing.assert_array_equal(whole[site], spread[site])


@pytest.mark.skipif(HAS_ACCELERATE, reason="accelerate is installed")
def test_without_accelerate_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="pip install accelerate"):
        load_extractor(source_of(make_tiny_model(tmp_path, "bert")), ALL, n_gpus=2)


def test_a_random_initialisation_is_not_spread(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="leave out gpus_per_worker"):
        load_extractor(source_of(make_tiny_model(tmp_path, "bert"), init="random"), ALL, n_gpus=2)
