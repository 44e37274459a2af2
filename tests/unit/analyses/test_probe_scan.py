"""The shared scan: rows held or streamed in pools are the source's; every example comes once an epoch."""

import numpy as np
import pytest
import torch

from actstore.errors import WorkError
from analyses.probes.scan.feed import Feed, Needed
from analyses.probes.scan.pools import LEAST_STRETCHES, Layout, deal, n_pools_for, pools_of_splits, stretches
from tests.support.array_source import ArraySource

CPU = torch.device("cpu")
LENGTH, N_EXAMPLES, WIDTH = 5, 200, 4
ROW_BYTES = WIDTH * 2


def source() -> ArraySource:
    rng = np.random.default_rng(0)
    values = {f"L{layer:02d}": rng.normal(size=(LENGTH * N_EXAMPLES, WIDTH)) for layer in range(3)}
    return ArraySource.of({"run": values}, LENGTH)


def needed() -> Needed:
    """Two of the five rows of each example but every tenth, at two layers."""
    example_R = np.repeat([at for at in range(N_EXAMPLES) if at % 10], 2)
    row_R = example_R * LENGTH + np.tile([1, 3], len(example_R) // 2)
    return Needed(run_id="run", layers=(0, 2), row_R=row_R, example_R=example_R)


def feed(kept_bytes: int, seed: int = 0) -> tuple[ArraySource, Feed]:
    there = source()
    return there, Feed(there, needed(), layout(kept_bytes), seed)


def layout(kept_bytes: int) -> Layout:
    """All examples of the corpus, whatever is needed of them."""
    n_pools = n_pools_for(LENGTH * N_EXAMPLES * 2 * ROW_BYTES, kept_bytes)
    return Layout(example_N=np.arange(N_EXAMPLES), n_rows_N=np.full(N_EXAMPLES, LENGTH), n_pools=n_pools)


def test_what_fits_is_read_once_and_only_what_is_needed() -> None:
    there, kept = feed(10**9)
    for epoch in range(3):
        (pool,) = kept.pools(epoch)
        assert pool.rows.n_bytes == needed().n_rows * 2 * ROW_BYTES
    assert dict(there.read) == {("run", "L00"): needed().n_rows, ("run", "L02"): needed().n_rows}
    row_T = np.array([8, 16, 993])
    expected = np.stack([there.values["run"][site][row_T] for site in ("L00", "L02")]).astype(np.float32)
    assert np.array_equal(pool.rows.batch(row_T, CPU).numpy(), expected)


def test_streamed_pools_hold_every_example_once_within_the_bound() -> None:
    kept_bytes = needed().n_rows * 2 * ROW_BYTES // 2
    there, streamed = feed(kept_bytes)
    assert streamed.is_streamed
    seen = []
    for pool in streamed.pools(0):
        assert 2 * pool.rows.n_bytes <= kept_bytes
        for example in pool.example_N[pool.example_N % 10 > 0]:
            row_T = example * LENGTH + np.array([1, 3])
            assert np.array_equal(
                pool.rows.batch(row_T, CPU)[1].numpy(), there.values["run"]["L02"][row_T].astype(np.float32)
            )
        seen.extend(pool.example_N.tolist())
    assert sorted(seen) == list(range(N_EXAMPLES))
    assert there.read["run", "L00"] == needed().n_rows


def test_members_of_a_pool_are_places_in_a_set() -> None:
    _, streamed = feed(2000)
    mine = np.array([3, 11, 12, 99, 198])
    found = [pool.members(mine) for pool in streamed.pools(1)]
    assert sorted(np.concatenate(found).tolist()) == [0, 1, 2, 3, 4]


def test_pools_differ_by_epoch_and_seed_and_are_the_same_again() -> None:
    def pools(seed: int, epoch: int) -> list[list[int]]:
        return [pool.example_N.tolist() for pool in feed(2000, seed)[1].pools(epoch)]

    assert pools(0, 0) == pools(0, 0)
    assert pools(0, 0) != pools(0, 1)
    assert pools(0, 0) != pools(1, 0)


def test_neighbours_part_as_the_module_says() -> None:
    """k of m stretches in a pool: neighbours always share one, far examples in k / m of epochs."""
    n_pools = 4
    cut = stretches(np.full(4096, 2), n_pools)
    assert len(cut) == n_pools * LEAST_STRETCHES
    assert np.array_equal(np.concatenate(cut), np.arange(4096))
    together = near = 0
    for epoch in range(400):
        where = np.empty(4096, dtype=int)
        for number, example_N in enumerate(deal(cut, n_pools, 0, epoch)):
            where[example_N] = number
        near += where[0] == where[1]
        together += where[0] == where[4095]
    assert near == 400
    assert together / 400 == pytest.approx(1 / n_pools, abs=0.07)


def test_few_and_empty_examples_are_cut() -> None:
    assert [part.tolist() for part in stretches(np.array([7]), 3)] == [[0]]
    assert [part.tolist() for part in stretches(np.array([2, 0, 2]), 3)] == [[0], [1, 2]]
    assert n_pools_for(100, 100) == 1
    assert n_pools_for(101, 100) == 3
    assert pools_of_splits({"train": 60, "dev": 20, "test": 20}, 100) == {"train": 1, "dev": 1, "test": 1}
    assert pools_of_splits({"train": 60, "dev": 20, "test": 30}, 100) == {"train": 3, "dev": 1, "test": 3}


def test_what_is_asked_of_a_pool_does_not_change_it() -> None:
    def pools(examples: list[int]) -> list[list[int]]:
        example_R = np.array(examples)
        one = Needed(run_id="run", layers=(0,), row_R=example_R * LENGTH, example_R=example_R)
        found = Feed(source(), one, layout(2000)).pools(0)
        return [pool.example_N[np.isin(pool.example_N, [3, 150])].tolist() for pool in found]

    alone, company = pools([3, 150]), pools(list(range(N_EXAMPLES)))
    assert [part for part in alone if part] == [part for part in company if part]


def test_layouts_are_of_the_words_of_a_corpus() -> None:
    found = Layout.of_words(np.array([0, 0, 2]), np.array([1, 2, 4]), 5)
    assert (found.example_N.tolist(), found.n_rows_N.tolist(), found.n_pools) == ([0, 2], [3, 4], 2)


def test_values_that_are_not_finite_are_named() -> None:
    there = source()
    there.values["run"]["L02"][8, 1] = np.inf
    broken = Feed(there, needed(), layout(10**9))
    with pytest.raises(WorkError, match=r"run run, L02: row 8 is not finite; check the run"):
        next(iter(broken.pools(0)))
