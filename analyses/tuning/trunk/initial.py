"""Random weights as BERT starts: truncated normal, drawn by NumPy so that no version of torch matters."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

SIGMA = 0.02
CUT = 2.0
"""Standard deviations beyond which a draw is drawn anew."""


def draw_weights(model: nn.Module, seed: int, sigma: float = SIGMA, kept: Collection[str] = ()) -> None:
    """Set parameters: norms 1, biases 0, all else truncated normal, in sorted order of names.

    Those named in `kept` stay as they are.
    """
    draws = np.random.default_rng(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters(), key=lambda item: item[0]):
            if name in kept:
                continue
            owner = type(model.get_submodule(name.rpartition(".")[0])).__name__
            if name.endswith("bias"):
                parameter.zero_()
            elif "Norm" in owner:
                parameter.fill_(1.0)
            else:
                values = sigma * truncated_normal(draws, parameter.numel())
                parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))


def truncated_normal(draws: np.random.Generator, n_values: int) -> npt.NDArray[np.float32]:
    """Standard normal values, none beyond CUT."""
    values = draws.standard_normal(n_values, dtype=np.float32)
    outside = np.flatnonzero(np.abs(values) > CUT)
    while len(outside):
        values[outside] = draws.standard_normal(len(outside), dtype=np.float32)
        outside = outside[np.abs(values[outside]) > CUT]
    return values
