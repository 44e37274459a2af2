"""Keep: where parts of an analysis leave their sums for those who merge them. A port: store and memory."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from actstore.errors import WorkError

Arrays = Mapping[str, npt.NDArray[Any]]


class Keep(Protocol):
    """Arrays by key. Picklable; what is kept is kept whole or not at all."""

    def put(self, key: str, arrays: Arrays) -> None:
        """Keep arrays; a key that is there stays as it is."""
        ...

    def get(self, key: str) -> dict[str, npt.NDArray[Any]]: ...


class MemoryKeep:
    """Kept in this process."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, npt.NDArray[Any]]] = {}

    def put(self, key: str, arrays: Arrays) -> None:
        """Keep a copy."""
        self.kept.setdefault(key, {name: np.array(value) for name, value in arrays.items()})

    def get(self, key: str) -> dict[str, npt.NDArray[Any]]:
        """What was kept. Raises WorkError where nothing was."""
        if key not in self.kept:
            raise WorkError(f"the sums {key} are not there; run the analysis again")
        return self.kept[key]
