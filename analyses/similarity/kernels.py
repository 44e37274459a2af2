"""Kernels over all pairs of rows, a tile at a time in bounded memory.

cosine and linear: x.y (of unit rows); euclidean: the distance |x - y|; rbf: exp(-|x - y|^2 / (2 m)), m the
median of the squared distances between up to 1,000 rows spread evenly over all.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace, device

from actstore.errors import WorkError
from analyses.similarity.device import to_host
from analyses.statistics.prepared import Array, Form, pivot_of, prepared
from analyses.statistics.rows import RowName, steps

KERNELS = ("cosine", "linear", "euclidean", "rbf")
ROWS_PER_TILE = 1024
MEDIAN_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel with its rows, centred where that changes no value of it."""

    name: str
    rows_TD: Array
    square_T: Array
    """Squared lengths of `rows_TD`."""
    shift: float = 0.0
    """Squared length of the pivot, and its product with each row: what centring took from products."""
    along_T: Array = None
    width: float = 1.0
    """2 m of the rbf kernel."""

    def tile(self, rows: slice, columns: slice) -> Array:
        """Values of the rows with the columns."""
        xp = array_namespace(self.rows_TD)
        product = self.rows_TD[rows, :] @ xp.matrix_transpose(self.rows_TD[columns, :])
        if self.name in ("cosine", "linear"):
            return product + (self.along_T[rows][:, None] + self.along_T[columns][None, :] + self.shift)
        squares = self.square_T[rows][:, None] + self.square_T[columns][None, :] - 2.0 * product
        squares = xp.where(squares > 0.0, squares, xp.zeros_like(squares))
        return xp.sqrt(squares) if self.name == "euclidean" else xp.exp(-squares / self.width)


def kernel_of(value_TD: Array, name: str, side: RowName) -> Kernel:
    """A kernel of rows, float32 or float64.

    Raises WorkError for a bad row, and for rbf where more than half of the rows are equal.
    """
    xp = array_namespace(value_TD)
    form = Form(unit=name == "cosine", norms=True)
    pivot = pivot_of(value_TD, form, side)
    made = prepared(value_TD, pivot, form, side)
    point_D = xp.astype(pivot.point_D, value_TD.dtype)
    kernel = Kernel(
        name=name,
        rows_TD=made.rows_TD,
        square_T=xp.vecdot(made.rows_TD, made.rows_TD),
        shift=float(pivot.point_D @ pivot.point_D),
        along_T=made.rows_TD @ point_D,
    )
    return kernel if name != "rbf" else _with_width(kernel)


def upper_tiles(n_rows: int, rows_per_tile: int) -> Iterator[tuple[slice, slice]]:
    """Tiles that hold each pair i < j once; one on the diagonal holds its pairs twice and the diagonal."""
    tiles = list(steps(n_rows, rows_per_tile))
    for at, rows in enumerate(tiles):
        for columns in tiles[at:]:
            yield rows, columns


def off_diagonal(tile: Array) -> Array:
    """1 off the diagonal of a square tile, 0 on it."""
    xp = array_namespace(tile)
    return 1.0 - xp.eye(tile.shape[0], dtype=tile.dtype, device=device(tile))


def _with_width(kernel: Kernel) -> Kernel:
    xp = array_namespace(kernel.rows_TD)
    n = kernel.rows_TD.shape[0]
    spread = np.unique(np.linspace(0, n - 1, min(n, MEDIAN_ROWS)).astype(np.int64))
    chosen = xp.asarray(spread, device=device(kernel.rows_TD))
    rows_KD = xp.take(kernel.rows_TD, chosen, axis=0)
    few = Kernel(name="euclidean", rows_TD=rows_KD, square_T=xp.vecdot(rows_KD, rows_KD))
    distances = to_host(few.tile(slice(0, len(spread)), slice(0, len(spread))))
    median = float(np.median(distances[np.triu_indices(len(spread), 1)].astype(np.float64) ** 2))
    if not median > 0.0:
        raise WorkError(
            "rbf kernel: half of the distances between rows are 0, so that it has no width; compare another "
            "layer or run"
        )
    return Kernel(name="rbf", rows_TD=kernel.rows_TD, square_T=kernel.square_T, width=2.0 * median)
