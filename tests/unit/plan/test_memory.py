"""The bound of a worker's memory: what it grows with, and the largest case that is promised."""

import pytest

from actstore.plan.memory import HEAP_BYTES, LIBRARIES_BYTES, blocks_per_shard, opens_ahead, worker_bytes
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


@pytest.mark.parametrize(
    ("models", "more", "opens"),
    [
        ([GIB, 2 * GIB, 3 * GIB], 5 * GIB, True),  # the two largest
        ([GIB, 2 * GIB, 3 * GIB], 5 * GIB - 1, False),
        ([GIB], 100 * GIB, False),  # there is no next one
        ([], 100 * GIB, False),
    ],
)
def test_the_next_checkpoint_is_loaded_beside_where_both_fit(
    models: list[int], more: int, opens: bool
) -> None:
    work_bytes = 7 * GIB
    share = LIBRARIES_BYTES + work_bytes + more
    assert opens_ahead(share, work_bytes, models, "float32", 0.0) is opens


def test_never_beside_on_a_gpu_or_where_the_default_dtype_changes() -> None:
    share, models = 1000 * GIB, [GIB, GIB]
    assert opens_ahead(share, GIB, models, "float32", 0.0)
    assert not opens_ahead(share, GIB, models, "float32", 1.0)
    assert not opens_ahead(share, GIB, models, "bfloat16", 0.0)
