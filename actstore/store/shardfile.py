"""ShardFile: one stored object opened for reading, by chunk or as a map of rows."""

from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.errors import DamagedShardError
from actstore.schema.receipts import ObjectRecord
from actstore.store.arrays import CRC_BYTES, ArraySpec, index_bytes
from actstore.store.objects import Objects
from actstore.store.shard import check_index, damage, decode_chunk, is_flat


class ShardFile:
    """A shard's object, its index checked against its receipt at opening.

    Raises DamagedShardError when the object is missing, of another size, or its index is damaged.
    """

    def __init__(
        self, objects: Objects, array: ArraySpec, key: str, record: ObjectRecord, n_rows: int
    ) -> None:
        self.objects, self.array, self.key, self.n_rows = objects, array, key, n_rows
        self.where = f"{objects.url}/{key}"
        size = objects.size(key)
        if size != record.bytes:
            found = "it is missing" if size is None else f"it has {size} bytes"
            raise DamagedShardError(damage(self.where, f"{found}, its receipt says {record.bytes} bytes"))
        tail_bytes = index_bytes(array)
        tail = self._read(size - tail_bytes, tail_bytes)
        self.index = check_index(array, tail, size, n_rows, self.where)
        self.flat = is_flat(array, self.index)
        self._map = self._open_map(size) if self.flat else None

    def read_chunks(self, first: int, end: int) -> npt.NDArray[Any]:
        """The rows [(end - first) * c, D] of consecutive chunks, every checksum checked."""
        lengths = self.index[first:end, 1].tolist()
        starts = self.index[first:end, 0].tolist()
        if starts and starts == list(np.cumsum([starts[0], *lengths[:-1]])):
            data = self._read(starts[0], sum(lengths))
            pieces = [
                data[start - starts[0] :][:length] for start, length in zip(starts, lengths, strict=True)
            ]
        else:
            pieces = [self._read(*span) for span in zip(starts, lengths, strict=True)]
        out = np.empty((len(pieces) * self.array.chunk_rows, *self.array.unit_shape), self.array.dtype)
        for i, piece in enumerate(pieces):
            where = f"{self.where}, chunk {first + i}"
            out[i * self.array.chunk_rows :][: self.array.chunk_rows] = decode_chunk(self.array, piece, where)
        return out

    def gather(self, row_T: npt.NDArray[np.int64], *, check: bool) -> npt.NDArray[Any]:
        """The given rows of this shard, in their order; a map of the file is used where there is one."""
        chunk_T, within_T = np.divmod(row_T, self.array.chunk_rows)
        if self._map is not None and not check:
            return np.asarray(self._map[chunk_T, within_T])
        out = np.empty((len(row_T), *self.array.unit_shape), self.array.dtype)
        for chunk in np.unique(chunk_T).tolist():
            mine = chunk_T == chunk
            out[mine] = self.read_chunks(chunk, chunk + 1)[within_T[mine]]
        return out

    def _read(self, start: int, length: int) -> bytes:
        try:
            return self.objects.read_range(self.key, start, length)
        except FileNotFoundError:
            raise DamagedShardError(damage(self.where, "it was removed while it was read")) from None

    def _open_map(self, size: int) -> npt.NDArray[Any] | None:
        """The rows as a strided view [chunk, row, unit] of the mapped file; the checksums lie between."""
        path = self.objects.local_path(self.key)
        if path is None or not len(self.index):
            return None
        array = self.array
        row_bytes = array.chunk_bytes // array.chunk_rows
        strides = (array.chunk_bytes + CRC_BYTES, row_bytes, array.dtype.itemsize)
        try:
            data = np.memmap(path, dtype=np.uint8, mode="r", shape=(size,))
        except FileNotFoundError:
            raise DamagedShardError(damage(self.where, "it was removed while it was read")) from None
        return np.ndarray(
            (len(self.index), array.chunk_rows, *array.unit_shape),
            dtype=array.dtype,
            buffer=data.data,
            strides=strides[: 2 + len(array.unit_shape)],
        )
