"""Sizes: inner chunks, shards and the memory of a worker, computed before anything runs."""

from collections.abc import Sequence

CHUNK_BYTES = 768 << 10
OBJECT_BYTES = 96 << 20
"""Largest stored object."""
SHARD_BYTES = 512 << 20
"""Largest sum of a shard's objects: what a worker holds for each shard in hand."""
PARALLEL_SHARDS = 64
"""A run is cut into at least this many shards while it has the blocks, so that workers find work."""


def chunk_rows(widths: Sequence[int], item_bytes: int, block_rows: int) -> int:
    """Rows of an inner chunk: the power of two that brings the widest site's chunk nearest to 768 KiB."""
    fitting = max(1, CHUNK_BYTES // (max(widths) * item_bytes))
    return min(block_rows, 1 << (fitting.bit_length() - 1))


def blocks_per_shard(n_rows: int, block_rows: int, widths: Sequence[int], item_bytes: int) -> int:
    """Blocks of a shard, a power of two: bounded by object size, memory and the need for parallel work.

    Never depends on the number of workers: a shard's place is part of a run's identity.
    """
    widest = block_rows * max(widths) * item_bytes
    summed = block_rows * sum(widths) * item_bytes
    bounds = (
        OBJECT_BYTES // widest,
        SHARD_BYTES // summed,
        n_rows // block_rows // PARALLEL_SHARDS,
    )
    fitting = max(1, min(bounds))
    return 1 << (fitting.bit_length() - 1)


def worker_bytes(
    shard_rows: int, widths: Sequence[int], item_bytes: int, tokens_per_batch: int, in_hand: int
) -> int:
    """Upper bound of a worker's memory for activations, in bytes.

    Shards in hand as stored, one more copy of the widest site while it is laid out, and three batches of all
    sites in float32 (one computed, one waiting, one being cast, the last with three float64-sized temporaries
    of one site).
    """
    shard = shard_rows * sum(widths) * item_bytes
    encoding = in_hand * shard_rows * max(widths) * item_bytes
    batches = 3 * tokens_per_batch * sum(widths) * 4 + 3 * tokens_per_batch * max(widths) * 8
    return in_hand * shard + encoding + batches
