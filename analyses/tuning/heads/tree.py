"""best_tree: heads from arc scores; arg-max where that is a tree with one root, else the best such tree."""

from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Heads = npt.NDArray[np.int64]


def best_tree(score_WP: Scores) -> Heads:
    """Head place of each word [W, 1 + W] -> [W]; place 0 is the root, place i + 1 is word i.

    Exactly one word is under the root, as Universal Dependencies has it.
    """
    if not len(score_WP):  # a sentence of which no word has tokens
        return np.zeros(0, dtype=np.int64)
    head_W: Heads = score_WP.argmax(axis=1).astype(np.int64)
    return head_W if is_tree(head_W) else _spanning(score_WP)


def is_tree(head_W: npt.NDArray[Any]) -> bool:
    """Whether one word is under the root and every word leads there."""
    if int((head_W == 0).sum()) != 1:
        return False
    return _cycle(np.concatenate([[0], head_W])) is None


def _spanning(score_WP: Scores) -> Heads:
    """The tree of the highest sum (Chu and Liu 1965, Edmonds 1967).

    An arc from the root costs more than all that other arcs could bring, so that there is one.
    """
    n_places = score_WP.shape[1]
    score_PP = np.full((n_places, n_places), -np.inf)
    score_PP[1:] = score_WP
    finite = score_WP[np.isfinite(score_WP)]
    score_PP[1:, 0] -= (finite.max() - finite.min() + 1.0) * n_places
    return _arborescence(score_PP)[1:]


def _arborescence(score_PP: Scores) -> Heads:
    """Best head of each place but 0: row = dependent, column = head; -inf where none is allowed."""
    score_PP = score_PP.copy()
    np.fill_diagonal(score_PP, -np.inf)
    head_P: Heads = score_PP.argmax(axis=1).astype(np.int64)
    head_P[0] = 0
    cycle = _cycle(head_P)
    if cycle is None:
        return head_P
    inside_P = np.zeros(len(head_P), dtype=np.bool_)
    inside_P[cycle] = True
    outside = np.flatnonzero(~inside_P)
    ring = np.array(cycle)
    # The ring becomes one place, the last; entering it at a word gives up that word's arc within the ring.
    gain_RO = score_PP[np.ix_(ring, outside)] - score_PP[ring, head_P[ring]][:, None]
    size = len(outside) + 1
    folded = np.full((size, size), -np.inf)
    folded[:-1, :-1] = score_PP[np.ix_(outside, outside)]
    folded[-1, :-1] = gain_RO.max(axis=0)
    folded[:-1, -1] = score_PP[np.ix_(outside, ring)].max(axis=1)
    found = _arborescence(folded)
    for at, place in enumerate(outside[1:], start=1):
        is_ring = found[at] == size - 1
        head_P[place] = ring[score_PP[place, ring].argmax()] if is_ring else outside[found[at]]
    entered = gain_RO[:, found[-1]].argmax()
    head_P[ring[entered]] = outside[found[-1]]
    return head_P


def _cycle(head_P: npt.NDArray[Any]) -> list[int] | None:
    """Places of one cycle that does not hold place 0; None where there is none."""
    state = np.zeros(len(head_P), dtype=np.int8)  # 0 not seen, 1 on this path, 2 done
    state[0] = 2
    for start in range(1, len(head_P)):
        path, at = [], start
        while state[at] == 0:
            state[at] = 1
            path.append(at)
            at = int(head_P[at])
        if state[at] == 1:
            return path[path.index(at) :]
        state[path] = 2
    return None
