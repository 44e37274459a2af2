"""Minimum spanning trees of distances between words, as Kruskal's algorithm finds them. Pure arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt


def spanning_trees(distance_PWW: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Edges of the minimum spanning tree of each of P matrices, [P, W, W], symmetric.

    The upper triangle counts. Of equal distances the earlier pair (by its first, then its second word) is
    taken first, as in a stable sort of the pairs: edges in that order are all different, so that the tree is
    unique, whichever algorithm finds it (here Prim's, for all matrices at once).
    """
    n_matrices, n_words = distance_PWW.shape[:2]
    edge_PWW = np.zeros((n_matrices, n_words, n_words), dtype=bool)
    if n_words < 2:
        return edge_PWW
    order_PWW = _order(distance_PWW)
    probe_P = np.arange(n_matrices)
    outside_PW = np.ones((n_matrices, n_words), dtype=bool)
    outside_PW[:, 0] = False
    nearest_PW, best_PW = np.zeros((n_matrices, n_words), dtype=np.int64), order_PWW[:, 0, :].copy()
    for _ in range(n_words - 1):
        new_P = np.argmin(np.where(outside_PW, best_PW, np.iinfo(np.int64).max), axis=1)
        from_P = nearest_PW[probe_P, new_P]
        edge_PWW[probe_P, new_P, from_P] = edge_PWW[probe_P, from_P, new_P] = True
        outside_PW[probe_P, new_P] = False
        order_PW = order_PWW[probe_P, new_P]
        closer_PW = order_PW < best_PW
        nearest_PW = np.where(closer_PW, new_P[:, None], nearest_PW)
        best_PW = np.where(closer_PW, order_PW, best_PW)
    return edge_PWW


def _order(distance_PWW: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Place of each pair among all pairs of its matrix by distance, [P, W, W], symmetric."""
    n_matrices, n_words = distance_PWW.shape[:2]
    first_E, second_E = np.triu_indices(n_words, k=1)
    order_PE = np.argsort(distance_PWW[:, first_E, second_E], axis=1, kind="stable")
    place_PE = np.empty_like(order_PE)
    np.put_along_axis(place_PE, order_PE, np.arange(len(first_E))[None, :], axis=1)
    order_PWW = np.zeros((n_matrices, n_words, n_words), dtype=np.int64)
    order_PWW[:, first_E, second_E] = order_PWW[:, second_E, first_E] = place_PE
    return order_PWW
