"""Ranges: which requests fetch wanted bytes of an object most cheaply. Pure functions of offsets.

A request costs what could have been transferred in its time (`REQUEST_BYTES`), so two ranges that lie nearer
than that are one request; where all lie near, that is the whole object.
"""

import numpy as np
import numpy.typing as npt

Offsets = npt.NDArray[np.int64]
REQUEST_BYTES = 1 << 20
"""20 ms at 50 MB/s: what a request takes beside its bytes, on a connection as object stores give them."""
CHECK_WORTH = 1.25
"""Whole chunks, whose checksums can be checked, are fetched where they cost at most so much more."""


def coalesce(start_N: Offsets, end_N: Offsets, gap_bytes: int = REQUEST_BYTES) -> list[tuple[int, int]]:
    """(first, end) numbers of the ranges that make one request each; ranges ascend and do not overlap."""
    if not len(start_N):
        return []
    firsts = np.flatnonzero(np.append(True, start_N[1:] - end_N[:-1] > gap_bytes)).tolist()
    return list(zip(firsts, [*firsts[1:], len(start_N)], strict=True))


def cost_bytes(start_N: Offsets, end_N: Offsets) -> int:
    """What the coalesced requests for some ranges cost, in bytes."""
    requests = coalesce(start_N, end_N)
    return sum(int(end_N[end - 1] - start_N[first]) + REQUEST_BYTES for first, end in requests)
