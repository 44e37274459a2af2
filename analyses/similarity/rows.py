"""Rows of the table `similarity` from a grid's sums, with what resampling gave."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.schema.tables import RESULTS
from analyses.readers.sample import Sample
from analyses.similarity.measures import Measure, finish
from analyses.similarity.request import GridArgs, SimilarityBlock, StoredCorpus
from analyses.similarity.resampled import centred_interval, resampled_values
from analyses.statistics.grid import Cell, GridSums
from analyses.statistics.held import HeldRows
from analyses.statistics.prepared import Array, Form
from analyses.statistics.rows import numbered

SCHEMA = RESULTS["similarity"].append(pa.field("resampled", pa.list_(pa.float64())))
"""A part's rows: the table's, and every resampled value, from which replicates get their intervals."""


def similarity_rows(
    grid: GridArgs, sample: Sample, sums: dict[Form, GridSums], held: Sequence[Array]
) -> pa.Table:
    """A row a cell and value. `held`: each side's rows, where a measure or resampling needs them."""
    rows: list[dict[str, Any]] = []
    made = _Sides(grid, held)
    for cell in grid.cells:
        values = _values(grid, sums, made, cell)
        resampled = resampled_values(grid, sample, held, cell, sums) if grid.resamples else {}
        for measure, value in values.items():
            rows.append(_where(grid, sample, cell) | _what(measure, value, resampled.get(measure)))
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def in_order(rows: pa.Table, block: SimilarityBlock, corpora: Sequence[StoredCorpus]) -> pa.Table:
    """Rows of all units by corpus, pair, seed and layers, as the study has them, whatever the units were."""
    corpus_order = {corpus.name: at for at, corpus in enumerate(corpora)}
    pair_order = {pair: at for at, pair in enumerate(block.pairs)}
    keys = [
        (corpus_order[row["corpus"]], pair_order[row["checkpoint_a"], row["checkpoint_b"]],
         row["seed"], row["layer_a"], row["layer_b"])
        for row in rows.drop_columns("resampled").to_pylist()
    ]  # fmt: skip
    return rows.take(sorted(range(len(keys)), key=keys.__getitem__))


class _Sides:
    """What measures make of a side's rows, made once."""

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


def _values(grid: GridArgs, sums: dict[Form, GridSums], made: _Sides, cell: Cell) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, measure in enumerate(grid.chosen()):
        if measure.form is None:
            found |= measure.finish(made.pair(number, measure, cell))
        else:
            found |= finish(measure, sums, cell)
    return found


def _where(grid: GridArgs, sample: Sample, cell: Cell) -> dict[str, Any]:
    a, b = (grid.sides[number] for number in cell)
    return {
        "name": grid.name,
        "corpus": grid.corpus,
        "checkpoint_a": a.run.checkpoint,
        "checkpoint_b": b.run.checkpoint,
        "layer_a": a.layer,
        "layer_b": b.layer,
        "n_tokens": sample.n_tokens,
        "seed": grid.sample.seed,
        "replicate": b.run.replicate,
    }


def _what(measure: str, value: float, resampled_R: npt.NDArray[np.float64] | None) -> dict[str, Any]:
    low, high = (None, None) if resampled_R is None else centred_interval(measure, value, resampled_R)
    drawn = None if resampled_R is None else resampled_R.tolist()
    return {"measure": measure, "value": value, "low": low, "high": high, "resampled": drawn}
