"""Description lengths: the fixtures, blocks, units, what is predicted by nothing and by everything."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.errors import RequestError
from analyses.probes.mdl.code import (
    FRACTIONS,
    bits_a_target,
    block_ends,
    online_code,
    sentence_order,
    variational_code,
)

LN2 = math.log(2)


def test_add_one_counts_of_the_prefix() -> None:
    """Fixture of methods.md 5.5: labels [0, 0, 1, 0] x 256 and the counts of what came before as a probe."""
    labels = [0, 0, 1, 0] * 256
    ends = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    nats = []
    for first, end in pairwise(ends):
        share = (sum(labels[:first]) + 1) / (first + 2)
        nats.append(-sum(math.log(share if label else 1 - share) for label in labels[first:end]))
    code = online_code(
        np.diff([0, *ends]).tolist(), nats, target_bits=bits_a_target(2, multi_label=False), all_data_nats=0
    )
    assert code.codelength_bits == pytest.approx(831.7676213, abs=1e-7)
    assert (code.uniform_bits, code.compression) == (1024, pytest.approx(1.2311131, abs=1e-7))


@given(st.integers(2, 60), st.lists(st.integers(1, 500), min_size=2, max_size=11))
def test_a_probe_that_knows_nothing_compresses_by_one(n_labels: int, blocks: list[int]) -> None:
    nats = [n * math.log(n_labels) for n in blocks[1:]]
    bits = bits_a_target(n_labels, multi_label=False)
    code = online_code(blocks, nats, target_bits=bits, all_data_nats=sum(blocks) * math.log(n_labels))
    assert code.compression == pytest.approx(1)
    assert code.model_bits == pytest.approx(0, abs=1e-6)


def test_a_perfect_probe_pays_for_the_first_block() -> None:
    ends = block_ends(10_000)
    code = online_code(np.diff([0, *ends]).tolist(), [0.0] * 10, target_bits=5.0, all_data_nats=0)
    assert code.codelength_bits == 50
    assert code.compression == pytest.approx(1000)


def test_blocks_are_those_of_the_paper() -> None:
    assert len(FRACTIONS) == 11
    assert block_ends(12_544) == (12, 25, 50, 100, 200, 401, 784, 1568, 3136, 6272, 12544)
    assert block_ends(100) == (1, 3, 6, 12, 25, 50, 100)
    assert block_ends(1) == (1,)
    with pytest.raises(RequestError, match="training sentences"):
        block_ends(0)


def test_units_of_the_released_evaluation() -> None:
    """Its sum is of bits and nats; ours of bits alone. 96.02 kbit and 53.06 of the paper's first table."""
    blocks, nats = [950, 949_078], [97_000.0]
    bits = bits_a_target(45, multi_label=False)
    mixed = online_code(blocks, nats, target_bits=bits, all_data_nats=50_000, units="voita2020")
    right = online_code(blocks, nats, target_bits=bits, all_data_nats=50_000)
    assert mixed.codelength_bits == pytest.approx(950 * bits + 97_000)
    assert right.codelength_bits == pytest.approx(950 * bits + 97_000 / LN2)
    assert mixed.uniform_bits == right.uniform_bits == pytest.approx(5_217_414.2, abs=0.1)
    assert right.uniform_bits / 1024 == pytest.approx(5095.1, abs=0.05)
    told = online_code([1, 1], [96.02 * 1024], target_bits=0, all_data_nats=0, units="voita2020")
    assert right.uniform_bits / told.codelength_bits == pytest.approx(53.06, abs=0.005)
    with pytest.raises(RequestError, match="allowed are bits, voita2020"):
        online_code(blocks, nats, target_bits=bits, all_data_nats=0, units="nats")


def test_the_variational_code_in_both_units() -> None:
    told = {"n_targets": 100, "target_bits": 3.0, "kl_nats": 40.0, "data_nats": 20.0}
    code = variational_code(**told)
    assert (code.uniform_bits, code.codelength_bits) == (300, pytest.approx(60 / LN2))
    assert code.model_bits == pytest.approx(40 / LN2)
    assert variational_code(**told, units="voita2020").codelength_bits == 60


def test_several_labels_are_a_bit_each() -> None:
    assert bits_a_target(18, multi_label=True) == 18
    assert bits_a_target(16, multi_label=False) == 4


def test_one_shuffle_decides_the_blocks() -> None:
    first, again, other = (sentence_order(50, seed).tolist() for seed in (0, 0, 1))
    assert first == again != other
    assert sorted(first) == list(range(50))
