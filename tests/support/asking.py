"""Asking a small store, and the parts of an answer that tests compare."""

from typing import Any

import numpy as np
import pyarrow as pa

from actstore.session import Store
from tests.support.small_store import SmallStore

Place = tuple[int, int]


def ask(store: SmallStore, checkpoints: str | list[str] = "base", **query: Any) -> pa.Table:
    query = {"layers": [1], **query} if "sites" not in query else query
    return Store(store.objects).query(checkpoints, "small", **query).read_all()


def places(table: pa.Table) -> list[Place]:
    """(example, token) or (example, word) of an answer."""
    return list(zip(*(table.column(i).to_pylist() for i in (2, 3)), strict=True))


def values(table: pa.Table) -> np.ndarray:
    return np.array(table.column("activation").to_pylist(), dtype=np.float32)


def row_of(store: SmallStore) -> dict[Place, int]:
    table = store.tables.tokens
    return {(row["example"], row["token"]): row["row"] for row in table.to_pylist() if row["best_context"]}
