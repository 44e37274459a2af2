"""FlightSource: a served store as an ActivationSource, so that analyses run far from the store."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.client.connection import Connection
from actstore.schema import requests

ROWS_PER_REQUEST = 100_000
"""Of a gather: bounds the ticket, which names every row."""


class FlightSource:
    """Reads complete runs of one served store. Picklable."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def tokens(self, tokens_id: str, columns: Sequence[str], rows: tuple[int, int] | None = None) -> pa.Table:
        """Columns of a tokenisation's token table, in row order; of all rows or from a first to an end."""
        return self.connection.table(requests.Tokens(tokens_id=tokens_id, columns=tuple(columns), rows=rows))

    def word_tokens(self, tokens_id: str, columns: Sequence[str]) -> pa.Table:
        """Columns of a tokenisation's word table, by example and word."""
        return self.connection.table(requests.WordTokens(tokens_id=tokens_id, columns=tuple(columns)))

    def gather(
        self,
        run_id: str,
        site: str,
        row_T: npt.NDArray[np.int64],
        *,
        check: bool | None = None,
        allow_partial: bool = False,
    ) -> npt.NDArray[Any]:
        """Activations [T, D] of the given rows, in that order; float16 or float32."""
        parts = []
        for at in range(0, max(1, len(row_T)), ROWS_PER_REQUEST):
            asked = requests.Rows(
                run_id=run_id,
                site=site,
                ranges=as_ranges(row_T[at : at + ROWS_PER_REQUEST]),
                check=check,
                allow_partial=allow_partial,
            )
            parts.append(activations(self.connection.table(asked).column("activation")))
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def scan(
        self,
        run_id: str,
        site: str,
        *,
        rows_per_step: int | None = None,
        shards: Sequence[int] | None = None,
        allow_partial: bool = False,
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]]:
        """All used rows in order, in steps: (rows [T], activations [T, D])."""
        asked = requests.Scan(
            run_id=run_id,
            site=site,
            rows_per_step=rows_per_step,
            shards=None if shards is None else tuple(shards),
            allow_partial=allow_partial,
        )
        for batch in self.connection.stream(asked):
            yield batch.column("row").to_numpy(), activations(batch.column("activation"))


def as_ranges(row_T: npt.NDArray[np.int64]) -> tuple[tuple[int, int], ...]:
    """Rows in their order as ranges (first, end) of consecutive ones."""
    if not len(row_T):
        return ()
    starts = np.flatnonzero(np.diff(row_T, prepend=row_T[0] - 2) != 1)
    ends = np.append(starts[1:], len(row_T)) - 1
    return tuple(zip(row_T[starts].tolist(), (row_T[ends] + 1).tolist(), strict=True))


def activations(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    """A column of fixed-size lists as [N, D]; without a copy where it is one chunk."""
    width = column.type.list_size
    if isinstance(column, pa.ChunkedArray):
        if column.num_chunks == 0:
            return np.empty((0, width), column.type.value_type.to_pandas_dtype())
        column = column.combine_chunks()
    return np.asarray(column.flatten().to_numpy(zero_copy_only=True).reshape(-1, width))
