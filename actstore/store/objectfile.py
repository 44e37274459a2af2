"""ObjectFile: a stored object as a file that can be read anywhere in, each read a range of it."""

import io
import os

from actstore.store.objects import Objects


class ObjectFile(io.RawIOBase):
    """Reads ranges of one object; what is asked for is what is fetched. Nothing is sent before it is read.

    Raises FileNotFoundError where the object is missing.
    """

    def __init__(self, objects: Objects, key: str) -> None:
        self._objects, self._key = objects, key
        self._position = 0
        self._size: int | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        self._position = offset + (self._length() if base is None else base)
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._length() - self._position)
        data = self._objects.read_range(
            self._key, self._position, left if size is None or size < 0 else min(size, left)
        )
        self._position += len(data)
        return data

    def _length(self) -> int:
        if self._size is None:
            self._size = self._objects.size(self._key)
        if self._size is None:
            raise FileNotFoundError(f"{self._objects.url}/{self._key}")
        return self._size
