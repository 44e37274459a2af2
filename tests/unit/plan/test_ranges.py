"""Coalescing against the cheapest of all ways to cut ranges into requests."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actstore.plan.ranges import REQUEST_BYTES, coalesce, cost_bytes


def cheapest(ranges: list[tuple[int, int]]) -> int:
    """The least cost over every partition into consecutive requests, by dynamic programming."""
    best = [0]
    for end in range(1, len(ranges) + 1):
        best.append(
            min(best[first] + REQUEST_BYTES + ranges[end - 1][1] - ranges[first][0] for first in range(end))
        )
    return best[-1]


@given(st.lists(st.tuples(st.integers(0, 3 << 20), st.integers(1, 1 << 20)), max_size=12))
def test_no_other_plan_is_cheaper(steps: list[tuple[int, int]]) -> None:
    ranges, position = [], 0
    for gap, length in steps:
        ranges.append((position + gap, position + gap + length))
        position += gap + length
    start_N, end_N = np.array(ranges, dtype=np.int64).reshape(-1, 2).T
    assert cost_bytes(start_N, end_N) == cheapest(ranges)
    requests = coalesce(start_N, end_N)
    assert [number for first, end in requests for number in range(first, end)] == list(range(len(ranges)))


def test_what_lies_near_is_one_request() -> None:
    start_N = np.arange(100, dtype=np.int64) * REQUEST_BYTES
    assert coalesce(start_N, start_N + 10) == [(0, 100)]
    assert len(coalesce(start_N * 2, start_N * 2 + 10)) == 100
