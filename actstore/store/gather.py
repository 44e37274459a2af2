"""Gather: rows in any order from the mapped files of many shards, each row moved as one item.

Whole rows as items are several times faster in NumPy than values of two or four bytes, and what can be
computed for all rows at once is not computed for each shard. Knows no precision: rows go out as stored.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.store.shardfile import ShardFile

Rows = npt.NDArray[np.int64]


def by_shard(row_T: Rows, shard_rows: int) -> Iterator[tuple[int, Rows]]:
    """(shard, positions in `row_T` of the rows it holds, in their order)."""
    shard_T = row_T // shard_rows
    order_T, bounds = _grouped(shard_T)
    for begin, end in pairwise(bounds):
        yield int(shard_T[order_T[begin]]), order_T[begin:end]


def gather_rows(
    files: Callable[[int], ShardFile], row_T: Rows, shard_rows: int, chunk_rows: int, out: npt.NDArray[Any]
) -> None:
    """out[:] = rows `row_T` of a run, unchecked; `out` [T, D] is contiguous and in the stored dtype."""
    shard_T, local_T = np.divmod(row_T, shard_rows)
    order_T, bounds = _grouped(shard_T)
    chunk_T, within_T = np.divmod(local_T[order_T], chunk_rows)
    item = np.dtype((np.void, int(np.prod(out.shape[1:])) * out.itemsize))
    items = out.view(np.uint8).reshape(-1).view(item)
    for begin, end in pairwise(bounds):
        file = files(int(shard_T[order_T[begin]]))
        items.put(order_T[begin:end], file.items(chunk_T[begin:end], within_T[begin:end]))


def _grouped(shard_T: Rows) -> tuple[Rows, list[int]]:
    """The order that brings equal numbers together, and where in it each begins, and its end."""
    # NumPy sorts integers of 16 bits by radix, in a fraction of the time.
    small = shard_T.astype(np.min_scalar_type(int(shard_T.max(initial=0))))
    order_T = np.argsort(small, kind="stable")
    bounds = np.flatnonzero(np.diff(shard_T[order_T], prepend=-1)).tolist()
    return order_T, [*bounds, len(order_T)]
