"""The bound of a worker's memory: what it grows with, and the largest case that is promised."""

from actstore.plan.memory import HEAP_BYTES, blocks_per_shard, worker_bytes
from actstore.plan.packing import block_rows_for

GIB = 1 << 30


def test_the_largest_case_that_is_promised() -> None:
    """One example of 2,048 tokens x 81 sites x 8,192 units in float16, bfloat16 computed: 32 GiB a worker."""
    block_rows, widths = block_rows_for(2048), [8192] * 81
    assert block_rows == 4096
    assert blocks_per_shard(10**9, block_rows, widths, 2) == 1
    shard_bytes = block_rows * sum(widths) * 2
    bound = worker_bytes(block_rows, widths, 2, 2048, 2, reduced=True)
    assert 2 * shard_bytes < bound < 32 * GIB


def test_bert_base_fits_a_small_worker() -> None:
    widths = [768] * 13
    shard_rows = 4096 * blocks_per_shard(10**9, 4096, widths, 2)
    assert worker_bytes(shard_rows, widths, 2, 1024, 2) < 1.5 * GIB


def test_it_grows_with_each_part() -> None:
    base = worker_bytes(4096, [64] * 3, 2, 1024, 2)
    assert base > HEAP_BYTES
    assert worker_bytes(8192, [64] * 3, 2, 1024, 2) > base
    assert worker_bytes(4096, [64] * 4, 2, 1024, 2) > base
    assert worker_bytes(4096, [64] * 3, 4, 1024, 2) > base
    assert worker_bytes(4096, [64] * 3, 2, 2048, 2) > base
    assert worker_bytes(4096, [64] * 3, 2, 1024, 3) > base
    assert worker_bytes(4096, [64] * 3, 2, 1024, 2, reduced=True) > base + HEAP_BYTES
