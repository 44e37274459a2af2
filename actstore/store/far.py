"""Far: rows of a run from an object store: the ranges that hold them, coalesced, several at once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.errors import DamagedShardError
from actstore.plan.ranges import CHECK_WORTH, coalesce, cost_bytes
from actstore.store.ahead import in_order
from actstore.store.arrays import ArraySpec
from actstore.store.gather import Rows, by_shard
from actstore.store.shard import damage, decode_chunk
from actstore.store.shardfile import ShardFile

AT_ONCE = 16
"""Requests under way at once, as long as their answers stay below the next limit."""
IN_FLIGHT_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class _Chunks:
    """The touched chunks of one shard's array, ascending, and where in each the wanted rows lie."""

    file: ShardFile
    chunk_C: Rows
    low_C: Rows
    """First and last wanted row of each chunk, counted within it."""
    high_C: Rows
    position_T: Rows
    """Wanted rows by chunk: their place in the answer."""
    within_T: Rows
    bounds: list[int]
    """Where in those each chunk's rows begin, and their end."""

    def ranges(self, *, whole: bool) -> tuple[Rows, Rows]:
        """(start, end) in the object of what has to be fetched of each chunk."""
        start_C = self.file.index[self.chunk_C, 0].astype(np.int64)
        if whole:
            return start_C, start_C + self.file.index[self.chunk_C, 1].astype(np.int64)
        row_bytes = self.file.array.chunk_bytes // self.file.array.chunk_rows
        return start_C + self.low_C * row_bytes, start_C + (self.high_C + 1) * row_bytes


@dataclass(frozen=True, slots=True)
class Request:
    """One request: fetches a range and puts the rows it holds where they belong."""

    chunks: _Chunks
    first: int
    end: int
    start_C: Rows
    end_C: Rows
    whole: bool
    out: npt.NDArray[Any]

    @property
    def n_bytes(self) -> int:
        return int(self.end_C[self.end - 1] - self.start_C[self.first])

    def __call__(self) -> None:
        """Raises DamagedShardError for what is missing, cut off or, where chunks are whole, altered."""
        file, array = self.chunks.file, self.chunks.file.array
        begin = int(self.start_C[self.first])
        data = memoryview(file.read_range(begin, self.n_bytes))
        if len(data) < self.n_bytes:
            raise DamagedShardError(damage(file.where, "it ends before its last chunk"))
        for number in range(self.first, self.end):
            piece = data[int(self.start_C[number]) - begin : int(self.end_C[number]) - begin]
            mine = slice(self.chunks.bounds[number], self.chunks.bounds[number + 1])
            within_T = self.chunks.within_T[mine]
            if self.whole:
                rows = decode_chunk(array, piece, f"{file.where}, chunk {self.chunks.chunk_C[number]}")
            else:
                rows = np.frombuffer(piece, array.dtype).reshape(-1, *array.unit_shape)
                within_T = within_T - self.chunks.low_C[number]
            self.out[self.chunks.position_T[mine]] = rows[within_T]


def plan_requests(
    files: Callable[[int], ShardFile],
    array: ArraySpec,
    row_T: Rows,
    out: npt.NDArray[Any],
    *,
    check: bool | None,
) -> list[Request]:
    """What fetches rows of a run's array into `out` [T, D], in the stored dtype.

    `check`: fetch whole chunks and check them; None: where that costs little more. Compressed ones always.
    """
    shards = list(by_shard(row_T, array.shard_rows))
    opened = in_order([_opener(files, shard) for shard, _ in shards], AT_ONCE)
    found = [_touched(file, row_T, mine_T) for file, (_, mine_T) in zip(opened, shards, strict=True)]
    whole = check is True or array.codec != "none" or (check is None and _is_cheap(found))
    return [
        Request(chunks, first, end, *ranges, whole, out)
        for chunks in found
        for ranges in [chunks.ranges(whole=whole)]
        for first, end in coalesce(*ranges)
    ]


def fetch(requests: Sequence[Request]) -> None:
    """Carry out requests, several at once, the bytes under way bounded."""
    largest = max((request.n_bytes for request in requests), default=1)
    for _ in in_order(requests, max(1, min(AT_ONCE, IN_FLIGHT_BYTES // max(1, largest)))):
        pass


def grouped(spans: Iterator[tuple[int, int, int]], most_rows: int) -> Iterator[list[tuple[int, int, int]]]:
    """Consecutive (shard, first, end) of one shard that together reach over at most so many rows."""
    group: list[tuple[int, int, int]] = []
    for span in spans:
        if group and (span[0] != group[0][0] or span[2] - group[0][1] > most_rows):
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def _opener(files: Callable[[int], ShardFile], shard: int) -> Callable[[], ShardFile]:
    return lambda: files(shard)


def _touched(file: ShardFile, row_T: Rows, mine_T: Rows) -> _Chunks:
    local_T = row_T[mine_T] % file.array.shard_rows
    order_T = np.argsort(local_T, kind="stable")
    chunk_T, within_T = np.divmod(local_T[order_T], file.array.chunk_rows)
    firsts = np.flatnonzero(np.diff(chunk_T, prepend=-1))
    bounds = [*firsts.tolist(), len(order_T)]
    return _Chunks(
        file=file,
        chunk_C=chunk_T[firsts],
        low_C=within_T[firsts],
        high_C=within_T[np.array(bounds[1:], dtype=np.int64) - 1],
        position_T=mine_T[order_T],
        within_T=within_T,
        bounds=bounds,
    )


def _is_cheap(found: Sequence[_Chunks]) -> bool:
    wholes, parts = (
        sum(cost_bytes(*chunks.ranges(whole=whole)) for chunks in found) for whole in (True, False)
    )
    return wholes <= CHECK_WORTH * parts
