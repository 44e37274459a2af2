"""What is left of a run, and portions; at the size of 10,000 checkpoints of 1,000 shards."""

import time
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from actstore.plan.resume import portions, shards_left

N_RUNS, N_SHARDS = 10_000, 1_000


@given(st.integers(0, 40), st.sets(st.integers(0, 45)))
def test_what_is_left_is_what_is_not_done(n_shards: int, done: set[int]) -> None:
    assert list(shards_left(n_shards, done)) == sorted(set(range(n_shards)) - done)


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 12))
def test_portions_hold_every_run_once_and_are_bounded(counts: list[int], most_units: int) -> None:
    left = {str(number): range(count) for number, count in enumerate(counts)}
    found = list(portions(left, most_units))
    assert [run for portion in found for run in portion] == [run for run, shards in left.items() if shards]
    for portion in found:
        assert len(portion) == 1 or sum(len(left[run]) for run in portion) <= most_units


def test_a_portion_is_as_full_as_it_may_be() -> None:
    left = {name: range(count) for name, count in zip("abcdef", (2, 3, 1, 9, 4, 1), strict=True)}
    assert list(portions(left, 5)) == [["a", "b"], ["c"], ["d"], ["e", "f"]]
    assert list(portions({}, 5)) == []


def test_ten_thousand_runs_of_a_thousand_shards() -> None:
    """Half of the runs half done: seconds of this process, and memory, far below 10 s and 1 GiB."""
    done = set(range(0, N_SHARDS, 2))
    begun = time.process_time()
    left = {str(run): shards_left(N_SHARDS, done if run % 2 else set()) for run in range(N_RUNS)}
    found = list(portions(left, 100_000))
    assert time.process_time() - begun < 10
    assert sum(len(left[run]) for portion in found for run in portion) == 7_500_000
    assert max(sum(len(left[run]) for run in portion) for portion in found) <= 100_000
    tracemalloc.start()
    kept = [shards_left(N_SHARDS, done) for _ in range(100)]
    used_bytes = tracemalloc.get_traced_memory()[1] / len(kept) * N_RUNS
    tracemalloc.stop()
    assert used_bytes < 1 << 30
