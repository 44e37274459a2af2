"""What measures make of the sides of a grid, and the values of its cells."""

from collections.abc import Mapping, Sequence
from typing import Any

from analyses.similarity.measures import Measure, finish
from analyses.similarity.request import GridArgs
from analyses.statistics.grid import Cell, GridSums
from analyses.statistics.held import HeldRows
from analyses.statistics.prepared import Array, Form
from analyses.statistics.rows import numbered

Sums = Mapping[Form, GridSums]


class HeldSides:
    """Each side's rows where they are held, and what measures make of them, made once."""

    def __init__(self, grid: GridArgs, held: Sequence[Array]) -> None:
        self.grid, self.held = grid, held
        self._made: dict[tuple[int, int], Any] = {}

    def pair(self, number: int, measure: Measure, cell: Cell) -> Any:
        """What the measure of that number takes for a cell: the rows, or what was made of them."""
        if measure.side is None:
            return HeldRows(x_TD=self.held[cell[0]], y_TE=self.held[cell[1]])
        for at in cell:
            if (number, at) not in self._made:
                side = self.grid.sides[at]
                name = numbered(f"{side.run.checkpoint} (run {side.run.run_id}), {side.site}, sample")
                self._made[number, at] = measure.side(self.held[at], name)
        return tuple(self._made[number, at] for at in cell)


def cell_values(grid: GridArgs, sums: Sums, made: HeldSides, cell: Cell) -> dict[str, float]:
    """Every value of a cell by its stored name."""
    return moment_values(grid, sums, cell) | held_values(grid, made, cell)


def moment_values(grid: GridArgs, sums: Sums, cell: Cell) -> dict[str, float]:
    """The values of measures of moments."""
    found: dict[str, float] = {}
    for measure in grid.chosen():
        if measure.form is not None:
            found |= finish(measure, sums, cell)
    return found


def held_values(grid: GridArgs, made: HeldSides, cell: Cell) -> dict[str, float]:
    """The values of measures of the rows themselves."""
    found: dict[str, float] = {}
    for number, measure in enumerate(grid.chosen()):
        if measure.form is None:
            found |= measure.finish(made.pair(number, measure, cell))
    return found
