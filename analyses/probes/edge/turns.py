"""Turns: how many probes of a stack compute at once.

On a CPU one: a core is busy with one probe's products, and the last bits of a vectorised exp depend on
where in memory a number lies, so on what lies before it. On a GPU as many as fit in memory.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from analyses.probes.edge.batch import EdgeBatch
from analyses.probes.edge.network import Params, Shape, logits

PRODUCT_BYTES = 512 * 2**20
"""Of the products that are held at once."""
PRODUCTS_OF_A_NUMBER = 4
"""Tensors of a size that a step and its gradients hold, roughly."""


def turns(shape: Shape, batch: EdgeBatch, n_probes: int, most_bytes: int = PRODUCT_BYTES) -> Iterator[slice]:
    """Stretches of the probes."""
    if batch.value_LTD.device.type == "cpu":
        yield from (slice(probe, probe + 1) for probe in range(n_probes))
        return
    n_tokens, n_span_tokens = batch.value_LTD.shape[1], sum(len(one.token_Q) for one in batch.spans)
    numbers = n_tokens * (shape.width + shape.units * shape.n_spans) + n_span_tokens * shape.units
    numbers += batch.n_targets * (shape.units * (shape.n_spans + 3) + shape.n_labels)
    at_once = max(1, most_bytes // (4 * PRODUCTS_OF_A_NUMBER * max(1, numbers)))
    for first in range(0, n_probes, at_once):
        yield slice(first, min(first + at_once, n_probes))


def part(params: Params, probes: slice) -> Params:
    """The parameters of some probes, as leaves of their own graph."""
    return {name: value.detach()[probes].requires_grad_() for name, value in params.items()}


@torch.no_grad()
def predicted(params: Params, reads_PL: Tensor, shape: Shape, batch: EdgeBatch) -> Tensor:
    """Logits of every probe without dropout, [P, B, K]."""
    found = [
        logits({name: value[probes] for name, value in params.items()}, batch, reads_PL[probes], None)
        for probes in turns(shape, batch, len(reads_PL))
    ]
    return torch.cat(found)
