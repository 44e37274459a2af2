"""StoreSource: a store as an ActivationSource, picklable, its runs opened where they are read."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.store import paths
from actstore.store.label_tables import labels_by_hash
from actstore.store.objects import Objects
from actstore.store.parquet import read_table
from actstore.store.reader import RunReader
from actstore.store.root import open_root
from actstore.store.tokens import find_meta, read_tokens, read_word_tokens, text_of_tokens


class StoreSource:
    """Reads complete runs of one store; only its place is pickled."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._objects: Objects | None = None
        self._readers: dict[str, RunReader] = {}
        self._texts: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["url"])  # type: ignore[misc]

    def tokens(self, tokens_id: str, columns: Sequence[str], rows: tuple[int, int] | None = None) -> pa.Table:
        """Columns of a tokenisation's token table, in row order; of all rows or from a first to an end."""
        return read_tokens(self._opened(), self._text_of(tokens_id), tokens_id, columns, rows)

    def word_tokens(self, tokens_id: str, columns: Sequence[str]) -> pa.Table:
        """Columns of a tokenisation's word table, by example and word."""
        return read_word_tokens(self._opened(), self._text_of(tokens_id), tokens_id, columns)

    def n_rows(self, tokens_id: str) -> int:
        """Length of a tokenisation's token axis."""
        meta = find_meta(self._opened(), self._text_of(tokens_id), tokens_id)
        return 0 if meta is None else meta.n_rows

    def labels(self, text_id: str, name: str, hash_: str) -> pa.Table:
        """One label set of a text: of spans, `words`, `examples`, or a column of its treebank as spans."""
        return labels_by_hash(self._opened(), text_id, name, hash_)

    def words(self, text_id: str, columns: Sequence[str]) -> pa.Table:
        """Columns of a text's word table, by example and word."""
        return read_table(self._opened(), paths.text(text_id, "words.parquet"), list(columns))

    def gather(self, run_id: str, site: str, row_T: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Activations [T, D] of the given rows, in that order; checksums are checked where that is cheap."""
        return self._reader(run_id).gather(site, row_T)

    def scan(
        self, run_id: str, site: str, *, rows_per_step: int
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]]:
        """All used rows in order, every checksum checked: (rows [T], activations [T, D])."""
        return self._reader(run_id).scan(site, rows_per_step=rows_per_step)

    def _opened(self) -> Objects:
        if self._objects is None:
            self._objects = open_root(self.url)
        return self._objects

    def _text_of(self, tokens_id: str) -> str:
        if tokens_id not in self._texts:
            self._texts[tokens_id] = text_of_tokens(self._opened(), tokens_id)
        return self._texts[tokens_id]

    def _reader(self, run_id: str) -> RunReader:
        if run_id not in self._readers:
            self._readers[run_id] = RunReader(self._opened(), run_id)
        return self._readers[run_id]
