"""ShardFile: one stored object opened for reading, by chunk or as a map of rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.errors import DamagedShardError
from actstore.schema.receipts import ObjectRecord
from actstore.store.arrays import CRC_BYTES, ArraySpec, index_bytes, raw_index
from actstore.store.objects import Readable
from actstore.store.shard import check_index, damage, decode_chunk, is_flat
from actstore.store.span import Span

REMOVED = "it was removed while it was read"


class ShardFile:
    """A shard's object, its index checked against its receipt at opening.

    Raises DamagedShardError when the object is missing, of another size, or its index is damaged; of an
    uncompressed shard in an object store when that is read.
    """

    def __init__(
        self, objects: Readable, array: ArraySpec, key: str, record: ObjectRecord, n_rows: int
    ) -> None:
        self.objects, self.array, self.key, self.n_rows = objects, array, key, n_rows
        self.where = f"{objects.url}/{key}"
        size = record.bytes
        self.index = check_index(array, self._tail(record), size, n_rows, self.where)
        self.flat = is_flat(array, self.index)
        self._rows = self._open_map(size) if self.flat else None

    def read_chunks(self, first: int, end: int) -> npt.NDArray[Any]:
        """The rows [(end - first) * c, D] of consecutive chunks, every checksum checked."""
        lengths = self.index[first:end, 1].tolist()
        starts = self.index[first:end, 0].tolist()
        if starts and starts == list(np.cumsum([starts[0], *lengths[:-1]])):
            data = self.read_range(starts[0], sum(lengths))
            pieces = [
                data[start - starts[0] :][:length] for start, length in zip(starts, lengths, strict=True)
            ]
        else:
            pieces = [self.read_range(*span) for span in zip(starts, lengths, strict=True)]
        out = np.empty((len(pieces) * self.array.chunk_rows, *self.array.unit_shape), self.array.dtype)
        for i, piece in enumerate(pieces):
            where = f"{self.where}, chunk {first + i}"
            out[i * self.array.chunk_rows :][: self.array.chunk_rows] = decode_chunk(self.array, piece, where)
        return out

    def read_rows(self, first: int, end: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` [T, D], contiguous, with rows `first` to `end`, their chunks' checksums checked."""
        c = self.array.chunk_rows
        low, high = first // c, -(-end // c)
        if not self.flat:
            out[:] = self.read_chunks(low, high)[first - low * c :][: end - first]
            return
        rows = Span(self.array, first, end, out)
        read = self._read_into(int(self.index[low, 0]), rows.buffers())
        if read < rows.n_bytes:
            raise DamagedShardError(damage(self.where, "it ends before its last chunk"))
        rows.check(self.where)

    def gather(self, row_T: npt.NDArray[np.int64], *, check: bool) -> npt.NDArray[Any]:
        """The given rows of this shard, in their order; a map of the file is used where there is one."""
        chunk_T, within_T = np.divmod(row_T, self.array.chunk_rows)
        if not check:
            values = self.items(chunk_T, within_T).view(self.array.dtype)
            return values.reshape(len(row_T), *self.array.unit_shape)
        return self._checked(chunk_T, within_T)

    def items(self, chunk_T: npt.NDArray[np.int64], within_T: npt.NDArray[np.int64]) -> npt.NDArray[np.void]:
        """Rows by chunk and row within it, each as one item of bytes, unchecked where the file is mapped."""
        if self._rows is not None:
            return self._rows[chunk_T, within_T]
        values = self._checked(chunk_T, within_T)
        return values.view(np.uint8).reshape(-1).view(_item(self.array))

    def _checked(self, chunk_T: npt.NDArray[np.int64], within_T: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        out = np.empty((len(chunk_T), *self.array.unit_shape), self.array.dtype)
        order_T = np.argsort(chunk_T, kind="stable")
        bounds = np.flatnonzero(np.diff(chunk_T[order_T], prepend=-1)).tolist()
        c = self.array.chunk_rows
        chunk_rows = np.empty((c, *self.array.unit_shape), self.array.dtype)
        for begin, end in zip(bounds, [*bounds[1:], len(order_T)], strict=True):
            mine_T = order_T[begin:end]
            chunk = int(chunk_T[mine_T[0]])
            self.read_rows(chunk * c, (chunk + 1) * c, chunk_rows)
            out[mine_T] = chunk_rows[within_T[mine_T]]
        return out

    def read_range(self, start: int, length: int) -> bytes:
        """Bytes of the object, fewer where it ends. Raises DamagedShardError where it is gone."""
        try:
            return self.objects.read_range(self.key, start, length)
        except FileNotFoundError:
            raise DamagedShardError(damage(self.where, REMOVED)) from None

    def _read_into(self, start: int, buffers: Sequence[memoryview]) -> int:
        try:
            return self.objects.read_into(self.key, start, buffers)
        except FileNotFoundError:
            raise DamagedShardError(damage(self.where, REMOVED)) from None

    def _tail(self, record: ObjectRecord) -> bytes:
        """The index as it lies there; that of an uncompressed distant shard follows from its rows."""
        if self.objects.local_path(self.key) is None and self.array.codec == "none":
            return raw_index(self.array, self.n_rows)
        if self.objects.local_path(self.key) is not None:
            size = self.objects.size(self.key)
            if size != record.bytes:
                found = "it is missing" if size is None else f"it has {size} bytes"
                raise DamagedShardError(damage(self.where, f"{found}, its receipt says {record.bytes} bytes"))
        tail_bytes = index_bytes(self.array)
        return self.read_range(record.bytes - tail_bytes, tail_bytes)

    def _open_map(self, size: int) -> npt.NDArray[np.void] | None:
        """The mapped file as [chunk, row], an item being a row's bytes; the checksums lie between.

        Whole rows as items are gathered several times faster than values of two or four bytes.
        """
        path = self.objects.local_path(self.key)
        if path is None or not len(self.index):
            return None
        array, item = self.array, _item(self.array)
        try:
            data = np.memmap(path, dtype=np.uint8, mode="r", shape=(size,))
        except FileNotFoundError:
            raise DamagedShardError(damage(self.where, REMOVED)) from None
        return np.ndarray(
            (len(self.index), array.chunk_rows),
            dtype=item,
            buffer=data.data,
            strides=(array.chunk_bytes + CRC_BYTES, item.itemsize),
        )


def _item(array: ArraySpec) -> np.dtype[np.void]:
    """A row's bytes as one item."""
    return np.dtype((np.void, array.chunk_bytes // array.chunk_rows))
