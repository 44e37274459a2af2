"""Trees: which words a sentence's heads join, how far apart they are and how deep they lie. Pure arrays.

Heads are indices within the sentence; the root's head is itself, -1 stands for none.
"""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def tree_problem(head_W: Ints) -> str | None:
    """Why heads are no tree over their words, None where they are one. Words are told from 1."""
    n_words = len(head_W)
    outside_W = (head_W < 0) | (head_W >= n_words)
    if outside_W.any():
        return f"word {np.argmax(outside_W) + 1} has no head"
    roots = np.flatnonzero(head_W == np.arange(n_words))
    if len(roots) > 1:
        return f"{len(roots)} roots (words {', '.join(str(root + 1) for root in roots)})"
    circle = _circle(head_W)
    if circle:
        return f"words {' -> '.join(str(word + 1) for word in circle)} lead in a circle"
    return None


def root_of(head_W: Ints) -> int:
    """The word that is its own head."""
    return int(np.argmax(head_W == np.arange(len(head_W))))


def path_edges(head_W: Ints) -> npt.NDArray[np.float32]:
    """Edges on the way from each word to the root, [W, W]: column j is the edge from j to its head.

    As embeddings they are perfect: squared distances of rows are distances in the tree, squared lengths are
    depths (Hewitt, Manning 2019, section 2).
    """
    n_words = len(head_W)
    edge_WW = np.zeros((n_words, n_words), dtype=np.float32)
    at_W = np.arange(n_words)
    word_W = at_W.copy()
    while True:
        on_W = head_W[at_W] != at_W
        if not on_W.any():
            return edge_WW
        edge_WW[word_W[on_W], at_W[on_W]] = 1.0
        at_W = head_W[at_W]


def distances(head_W: Ints) -> npt.NDArray[np.float32]:
    """Edges between each two words, [W, W], whole numbers."""
    edge_WW = path_edges(head_W)
    depth_W = edge_WW.sum(axis=1)
    shared_WW = edge_WW @ edge_WW.T
    return np.asarray(depth_W[:, None] + depth_W[None, :] - 2 * shared_WW, dtype=np.float32)


def depths(head_W: Ints) -> npt.NDArray[np.float32]:
    """Edges from each word to the root, [W], whole numbers."""
    return np.asarray(path_edges(head_W).sum(axis=1), dtype=np.float32)


def _circle(head_W: Ints) -> list[int]:
    """Words of a circle of heads, the first one again at the end; empty where every word comes to a root."""
    n_words = len(head_W)
    at_W = np.arange(n_words)
    for _ in range(n_words):
        at_W = head_W[at_W]
    lost_W = head_W[at_W] != at_W
    if not lost_W.any():
        return []
    circle = [int(at_W[np.argmax(lost_W)])]
    while len(circle) == 1 or circle[-1] != circle[0]:
        circle.append(int(head_W[circle[-1]]))
    return circle
