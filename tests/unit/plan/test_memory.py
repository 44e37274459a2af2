"""The bound of a worker's memory: what it grows with, and the largest case that is promised."""

import pytest

from actstore.plan.memory import (
    HEAP_BYTES,
    blocks_per_shard,
    chunk_rows,
    opens_ahead,
    worker_bytes,
)
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
    assert worker_bytes(4096, [64] * 3, 2, 1024, 2, n_sequences=10**6) == base + 96 * 10**6


def test_the_bound_by_hand() -> None:
    """Two shards of 10 rows x (3 + 5) float16, each with its widest site once more; batches of 7 tokens."""
    shards = 2 * (10 * 8 * 2) + 2 * 10 * 5 * 2
    activations = 3 * 7 * 8 * 4
    temporaries = 3 * 7 * 5 * 8
    layer = 16 * 7 * 5 * 4
    heap = 256 * 2**20
    assert worker_bytes(10, [3, 5], 2, 7, 2) == shards + activations + temporaries + layer + heap
    assert worker_bytes(10, [3, 5], 2, 7, 2, reduced=True) == (
        shards + activations + temporaries + 2 * (layer + heap)
    )


@pytest.mark.parametrize(
    ("width", "item_bytes", "rows"),
    [
        (384, 2, 1024),
        (383, 2, 1024),
        (385, 2, 512),
        (768, 1, 1024),
        (2, 2, 4096),
        (1 << 19, 2, 1),
        (1 << 21, 4, 1),
        (196_609, 2, 1),
        (196_608, 2, 2),
    ],
)
def test_a_chunk_is_at_most_768_kib_and_a_power_of_two_rows(width: int, item_bytes: int, rows: int) -> None:
    assert chunk_rows([1, width], item_bytes, 4096) == rows


@pytest.mark.parametrize(
    ("n_rows", "widths", "blocks"),
    [
        (1 << 40, [3072], 4),  # an object of 96 MiB
        (1 << 40, [3073], 2),
        (1 << 40, [1, 3073], 2),
        (1 << 40, [2048] * 32, 1),  # a shard of 512 MiB
        (1 << 40, [1024] * 32, 2),
        (1 << 40, [1025] * 32, 1),
        (4096 * 64 * 2, [8], 2),  # 64 shards for the workers
        (4096 * 64 * 2 - 1, [8], 1),
        (4096, [8], 1),
        (0, [8], 1),
    ],
)
def test_a_shard_is_as_large_as_all_three_bounds_allow(n_rows: int, widths: list[int], blocks: int) -> None:
    assert blocks_per_shard(n_rows, 4096, widths, 2) == blocks


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
    share = GIB + work_bytes + more  # a gibibyte for the libraries
    assert opens_ahead(share, work_bytes, models, "float32", 0.0) is opens


def test_never_beside_on_a_gpu_or_where_the_default_dtype_changes() -> None:
    share, models = 1000 * GIB, [GIB, GIB]
    assert opens_ahead(share, GIB, models, "float32", 0.0)
    assert not opens_ahead(share, GIB, models, "float32", 1.0)
    assert not opens_ahead(share, GIB, models, "bfloat16", 0.0)
