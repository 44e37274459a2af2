"""layer_norms: how long the vectors of each layer are, beside which the weights of a mix are to be read."""

import torch

from analyses.probes.scan.feed import Feed

ROWS_AT_ONCE = 8192


def layer_norms(feed: Feed) -> dict[int, float]:
    """Mean Euclidean length of the needed rows, by layer."""
    layers = feed.needed.layers
    total_L = torch.zeros(len(layers), dtype=torch.float64)
    for pool in feed.pools(0):
        for first in range(0, len(pool.rows.row_R), ROWS_AT_ONCE):
            part = pool.rows.value_LRD[:, first : first + ROWS_AT_ONCE]
            total_L += torch.linalg.vector_norm(part.float(), dim=-1).double().sum(dim=1)
    return dict(zip(layers, (total_L / feed.needed.n_rows).tolist(), strict=True))
