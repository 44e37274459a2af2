"""Trees from heads, against a breadth-first search; perfect embeddings; what is no tree."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.probes.structural.trees import depths, distances, path_edges, root_of, tree_problem

HEADS = np.array([1, 1, 4, 4, 1, 1])
"""Fixture of methods.md 4.6: 1-based heads [2, 0, 5, 5, 2, 2], with the root its own head."""


@st.composite
def trees(draw: st.DrawFn) -> np.ndarray:
    """Any tree: each word of a shuffled order hangs from an earlier one."""
    n_words = draw(st.integers(1, 12))
    order = draw(st.permutations(range(n_words)))
    head = np.zeros(n_words, dtype=np.int64)
    head[order[0]] = order[0]
    for at in range(1, n_words):
        head[order[at]] = order[draw(st.integers(0, at - 1))]
    return head


def breadth_first(head: np.ndarray, start: int) -> list[int]:
    neighbours: dict[int, set[int]] = {word: set() for word in range(len(head))}
    for word, above in enumerate(head):
        if word != above:
            neighbours[word].add(int(above))
            neighbours[int(above)].add(word)
    steps, queue = {start: 0}, deque([start])
    while queue:
        at = queue.popleft()
        for other in neighbours[at] - steps.keys():
            steps[other] = steps[at] + 1
            queue.append(other)
    return [steps[word] for word in range(len(head))]


@settings(deadline=None)
@given(trees())
def test_distances_and_depths_are_those_of_a_search(head: np.ndarray) -> None:
    assert tree_problem(head) is None
    expected = [breadth_first(head, word) for word in range(len(head))]
    assert distances(head).tolist() == expected
    assert depths(head).tolist() == expected[root_of(head)]


def test_the_fixture_of_the_methods() -> None:
    assert depths(HEADS).tolist() == [1, 0, 2, 2, 1, 1]
    assert distances(HEADS).tolist() == [
        [0, 1, 3, 3, 2, 2],
        [1, 0, 2, 2, 1, 1],
        [3, 2, 0, 2, 1, 3],
        [3, 2, 2, 0, 1, 3],
        [2, 1, 1, 1, 0, 2],
        [2, 1, 3, 3, 2, 0],
    ]
    assert root_of(HEADS) == 1


@settings(deadline=None)
@given(trees())
def test_edges_to_the_root_embed_a_tree_perfectly(head: np.ndarray) -> None:
    edges = path_edges(head)
    apart = edges[:, None] - edges[None]
    assert (apart**2).sum(axis=-1).tolist() == distances(head).tolist()
    assert (edges**2).sum(axis=-1).tolist() == depths(head).tolist()


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ([0, -1, 0], "word 2 has no head"),
        ([0, 7], "word 2 has no head"),
        ([0, 1, 0], "2 roots (words 1, 2)"),
        ([0, 2, 3, 1, 1], "words 4 -> 2 -> 3 -> 4 lead in a circle"),
        ([1, 0], "words 1 -> 2 -> 1 lead in a circle"),
    ],
)
def test_what_is_no_tree_is_told(head: list[int], problem: str) -> None:
    found = tree_problem(np.array(head))
    assert found is not None
    if "circle" in problem:
        assert found.endswith("lead in a circle")
        words = found.removeprefix("words ").removesuffix(" lead in a circle").split(" -> ")
        assert sorted(words[1:]) == sorted(problem.removeprefix("words ").split(" lead")[0].split(" -> ")[1:])
    else:
        assert found == problem
