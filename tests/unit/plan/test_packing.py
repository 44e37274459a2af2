import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.plan.batching import batches, padding_waste
from actstore.plan.memory import blocks_per_shard, chunk_rows
from actstore.plan.packing import Packer, block_rows_for
from actstore.plan.sequences import SequenceIndex

lengths = st.lists(st.integers(1, 64), min_size=0, max_size=80)


@given(lengths)
def test_rows_follow_order_and_never_straddle_a_block(sizes: list[int]) -> None:
    first_rows, packer = Packer(64).pack(sizes)
    ends = first_rows + np.array(sizes, dtype=np.int64)
    assert (first_rows[1:] >= ends[:-1]).all()
    assert (first_rows // 64 == (ends - 1) // 64).all()
    assert packer.n_rows == (int(ends.max() - 1) // 64 + 1) * 64 if sizes else packer.n_rows == 0


def test_a_sequence_that_fills_its_block_exactly_stays_in_it() -> None:
    first_rows, packer = Packer(64).pack([30, 34, 64, 1])
    assert first_rows.tolist() == [0, 30, 64, 128]
    assert first_rows.dtype == np.int64
    assert (packer.next_row, packer.n_rows) == (129, 192)


@given(lengths, st.integers(0, 80))
def test_packing_in_two_parts_is_packing_at_once(sizes: list[int], cut: int) -> None:
    whole, _ = Packer(64).pack(sizes)
    first, packer = Packer(64).pack(sizes[:cut])
    second, _ = packer.pack(sizes[cut:])
    assert np.concatenate([first, second]).tolist() == whole.tolist()


@pytest.mark.parametrize("length", [0, 65])
def test_a_sequence_that_fits_no_block_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"{length} tokens"):
        Packer(64).pack([3, length])


@pytest.mark.parametrize(("longest", "rows"), [(128, 4096), (4096, 4096), (4097, 8192), (30000, 32768)])
def test_block_rows_hold_the_longest(longest: int, rows: int) -> None:
    assert block_rows_for(longest) == rows


@given(lengths.filter(bool), st.integers(1, 400))
def test_batches_hold_every_sequence_once_within_the_budget(sizes: list[int], budget: int) -> None:
    plan = batches(sizes, budget)
    assert sorted(position for batch in plan for position in batch) == list(range(len(sizes)))
    for batch in plan:
        padded = len(batch) * max(sizes[i] for i in batch)
        assert padded <= budget or len(batch) == 1
    assert 0 <= padding_waste(sizes, plan) < 1


def test_batches_put_like_lengths_together() -> None:
    sizes = [1, 50, 2, 49, 3, 48]
    assert batches(sizes, 150) == [[1, 3, 5], [4, 2, 0]]
    assert padding_waste(sizes, batches(sizes, 150)) < padding_waste(sizes, [[0, 1, 2], [3, 4, 5]])


def test_chunks_are_near_768_kib_and_shards_within_their_bounds() -> None:
    assert chunk_rows([768] * 13, 2, 4096) == 512
    assert chunk_rows([384] * 7, 2, 4096) == 1024
    assert chunk_rows([2**20], 4, 4096) == 1
    assert blocks_per_shard(10**9, 4096, [768] * 13, 2) == 4
    assert blocks_per_shard(20 * 4096, 4096, [384] * 7, 2) == 1
    assert blocks_per_shard(10**9, 4096, [8192] * 81, 2) == 1


@given(lengths.filter(bool))
def test_the_index_finds_rows_by_shard_and_by_example(sizes: list[int]) -> None:
    first_rows, packer = Packer(64).pack(sizes)
    example_S = np.arange(len(sizes))
    index = SequenceIndex(
        example_S=example_S, window_S=0 * example_S, first_row_S=first_rows, n_tokens_S=np.array(sizes)
    )
    expected = [
        row for first, size in zip(first_rows, sizes, strict=True) for row in range(first, first + size)
    ]
    assert index.rows().tolist() == expected
    shards = [index.within_rows(row, row + 128).rows().tolist() for row in range(0, packer.n_rows, 128)]
    assert [row for rows in shards for row in rows] == expected
    assert index.of_examples(0, 1).rows().tolist() == expected[: sizes[0]]
    assert len(index.without({0})) == len(sizes) - 1
