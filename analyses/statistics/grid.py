"""GridSums: second moments of many sides at once, of each with itself and across the asked pairs.

A side's rows are read and prepared once for all its pairs. The sums are about pivots that are the same for
every part of a whole, so that parts merge by addition: in any split, in any order. Array API code.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from actstore.errors import RequestError
from analyses.statistics.moments import CrossMoments, Moments, NormMoments
from analyses.statistics.prepared import Array, Form, Pivot, Prepared, pivot_at, prepared
from analyses.statistics.rows import RowName

Cell = tuple[int, int]
"""Two sides that are compared, by number."""


class GridSums:
    """Sums that grow as rows are added. Its arrays by name are what is stored and merged."""

    def __init__(self, pivots: Sequence[Pivot], cells: Sequence[Cell], form: Form) -> None:
        self.pivots, self.cells, self.form = tuple(pivots), tuple(cells), form
        own = [(side, side) for side in range(len(self.pivots))]
        self.products = tuple(dict.fromkeys([*own, *self.cells]))
        self.arrays: dict[str, Array] = {}
        self._own: dict[int, CrossMoments] = {}

    def add(self, values: Sequence[Array], names: Sequence[RowName]) -> None:
        """Add the same tokens' rows of every side, [T, D] each, all float32 or all float64.

        Raises RequestError for rows that can not be paired, WorkError naming a bad row.
        """
        _check_paired(values)
        sides = [
            prepared(value_TD, pivot, self.form, name)
            for value_TD, pivot, name in zip(values, self.pivots, names, strict=True)
        ]
        self.add_prepared(sides)

    def add_prepared(self, sides: Sequence[Prepared], weight_T: Array | None = None) -> None:
        """Add prepared rows, each counted as often as its weight says."""
        rows = [side.rows_TD for side in sides]
        xp = array_namespace(rows[0])
        if weight_T is None:
            self._put("n", xp.ones_like(sides[0].total_D[:1]) * float(rows[0].shape[0]))
            totals = [side.total_D for side in sides]
        else:
            self._put("n", xp.reshape(xp.sum(weight_T, dtype=xp.float64), (1,)))
            totals = [xp.astype(xp.astype(weight_T, row_TD.dtype) @ row_TD, xp.float64) for row_TD in rows]
            root_T = xp.sqrt(weight_T)[:, None]
            rows = [row_TD * xp.astype(root_T, row_TD.dtype) for row_TD in rows]
        for number, total_D in enumerate(totals):
            self._put(f"total/{number}", total_D)
        for a, b in self.products:
            self._put(f"cross/{a}-{b}", xp.matrix_transpose(rows[a]) @ rows[b])
        self._add_thin("score", [side.score_T for side in sides], rows, weight_T)
        self._add_thin("square", [side.square_T for side in sides], rows, weight_T)

    @property
    def n_rows(self) -> float:
        """Rows, or the sum of their weights; 0 where none was added."""
        return float(self.arrays["n"][0]) if "n" in self.arrays else 0.0

    def without(self, part: "GridSums") -> "GridSums":
        """The sums of what is left when a part of this whole is taken out."""
        rest = GridSums(self.pivots, self.cells, self.form)
        rest.arrays = {name: value - part.arrays[name] for name, value in self.arrays.items()}
        return rest

    def merge(self, other: Mapping[str, Array]) -> None:
        """Add the arrays of another part of the same whole."""
        for name, value in other.items():
            self._put(name, value)

    def cross(self, a: int, b: int) -> CrossMoments:
        """Moments of two sides."""
        found = self.arrays
        n = float(found["n"][0])
        missed_D, missed_E = found[f"total/{a}"] / n, found[f"total/{b}"] / n
        cross_DE = found[f"cross/{a}-{b}"]
        xp = array_namespace(cross_DE)
        left, right = [-n * missed_D], [missed_E]
        if self.form.corrected:
            along_D, along_E = self.pivots[a].along_D, self.pivots[b].along_D
            missing_D, missing_E = self._lost_along_pivots(a, b)
            left, right = [*left, along_D, missing_D], [*right, missing_E, along_E]
        return CrossMoments(
            n=n,
            mean_x_D=self.pivots[a].point_D + missed_D,
            mean_y_E=self.pivots[b].point_D + missed_E,
            cross_DE=cross_DE + xp.stack(left, axis=1) @ xp.stack(right, axis=0),
        )

    def moments(self, a: int, b: int) -> Moments:
        """All moments of a pair of sides; a side's own are found once for all its pairs."""
        for side in (a, b):
            if side not in self._own:
                self._own[side] = self.cross(side, side)
        return Moments(xx=self._own[a], yy=self._own[b], xy=self.cross(a, b))

    def norm_moments(self, a: int, b: int) -> NormMoments:
        """Moments and norm sums of a pair of sides."""
        return NormMoments(
            moments=self.moments(a, b),
            joint_xx=self._joint(a, a),
            joint_yy=self._joint(b, b),
            joint_xy=self._joint(a, b),
        )

    def _put(self, name: str, value: Array) -> None:
        self._own.clear()
        xp = array_namespace(value)
        if name in self.arrays:
            self.arrays[name] += value
        else:
            self.arrays[name] = xp.astype(value, xp.float64, copy=True)

    def _add_thin(
        self, name: str, parts: Sequence[Array | None], rows: Sequence[Array], weight_T: Array | None
    ) -> None:
        """Sums of a number a row (of each side) times the rows (of each side), and of two such numbers."""
        known = [part for part in parts if part is not None]
        if not known:
            return
        xp = array_namespace(known[0])
        value_TS = xp.stack(known, axis=1)
        if weight_T is not None:
            value_TS = value_TS * xp.sqrt(xp.astype(weight_T, xp.float64))[:, None]
        value_ST = xp.matrix_transpose(value_TS)
        self._put(f"{name}-joint", value_ST @ value_TS)
        if weight_T is None:
            self._put(f"{name}-sum", xp.sum(value_TS, axis=0))
        else:
            self._put(f"{name}-sum", value_ST @ xp.sqrt(xp.astype(weight_T, xp.float64)))
        for number, row_TD in enumerate(rows):
            self._put(f"{name}-pull/{number}", xp.astype(value_ST, row_TD.dtype) @ row_TD)

    def _lost_along_pivots(self, a: int, b: int) -> tuple[Array, Array]:
        """d [D], e [E]: the cross product + along_a e' + d along_b' is exact along both pivots.

        Rows of unit length hardly vary along their mean, so that this part is far smaller than the product's
        float32 rounding, and yet RSA's covariance weighs it with the mean's square.
        """
        found, along_D, along_E = self.arrays, self.pivots[a].along_D, self.pivots[b].along_D
        product_DE = found[f"cross/{a}-{b}"]
        missing_E = found[f"score-pull/{b}"][a, :] - along_D @ product_DE
        missing_D = found[f"score-pull/{a}"][b, :] - product_DE @ along_E
        corner = found["score-joint"][a, b] - along_D @ (product_DE @ along_E)
        missing_E = missing_E + (corner - missing_E @ along_E) * along_E
        return missing_D - (along_D @ missing_D) * along_D, missing_E

    def _joint(self, a: int, b: int) -> float:
        """Sum of |e - m|^2 |f - p|^2, for rows e, f about the pivots and their means m, p."""
        found = self.arrays
        n = float(found["n"][0])
        m_D, p_E = found[f"total/{a}"] / n, found[f"total/{b}"] / n
        mm, pp = float(m_D @ m_D), float(p_E @ p_E)
        total = float(found["square-joint"][a, b])
        total -= 2.0 * float(p_E @ found[f"square-pull/{b}"][a, :] + m_D @ found[f"square-pull/{a}"][b, :])
        total += pp * float(found["square-sum"][a]) + mm * float(found["square-sum"][b])
        return total + 4.0 * float(m_D @ found[f"cross/{a}-{b}"] @ p_E) - 3.0 * n * mm * pp


def to_stored(sums: GridSums, host: Any) -> dict[str, np.ndarray[Any, Any]]:
    """The sums and their pivots as host arrays by name, for a file; `host` brings an array to the host."""
    pivots = {f"pivot/{number}": host(pivot.point_D) for number, pivot in enumerate(sums.pivots)}
    return {**pivots, **{name: host(value) for name, value in sums.arrays.items()}}


def from_stored(
    parts: Sequence[Mapping[str, np.ndarray[Any, Any]]], cells: Sequence[Cell], form: Form
) -> GridSums:
    """The sums of all stored parts together. Raises RequestError where parts are about other pivots."""
    first = parts[0]
    n_sides = sum(name.startswith("pivot/") for name in first)
    points = [first[f"pivot/{number}"] for number in range(n_sides)]
    sums = GridSums([pivot_at(point_D) for point_D in points], cells, form)
    for part in parts:
        if any(not np.array_equal(part[f"pivot/{k}"], point_D) for k, point_D in enumerate(points)):
            raise RequestError("these sums are about different pivots: they are parts of different wholes")
        sums.merge({name: value for name, value in part.items() if not name.startswith("pivot/")})
    return sums


def _check_paired(values: Sequence[Array]) -> None:
    first = values[0]
    xp = array_namespace(*values)
    for value_TD in values[1:]:
        if first.ndim != 2 or value_TD.ndim != 2 or first.shape[0] != value_TD.shape[0]:
            raise RequestError(
                f"shapes {first.shape} and {value_TD.shape}: give [T, D] and [T, E] of the same tokens"
            )
        if first.dtype not in (xp.float32, xp.float64) or value_TD.dtype != first.dtype:
            raise RequestError(
                f"dtypes {first.dtype} and {value_TD.dtype}: give both as float32 or both as float64"
            )
