"""StoredSums: what parts of an analysis leave for those who merge them, beside the result. Picklable."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.errors import WorkError
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.root import open_root

SUFFIX = ".npz"


class StoredSums:
    """Arrays by key, as parts/<key>.npz of one result; only its place is pickled."""

    def __init__(self, url: str, kind: str, name: str, result_id: str) -> None:
        self.url, self.folder = url, paths.result(kind, name, result_id, "parts")
        self._objects: Objects | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url, "folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.url, self.folder, self._objects = state["url"], state["folder"], None

    def done(self) -> set[str]:
        """Keys that are there."""
        names = self._opened().children(self.folder)
        return {name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)}

    def put(self, key: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Store arrays; a key that is there stays as it is."""
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **arrays)
        self._opened().create(self._key(key), [file.getbuffer()])

    def get(self, key: str) -> dict[str, npt.NDArray[Any]]:
        """Stored arrays. Raises WorkError where there are none."""
        try:
            data = self._opened().read(self._key(key))
        except FileNotFoundError:
            raise WorkError(
                f"{self.url}/{self._key(key)} is not there: another session finished or removed the "
                "analysis; run it again"
            ) from None
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            return {name: found[name] for name in found.files}

    def drop(self) -> None:
        """Remove all of them: the result they were for is there."""
        for key in self.done():
            self._opened().delete(self._key(key))

    def _key(self, key: str) -> str:
        return f"{self.folder}/{key}{SUFFIX}"

    def _opened(self) -> Objects:
        if self._objects is None:
            self._objects = open_root(self.url)
        return self._objects
