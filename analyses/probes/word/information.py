"""Usable information: what a probe's family can tell of labels from vectors, in bits (Xu et al. 2020). Pure.

I_V(R -> Y) = H_V(Y) - H_V(Y | R), of held-out cross-entropies; it may be negative where a probe over-fits,
and is told as it is. Given a baseline B, it is H_V(Y | [B, 0]) - H_V(Y | [B, R]) (Hewitt et al. 2021).
"""

import math

import numpy as np
import numpy.typing as npt


def entropy_bits(nats: float, n_words: int) -> float:
    """Cross-entropy a word, in bits, from a sum in nats."""
    return nats / n_words / math.log(2)


def entropy_of(probability_V: npt.NDArray[np.float64]) -> float:
    """Predictive entropy in bits of the probabilities that a probe gives the labels of words."""
    return float(-np.log2(probability_V).mean())


def usable_bits(without_bits: float, with_bits: float) -> float:
    """What a word's vector adds: the entropy without it less the entropy with it."""
    return without_bits - with_bits
