"""Nearest: the stored tokens or words whose activations point most nearly the same way as a given one's.

Exact: every candidate is compared, in blocks of bounded memory. There is no index to build or to trust.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import NotFoundError, RequestError
from actstore.query.limits import LOCAL, Limits
from actstore.query.select import BATCH_BYTES, Selected, pool_rows, select, site_layer_number
from actstore.schema.query import Nearest, Query
from actstore.schema.spec import RunSpec
from actstore.store.reader import RunReader

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Best:
    """The best candidates so far: their numbers and cosines, best first; ties go to the smaller number."""

    number_K: npt.NDArray[np.int64]
    cosine_K: Floats

    def merge(self, number_N: npt.NDArray[np.int64], cosine_N: Floats, k: int) -> "Best":
        """The best k of these and further ones. Candidates without a direction (NaN) are left out."""
        number = np.concatenate([self.number_K, number_N[~np.isnan(cosine_N)]])
        cosine = np.concatenate([self.cosine_K, cosine_N[~np.isnan(cosine_N)]])
        order = np.lexsort((number, -cosine))[:k]
        return Best(number[order], cosine[order])


def nearest(
    connection: duckdb.DuckDBPyConnection,
    asked: Nearest,
    readers: Mapping[str, RunReader],
    sites_of: Callable[[RunSpec], Sequence[str]],
    *,
    limits: Limits = LOCAL,
) -> pa.Table:
    """The k nearest at each checkpoint and site, by cosine, the given one itself left out.

    Columns: checkpoint, corpus, layer, site, rank (from 1), example, token (or word), text, cosine.
    Raises NotFoundError where the run has no such token or word, RequestError where its vector is zero.
    """
    every = list(readers.values())
    target = select(connection, _query(asked, _place(asked)), every, limits=limits)
    if not len(target):
        raise NotFoundError(
            f"{asked.corpus!r} has no {asked.unit} {asked.position} in example {asked.example}; "
            f'`actstore sql STORE "SELECT * FROM {asked.unit}s WHERE example = {asked.example}"` lists them'
        )
    # Candidates are unlimited by design: they are compared, not given out.
    free = Limits(memory_bytes=limits.memory_bytes, seconds=limits.seconds)
    candidates = select(connection, _query(asked, asked.where or "NOT special"), every, limits=free)
    parts = []
    for checkpoint, reader in readers.items():
        for site in sites_of(reader.spec):
            best = _best(asked, target, candidates, reader, site)
            parts.append(_table(asked, candidates, best, checkpoint, site))
    return pa.concat_tables(parts)


def _place(asked: Nearest) -> str:
    return f"example = {int(asked.example)} AND {asked.unit} = {int(asked.position)}"


def _query(asked: Nearest, where: str) -> Query:
    return Query(
        checkpoints=asked.checkpoints, corpus=asked.corpus, where=where, unit=asked.unit, pool=asked.pool
    )


def _best(asked: Nearest, target: Selected, candidates: Selected, reader: RunReader, site: str) -> Best:
    unit_D = next(_vectors(target, reader, site, asked.pool))[1][0]
    length = float(np.linalg.norm(unit_D))
    if length == 0:
        raise RequestError(f"the {asked.unit} asked about is a zero vector at {site}: it has no direction")
    first_row = target.table.column("first_row")[0].as_py()
    best = Best(np.empty(0, np.int64), np.empty(0, np.float64))
    for (start, row_N), value_ND in _vectors(candidates, reader, site, asked.pool):
        length_N = np.sqrt(np.einsum("nd,nd->n", value_ND, value_ND))
        with np.errstate(invalid="ignore", divide="ignore"):
            along_N = np.einsum("nd,d->n", value_ND, unit_D / length)  # a row alone: blocks do not matter
            cosine_N = np.clip(along_N / length_N, -1.0, 1.0)
        cosine_N[row_N == first_row] = np.nan
        best = best.merge(start + np.arange(len(row_N)), cosine_N, asked.k)
    return best


def _vectors(
    chosen: Selected, reader: RunReader, site: str, pool: str
) -> Iterator[tuple[tuple[int, npt.NDArray[np.int64]], Floats]]:
    """((first position, first rows [N]), vectors [N, D] in float64) in blocks."""
    step = max(1, BATCH_BYTES // (8 * reader.spec.width(site)))
    for start in range(0, len(chosen), step):
        part = chosen.table.slice(start, step)
        first_N, last_N = (part.column(name).to_numpy() for name in ("first_row", "last_row"))
        yield (start, first_N), pool_rows(reader, site, first_N, last_N, pool).astype(np.float64)


def _table(asked: Nearest, candidates: Selected, best: Best, checkpoint: str, site: str) -> pa.Table:
    found, k = candidates.table.take(pa.array(best.number_K)), len(best.number_K)
    return pa.table(
        {
            "checkpoint": pa.repeat(pa.scalar(checkpoint, pa.string()), k),
            "corpus": pa.repeat(pa.scalar(asked.corpus, pa.string()), k),
            "layer": pa.repeat(pa.scalar(site_layer_number(site), pa.int32()), k),
            "site": pa.repeat(pa.scalar(site, pa.string()), k),
            "rank": pa.array(range(1, k + 1), pa.int32()),
            "example": found.column("example").cast(pa.int32()),
            asked.unit: found.column("unit").cast(pa.int32()),
            "text": found.column("text").cast(pa.string()),
            "cosine": pa.array(best.cosine_K),
        }
    )
