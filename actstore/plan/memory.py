"""Sizes: inner chunks, shards and the memory of a worker, computed before anything runs."""

from collections.abc import Sequence

CHUNK_BYTES = 768 << 10
OBJECT_BYTES = 96 << 20
"""Largest stored object."""
SHARD_BYTES = 512 << 20
"""Largest sum of a shard's objects: what a worker holds for each shard in hand."""
PARALLEL_SHARDS = 64
"""A run is cut into at least this many shards while it has the blocks, so that workers find work."""
LIBRARIES_BYTES = 1 << 30
"""A worker with Python, torch, transformers and the store's libraries loaded holds less."""
SEQUENCE_BYTES = 96
"""Of a sequence while its place is read: 64 to 81 measured, of which 32 stay."""


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


HEAP_BYTES = 256 << 20
"""What libraries keep for themselves while models run: caches of kernels, and pages of freed blocks."""
FORWARD_UNITS = 16
"""Values of one token alive within a layer, in multiples of its width: input, queries, keys, values, what
attention gives, and both sides of a feed-forward of four times the width."""
BATCHES = 3
"""Batches whose activations are in memory: one computed, one waiting, one being cast."""


def worker_bytes(
    shard_rows: int,
    widths: Sequence[int],
    item_bytes: int,
    batch_tokens: int,
    in_hand: int,
    *,
    reduced: bool = False,
    n_sequences: int = 0,
) -> int:
    """Upper bound of what extraction adds to a worker that has its libraries and its model loaded, in bytes.

    Shards in hand as stored, and for each one more copy of its widest site while it is laid out; three
    batches of all sites in float32, with three float64-sized temporaries of one site; a layer's own values;
    where each of the corpus's `n_sequences` lies; what the allocator and the libraries keep. `batch_tokens`:
    padded tokens of the largest batch. `reduced`: computed in less than float32, which libraries do by way of
    float32 copies. Fused attention is assumed:
    `eager` adds heads x longest sequence x batch_tokens x 8.
    """
    shard = shard_rows * sum(widths) * item_bytes
    encoding = in_hand * shard_rows * max(widths) * item_bytes
    batches = BATCHES * batch_tokens * sum(widths) * 4 + 3 * batch_tokens * max(widths) * 8
    forward = FORWARD_UNITS * batch_tokens * max(widths) * 4
    index = n_sequences * SEQUENCE_BYTES
    return in_hand * shard + encoding + batches + index + (2 if reduced else 1) * (forward + HEAP_BYTES)


def opens_ahead(
    share_bytes: int, work_bytes: int, model_bytes: Sequence[int], compute_dtype: str, gpus: float
) -> bool:
    """Whether a worker may load its next checkpoint while it computes with the one before.

    `share_bytes`: memory that a worker has; `work_bytes`: what extraction adds (`worker_bytes`);
    `model_bytes`: weights of the checkpoints, of which the two largest are there at once. Not on a GPU, whose
    memory is not known before a worker is there. Not in less than float32: while a model is built its dtype
    is the whole process's default, and a forward beside it may give other values.
    """
    if gpus or compute_dtype != "float32" or len(model_bytes) < 2:
        return False
    models = sum(sorted(model_bytes)[-2:])
    return LIBRARIES_BYTES + work_bytes + models <= share_bytes
