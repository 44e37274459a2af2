"""Random initialisation that does not depend on the version of torch: the Randomized baseline."""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

CUT = 2.0
"""Standard deviations at which a normal draw is cut and drawn anew, as BERT's initialiser does."""


def draw_weights(model: nn.Module, seed: int, sigma: float) -> None:
    """Set every parameter: norms 1, biases 0, all else truncated normal, in sorted order of names.

    What is drawn is part of identity: a change here raises identity.INIT_VERSION.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name in sorted(parameters):
            owner = type(model.get_submodule(name.rpartition(".")[0])).__name__
            parameter = parameters[name]
            if name.endswith("bias"):
                parameter.zero_()
            elif "Norm" in owner:
                parameter.fill_(1.0)
            else:
                values = sigma * truncated_normal(generator, parameter.numel())
                parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))


def truncated_normal(generator: np.random.Generator, n_values: int) -> npt.NDArray[np.float32]:
    """Standard normal draws, those beyond CUT drawn again until none is."""
    values = generator.standard_normal(n_values, dtype=np.float32)
    outside = np.flatnonzero(np.abs(values) > CUT)
    while len(outside):
        values[outside] = generator.standard_normal(len(outside), dtype=np.float32)
        outside = outside[np.abs(values[outside]) > CUT]
    return values
