"""Batches of one shard: sequences of like length together, under a token budget.

A batch depends only on the lengths in its shard and on the budget, never on workers or on other shards: the
last bits of an activation depend on the batch's shape, so the same plan gives the same bytes.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def batches(lengths: Sequence[int] | npt.NDArray[np.integer], tokens_per_batch: int) -> list[list[int]]:
    """Positions of the sequences of each batch, longest first.

    A batch's padded size (sequences x longest) stays within `tokens_per_batch`; a sequence that is longer
    alone has a batch of its own.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    out: list[list[int]] = []
    longest = 0
    for position in order.tolist():
        if out and (len(out[-1]) + 1) * longest <= tokens_per_batch:
            out[-1].append(position)
        else:
            longest = int(lengths[position])
            out.append([position])
    return out


def padding_waste(lengths: Sequence[int] | npt.NDArray[np.integer], plan: list[list[int]]) -> float:
    """Share of the padded tokens that are padding, 0 to 1."""
    lengths_S = np.asarray(lengths, dtype=np.int64)
    padded = sum(len(batch) * int(lengths_S[batch].max()) for batch in plan)
    return 1.0 - float(lengths_S.sum()) / padded if padded else 0.0
