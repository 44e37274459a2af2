"""Batches against the cheapest of all ways to cut the sorted lengths, tried one by one."""

from itertools import combinations, pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actstore.plan.batching import batches, padding_waste


def cost(plan: list[list[int]], sizes: list[int], budget: int) -> float:
    """Padded tokens, and a sixteenth of the budget a batch."""
    return sum(len(batch) * max(sizes[i] for i in batch) + budget / 16 for batch in plan)


def every_cut(order: list[int]) -> list[list[list[int]]]:
    """All ways to cut a list into parts."""
    found = []
    for n_cuts in range(len(order)):
        for cuts in combinations(range(1, len(order)), n_cuts):
            bounds = [0, *cuts, len(order)]
            found.append([order[a:b] for a, b in pairwise(bounds)])
    return found


@given(st.lists(st.integers(1, 40), min_size=1, max_size=7), st.integers(1, 120))
def test_no_cut_that_fits_is_cheaper(sizes: list[int], budget: int) -> None:
    order = np.argsort(-np.array(sizes), kind="stable").tolist()
    fitting = [
        plan
        for plan in every_cut(order)
        if all(len(batch) == 1 or len(batch) * sizes[batch[0]] <= budget for batch in plan)
    ]
    found = batches(sizes, budget)
    assert [position for batch in found for position in batch] == order
    assert found in fitting
    assert abs(cost(found, sizes, budget) - min(cost(plan, sizes, budget) for plan in fitting)) < 1e-9


def test_another_batch_costs_a_sixteenth_of_the_budget() -> None:
    """Apart, two lengths save their difference: with a budget of 544 more than 34 tokens are worth it."""
    assert batches([55, 20], 544) == [[0], [1]]
    assert batches([53, 20], 544) == [[0, 1]]


def test_nothing_is_no_batch_and_wastes_nothing() -> None:
    assert batches([], 10) == []
    assert padding_waste([], []) == 0.0
    assert padding_waste([4, 2, 3], [[0, 1], [2]]) == 1 - 9 / 11
