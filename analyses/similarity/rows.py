"""Rows of the table `similarity` from the values of a grid's cells, with what resampling gave."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.schema.tables import RESULTS
from analyses.readers.sample import Sample
from analyses.similarity.request import GridArgs, SimilarityBlock, StoredCorpus
from analyses.similarity.resampled import centred_interval
from analyses.statistics.grid import Cell

SCHEMA = RESULTS["similarity"].append(pa.field("resampled", pa.list_(pa.float64())))
"""A part's rows: the table's, and every resampled value, from which replicates get their intervals."""
Resampled = Mapping[Cell, Mapping[str, npt.NDArray[np.float64]]]


def similarity_rows(
    grid: GridArgs, sample: Sample, values: Mapping[Cell, Mapping[str, float]], resampled: Resampled
) -> pa.Table:
    """A row a cell and value, with its interval where it was resampled."""
    rows = [
        _where(grid, sample, cell) | _what(measure, value, resampled.get(cell, {}).get(measure))
        for cell in grid.cells
        for measure, value in values[cell].items()
    ]
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
