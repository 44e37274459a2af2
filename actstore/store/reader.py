"""RunReader: the stored activations of one run, by row, by example, in order or shuffled.

Trusts receipts, never the presence of bytes. Scans and examples check every checksum they pass; random rows
are read through a map of the file, unchecked unless asked.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.errors import DamagedShardError, IncompleteRunError
from actstore.plan.sequences import SequenceIndex
from actstore.schema.query import Block
from actstore.schema.receipts import Receipt
from actstore.store import cache, paths, precision, runs
from actstore.store.ahead import in_order
from actstore.store.arrays import ArraySpec, site_arrays
from actstore.store.far import fetch, grouped, plan_requests
from actstore.store.gather import by_shard, gather_rows
from actstore.store.objects import Objects
from actstore.store.shardfile import ShardFile
from actstore.store.tokens import read_sequences

OPEN_SHARDS = 512
READ_AHEAD = 3
"""Steps that are read on threads while one is used."""
FAR_STEP_BYTES = 8 << 20
"""What one request of a scan fetches from an object store, where a step is smaller."""
CHECKED_GATHER_BYTES = 64 << 20
"""A gather that touches no more than this checks the chunks it touches; larger ones only map."""
Step = tuple[npt.NDArray[np.int64], npt.NDArray[Any]]


class RunReader:
    """Reads one run. `allow_partial` gives the finished shards of a run that is not complete.

    Raises IncompleteRunError for an incomplete run without `allow_partial`.
    """

    def __init__(self, objects: Objects, run_id: str, *, allow_partial: bool = False) -> None:
        self.objects, self.run_id = objects, run_id
        is_local = objects.local_path("") is not None
        self._cache = None if is_local else cache.from_environment()
        self.is_far = not is_local and self._cache is None
        self.spec = runs.read_spec(objects, run_id)
        self.complete = runs.find_manifest(objects, run_id) is not None
        if not self.complete and not allow_partial:
            done = len(runs.done_shards(objects, run_id))
            raise IncompleteRunError(
                f"run {run_id} has {done} of {self.spec.n_shards} shards; run `actstore extract` again to "
                "finish it, or read with allow_partial=True"
            )
        self._open: OrderedDict[tuple[str, int], ShardFile] = OrderedDict()
        self._lock = Lock()

    @cached_property
    def receipts(self) -> dict[int, Receipt]:
        """Receipts by shard, as they stood at the first reading.

        Raises DamagedShardError when the run was complete and now is not: repaired, or deleted, meanwhile.
        """
        found = runs.read_receipts(self.objects, self.run_id)
        if self.complete and len(found) != self.spec.n_shards:
            raise DamagedShardError(
                f"run {self.run_id} in {self.objects.url} was complete when it was opened, now "
                f"{len(found)} of {self.spec.n_shards} receipts are there: it is being repaired or removed; "
                "run `actstore extract` again, then open it anew"
            )
        return found

    @cached_property
    def quarantined(self) -> frozenset[int]:
        """Examples whose rows hold no values."""
        return frozenset(item.example for receipt in self.receipts.values() for item in receipt.quarantined)

    @cached_property
    def sequences(self) -> SequenceIndex:
        """The sequences with stored values: without quarantined examples and, if partial, missing shards."""
        every = read_sequences(self.objects, self.spec.text_id, self.spec.tokens_id).without(self.quarantined)
        if self.complete:
            return every
        parts = [every.within_rows(*self.spec.shard_range(shard)) for shard in sorted(self.receipts)]
        names = ("example_S", "window_S", "first_row_S", "n_tokens_S")
        empty = every.slice(0, 0)
        return SequenceIndex(
            **{name: np.concatenate([getattr(part, name) for part in [*parts, empty]]) for name in names}
        )

    def gather(
        self,
        site: str,
        row_T: npt.NDArray[np.int64],
        *,
        out: npt.NDArray[Any] | None = None,
        check: bool | None = None,
    ) -> npt.NDArray[Any]:
        """Activations [T, D] of rows in any order, into `out` where given.

        `check`: whether the checksum of every chunk that is touched is checked; None: when that is cheap.
        """
        row_T = np.asarray(row_T, dtype=np.int64)
        if row_T.size and not 0 <= row_T.min() <= row_T.max() < self.spec.n_rows:
            raise IndexError(f"rows {row_T.min()} to {row_T.max()} asked of {self.spec.n_rows}")
        arrays = site_arrays(self.spec, site)
        out = self._out(site, len(row_T), out)
        if self.is_far:
            return self._gather_far(arrays, row_T, out, check=check)
        if check is None:
            touched = np.count_nonzero(np.bincount(row_T // self.spec.chunk_rows))
            check = int(touched) * arrays[0].chunk_bytes <= CHECKED_GATHER_BYTES
        if not check and arrays[0].dtype == out.dtype and out.flags.c_contiguous:
            files = partial(self._file, arrays[0])
            gather_rows(files, row_T, self.spec.shard_rows, self.spec.chunk_rows, out)
            return out
        for shard, mine_T in by_shard(row_T, self.spec.shard_rows):
            local_T = row_T[mine_T] - shard * self.spec.shard_rows
            parts = [self._file(array, shard).gather(local_T, check=check) for array in arrays]
            out[mine_T] = precision.decode(*parts)
        return out

    def examples(self, site: str, first: int, end: int, *, out: npt.NDArray[Any] | None = None) -> Block:
        """Activations of examples `first` to `end`, every checksum checked."""
        chosen = self.sequences.of_examples(first, end)
        values_TD = self.gather(site, chosen.rows(), out=out, check=True)
        example_N, offset_N1 = chosen.by_example()
        return Block(values_TD=values_TD, offset_N1=offset_N1, example_N=example_N)

    def read(self, site: str, *, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Every stored row of a site in order: [T, D], into `out` where given."""
        out = self._out(site, int(self.sequences.n_tokens_S.sum()), out)
        arrays = site_arrays(self.spec, site)
        if self.is_far or self.quarantined or not out.flags.c_contiguous:
            first = 0
            for row_T, values_TD in self.scan(site):
                out[first : first + len(row_T)] = values_TD
                first += len(row_T)
            return out
        spans = list(self._spans(self.spec.block_rows, None))
        first_T = np.cumsum([0, *(end - first for _, first, end in spans)]).tolist()
        jobs = (
            partial(self._fill, arrays, *span, out[begin:end])
            for span, begin, end in zip(spans, first_T, first_T[1:], strict=False)
        )
        for _ in in_order(jobs, READ_AHEAD):
            pass
        return out

    def scan(
        self,
        site: str,
        *,
        rows_per_step: int | None = None,
        shards: Sequence[int] | None = None,
        read_ahead: int = READ_AHEAD,
    ) -> Iterator[Step]:
        """Stored rows in order, in steps of at most a block: (rows [T], values [T, D]).

        Memory: at most (read_ahead + 2) steps, the one the caller holds included; from an object store, of
        what a request fetches, at most FAR_STEP_BYTES or a step. Every checksum is checked.
        """
        spans = self._spans(rows_per_step or self.spec.block_rows, shards)
        arrays = site_arrays(self.spec, site)
        row_bytes = self.spec.width(site) * precision.read_dtype(self.spec.dtype).itemsize
        groups = grouped(spans, FAR_STEP_BYTES // row_bytes if self.is_far else 0)
        jobs = (partial(self._read_group, arrays, group) for group in groups)
        for steps in in_order(jobs, read_ahead):
            yield from steps

    def shuffled(self, site: str, *, seed: int, rows_per_step: int = 4096) -> Iterator[Step]:
        """Every stored row once, in one seeded uniform permutation over the whole run."""
        row_T = np.random.default_rng(seed).permutation(self.sequences.rows())
        for first in range(0, len(row_T), rows_per_step):
            rows = row_T[first : first + rows_per_step]
            yield rows, self.gather(site, rows, check=False)

    def _spans(self, rows_per_step: int, shards: Sequence[int] | None) -> Iterator[tuple[int, int, int]]:
        """(shard, first row, end row) of every used stretch, at most one block each."""
        step = max(1, min(rows_per_step, self.spec.block_rows))
        wanted = sorted(self.receipts) if shards is None else shards
        for shard in wanted:
            first, end = self.spec.shard_range(self._receipt(shard).shard)
            mine = self.sequences.within_rows(first, end)
            used_end_S = mine.first_row_S + mine.n_tokens_S
            for block in range(first, end, self.spec.block_rows):
                last = int(np.searchsorted(mine.first_row_S, block + self.spec.block_rows)) - 1
                if last < 0 or mine.first_row_S[last] < block:
                    continue
                used_end = int(used_end_S[last])
                for row in range(block, used_end, step):
                    yield shard, row, min(row + step, used_end)

    def _read_group(self, arrays: Sequence[ArraySpec], group: Sequence[tuple[int, int, int]]) -> list[Step]:
        """Steps of one shard, by one read of all that lies from the first to the last."""
        shard, first, end = group[0][0], group[0][1], group[-1][2]
        values_TD = np.empty((end - first, *arrays[0].unit_shape), precision.read_dtype(self.spec.dtype))
        self._fill(arrays, shard, first, end, values_TD)
        steps = [(np.arange(low, high, dtype=np.int64), values_TD[low - first : high - first])
                 for _, low, high in group]  # fmt: skip
        if not self.quarantined:
            return steps
        used = self.sequences.within_rows(*self.spec.shard_range(shard)).rows()
        return [
            (row_T[keep_T], values[keep_T]) for row_T, values in steps for keep_T in [np.isin(row_T, used)]
        ]

    def _gather_far(
        self,
        arrays: Sequence[ArraySpec],
        row_T: npt.NDArray[np.int64],
        out: npt.NDArray[Any],
        *,
        check: bool | None,
    ) -> npt.NDArray[Any]:
        direct = arrays[0].dtype == out.dtype
        stored = [np.empty((len(row_T), *array.unit_shape), array.dtype) for array in arrays[direct:]]
        stored = [out, *stored] if direct else stored
        fetch([
            request
            for array, values in zip(arrays, stored, strict=True)
            for request in plan_requests(partial(self._file, array), array, row_T, values, check=check)
        ])  # fmt: skip
        if not direct:
            out[:] = precision.decode(*stored)
        return out

    def _fill(
        self, arrays: Sequence[ArraySpec], shard: int, first: int, end: int, out: npt.NDArray[Any]
    ) -> None:
        """Read consecutive rows of a shard into `out` [T, D], in the dtype that is given out."""
        base = shard * self.spec.shard_rows
        stored = [
            out if array.dtype == out.dtype else np.empty((end - first, *array.unit_shape), array.dtype)
            for array in arrays[:1]
        ]
        stored += [np.empty((end - first, *array.unit_shape), array.dtype) for array in arrays[1:]]
        for array, values in zip(arrays, stored, strict=True):
            self._file(array, shard).read_rows(first - base, end - base, values)
        if stored[0] is not out:
            precision.decode_into(out, *stored)

    def _file(self, array: ArraySpec, shard: int) -> ShardFile:
        with self._lock:
            found = self._open.get((array.name, shard))
            if found is not None:
                self._open.move_to_end((array.name, shard))
                return found
        receipt = self._receipt(shard)
        record = next(item for item in receipt.objects if item.array == array.name)
        key = paths.run(self.run_id, record.key)
        place = self.objects if self._cache is None else self._cache.shard(self.objects, key, record)
        opened = ShardFile(place, array, key, record, receipt.n_rows)
        with self._lock:
            self._open[array.name, shard] = opened
            while len(self._open) > OPEN_SHARDS:
                self._open.popitem(last=False)
        return opened

    def _receipt(self, shard: int) -> Receipt:
        receipt = self.receipts.get(shard)
        if receipt is None:
            raise IncompleteRunError(
                f"run {self.run_id}: shard {shard} is not finished; `actstore extract` finishes it"
            )
        return receipt

    def _out(self, site: str, n_rows: int, out: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
        shape = (n_rows, self.spec.width(site))
        dtype = precision.read_dtype(self.spec.dtype)
        if out is None:
            return np.empty(shape, dtype)
        if out.shape != shape or out.dtype != dtype:
            raise ValueError(f"out is {out.dtype}{out.shape}, needed is {dtype}{shape}")
        return out
