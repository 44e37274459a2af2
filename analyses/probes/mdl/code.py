"""Codes: description lengths of labels from the losses of probes. Pure numbers; losses are in nats.

The released evaluation of Voita and Titov adds the bits of the first block to the nats of the others, and
calls the variational code's nats bits; `units = "voita2020"` does so too, to compare with their tables. There
a "kbit" is 1,024 bits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actstore.errors import RequestError

FRACTIONS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.0625, 0.125, 0.25, 0.5, 1.0)
"""Ends of the blocks, as shares of the training sentences."""
UNITS = ("bits", "voita2020")
ORDER_STREAM = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLength:
    """How long a code is, against one that knows nothing; in the unit it was asked in."""

    uniform_bits: float
    codelength_bits: float
    data_bits: float
    """What the labels take with the final probe."""

    @property
    def model_bits(self) -> float:
        """What the probe takes: the rest."""
        return self.codelength_bits - self.data_bits

    @property
    def compression(self) -> float:
        """Uniform over code length: higher is easier to tell."""
        return self.uniform_bits / self.codelength_bits


def block_ends(n_sentences: int, fractions: Sequence[float] = FRACTIONS) -> tuple[int, ...]:
    """Ends of the blocks in sentences, ascending; blocks that would be empty are left out."""
    ends = sorted({math.floor(fraction * n_sentences) for fraction in fractions} - {0})
    if not ends:
        raise RequestError("an online code needs training sentences; there are none")
    return tuple(ends)


def sentence_order(n_sentences: int, seed: int) -> npt.NDArray[np.int64]:
    """The one shuffle that blocks are cut from."""
    return np.random.default_rng([seed, ORDER_STREAM]).permutation(n_sentences)


def bits_a_target(n_labels: int, *, multi_label: bool) -> float:
    """Of a code that knows nothing: log2 K for one label of K, K for any number of K labels."""
    return float(n_labels) if multi_label else math.log2(n_labels)


def online_code(
    n_targets_of_block: Sequence[int],
    next_block_nats: Sequence[float],
    *,
    target_bits: float,
    all_data_nats: float,
    units: str = "bits",
) -> CodeLength:
    """The prequential code: the first block uniformly, each later one by the probe of all before it.

    `next_block_nats[i]`: the loss, summed over the targets of block i + 1, of the probe trained on blocks 0
    to i. `all_data_nats`: the loss of the last probe on all training targets.
    """
    scale = _scale(units)
    return CodeLength(
        uniform_bits=sum(n_targets_of_block) * target_bits,
        codelength_bits=n_targets_of_block[0] * target_bits + sum(next_block_nats) * scale,
        data_bits=all_data_nats * scale,
    )


def variational_code(
    *, n_targets: int, target_bits: float, kl_nats: float, data_nats: float, units: str = "bits"
) -> CodeLength:
    """The Bayesian code: divergence of the probe's posterior from its prior, and the labels by its means."""
    scale = _scale(units)
    return CodeLength(
        uniform_bits=n_targets * target_bits,
        codelength_bits=(kl_nats + data_nats) * scale,
        data_bits=data_nats * scale,
    )


def _scale(units: str) -> float:
    if units not in UNITS:
        raise RequestError(f"units = {units!r}; allowed are {', '.join(UNITS)}")
    return 1.0 if units == "voita2020" else 1 / math.log(2)
