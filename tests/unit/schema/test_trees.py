"""Whether heads are a tree: what is none is named, and a random check against scipy's components."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from actstore.schema.trees import tree_problem


@pytest.mark.parametrize("heads", [[0], [1, 1], [1, 2, 2, 2], [3, 0, 1, 3]])
def test_trees(heads: list[int]) -> None:
    assert tree_problem(heads) is None


@pytest.mark.parametrize(
    ("heads", "problem"),
    [
        ([0, None], "word 2 has no head"),
        ([0, 5], "the head of word 2 is not in the sentence"),
        ([0, 1, 1], "words 1, 2 are roots"),
        ([1, 0], "the heads of words 1, 2 lead in a circle"),
        ([0, 2, 3, 1], "the heads of words 2, 3, 4 lead in a circle"),
        ([], "no word is the root"),
    ],
)
def test_what_is_no_tree_is_named(heads: list[int | None], problem: str) -> None:
    assert problem in str(tree_problem(heads))


@given(st.integers(1, 8).flatmap(lambda n: st.lists(st.integers(0, n - 1), min_size=n, max_size=n)))
def test_one_root_and_one_component_is_a_tree(heads: list[int]) -> None:
    n_words = len(heads)
    graph = coo_array((np.ones(n_words), (np.arange(n_words), heads)), shape=(n_words, n_words))
    n_components, _ = connected_components(graph, directed=False)
    n_roots = sum(head == word for word, head in enumerate(heads))
    assert (tree_problem(heads) is None) == (n_components == 1 and n_roots == 1)
