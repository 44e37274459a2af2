"""Batches of one shard: sequences of like length together, under a token budget.

A batch depends only on the lengths in its shard and on the budget, never on workers or on other shards: the
last bits of an activation depend on the batch's shape, so the same plan gives the same bytes.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BATCH_COST = 1 / 16
"""What a batch costs beside its padded tokens, as a share of the budget (benchmarks/extraction.py)."""


def batches(lengths: Sequence[int] | npt.NDArray[np.integer], tokens_per_batch: int) -> list[list[int]]:
    """Positions of the sequences of each batch, longest first: the cheapest cut of the sorted lengths.

    Cost: padded tokens (sequences x longest) plus a share of the budget for each batch. A batch's padded size
    stays within `tokens_per_batch`; a sequence that is longer alone has a batch of its own.
    """
    length_S = np.asarray(lengths, dtype=np.int64)
    order_S = np.argsort(-length_S, kind="stable")
    sorted_S = length_S[order_S]
    begin_S = _cheapest_begins(sorted_S, tokens_per_batch)
    out: list[list[int]] = []
    end = len(sorted_S)
    while end:
        first = int(begin_S[end - 1])
        out.append(order_S[first:end].tolist())
        end = first
    return out[::-1]


def _cheapest_begins(sorted_S: npt.NDArray[np.int64], budget: int) -> npt.NDArray[np.int64]:
    """Where the batch that ends with each sequence begins, in the cheapest cut up to there.

    Dynamic programming over the end of the last batch. The longest of a batch is its first sequence.
    """
    n = len(sorted_S)
    cost_N1 = np.zeros(n + 1)
    begin_S = np.zeros(n, dtype=np.int64)
    earliest = 0
    for end in range(1, n + 1):
        while (end - earliest) * sorted_S[earliest] > budget and earliest < end - 1:
            earliest += 1
        first_B = np.arange(earliest, end)
        padded_B = (end - first_B) * sorted_S[first_B]
        total_B = cost_N1[first_B] + padded_B
        best = int(total_B.argmin())
        begin_S[end - 1] = earliest + best
        cost_N1[end] = total_B[best] + BATCH_COST * budget
    return begin_S


def padding_waste(lengths: Sequence[int] | npt.NDArray[np.integer], plan: list[list[int]]) -> float:
    """Share of the padded tokens that are padding, 0 to 1."""
    lengths_S = np.asarray(lengths, dtype=np.int64)
    padded = sum(len(batch) * int(lengths_S[batch].max()) for batch in plan)
    return 1.0 - float(lengths_S.sum()) / padded if padded else 0.0
