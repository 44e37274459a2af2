"""Whether stored values change with the size of a batch, which nobody means to be part of the data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from peer_files import Files, Rows

Stored = Callable[[Path, int], Files]
"""Extracts into a folder with a batch size, and opens a layer of it."""


def changed(name: str, stored: Stored, sizes: tuple[int, int], folder: Path, told: str) -> dict[str, object]:
    """A row: the same tokens by two batch sizes."""
    one, other = (stored(folder / str(size), size).layer() for size in sizes)
    n = min(len(one), len(other))  # whoever leaves out what fills no batch leaves out more of larger ones
    return {
        "way": name,
        "batches of": f"{sizes[0]:,} and {sizes[1]:,}",
        "tokens compared": n,
        "values that differ": f"{share(one[:n], other[:n]):.1%}",
        "largest difference": f"{np.abs(one[:n] - other[:n]).max():.1e}",
        "largest value": f"{np.abs(one[:n]).max():.1f}",
        "what the files say of it": told,
    }


def share(one: Rows, other: Rows) -> float:
    return float((one != other).mean())
