"""What each way of extracting left on the disk, read again: a whole layer, and random tokens of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import datasets
import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from actstore.store.reader import RunReader
from actstore.store.root import open_root

Rows = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Files:
    """A layer as one way stored it."""

    n_tokens: int
    layer: Callable[[], Rows]
    rows: Callable[[Places], Rows]
    """Of tokens by their number in the order stored."""


def stored_in_actstore(place: Path, site: str) -> Files:
    objects = open_root(str(place))
    (run_id,) = objects.children("runs")
    reader = RunReader(objects, run_id)
    row_T = reader.sequences.rows()
    return Files(len(row_T), lambda: reader.read(site), lambda at: reader.gather(site, row_T[at]))


class NumpyFiles:
    """A file a batch, [site, token, unit]; each is mapped, so that a layer alone is read."""

    def __init__(self, place: Path, site: int) -> None:
        self.maps = [np.load(path, mmap_mode="r")[site] for path in sorted(place.iterdir())]
        self.end_N = np.cumsum([len(part) for part in self.maps])

    def layer(self) -> Rows:
        return np.concatenate(self.maps)

    def rows(self, at: Places) -> Rows:
        found = np.empty((len(at), self.maps[0].shape[1]), np.float32)
        file_T = np.searchsorted(self.end_N, at, side="right")
        for number in np.unique(file_T):
            mine = file_T == number
            found[mine] = self.maps[number][at[mine] - self.end_N[number] + len(self.maps[number])]
        return found


def stored_in_numpy(place: Path, site: int) -> Files:
    files = NumpyFiles(place, site)
    return Files(int(files.end_N[-1]), files.layer, files.rows)


def stored_in_hdf5(place: Path, site: int) -> Files:
    dataset = h5py.File(place / "states.h5")[f"{site}"]

    def rows(at: Places) -> Rows:
        places, back = np.unique(at, return_inverse=True)  # HDF5 wants them sorted, each once
        return np.asarray(dataset[places])[back]

    return Files(len(dataset), lambda: np.asarray(dataset[:]), rows)


def stored_in_parquet(place: Path, site: int) -> Files:
    path = place / "states.parquet"

    def layer() -> Rows:
        column = pq.read_table(path, columns=[f"{site}"]).column(0)
        flat = pa.chunked_array([chunk.flatten() for chunk in column.chunks]).to_numpy()
        return np.asarray(flat, np.float32).reshape(len(column), -1)

    return Files(pq.ParquetFile(path).metadata.num_rows, layer, lambda at: layer()[at])


def stored_in_neurox(place: Path, layer: int) -> Files:
    """A data set a sentence, [layer, word, unit]; a row is a word."""
    file = h5py.File(place / "states.hdf5")
    end_S = np.cumsum([file[f"{number}"].shape[1] for number in range(len(file) - 1)])  # one is the sentences

    def rows(at: Places) -> Rows:
        sentence_T = np.searchsorted(end_S, at, side="right")
        found = np.empty((len(at), file["0"].shape[2]), np.float32)
        for number in np.unique(sentence_T):
            mine, part = sentence_T == number, file[f"{number}"][layer]
            found[mine] = part[at[mine] - end_S[number] + len(part)]
        return found

    def whole() -> Rows:
        return np.concatenate([file[f"{number}"][layer] for number in range(len(end_S))])

    return Files(int(end_S[-1]), whole, rows)


class SaelensFiles:
    """A data set of windows, one column of [window, token, unit]."""

    def __init__(self, place: Path, hook: str) -> None:
        self.hook = hook
        self.windows = datasets.load_from_disk(str(place / hook)).with_format("numpy", columns=[hook])

    @cached_property
    def context(self) -> int:
        """Tokens of a window."""
        return len(self.windows[0][self.hook])

    def layer(self) -> Rows:
        found = np.asarray(self.windows[:][self.hook])
        return found.reshape(-1, found.shape[-1])

    def rows(self, at: Places) -> Rows:
        windows, back = np.unique(at // self.context, return_inverse=True)
        return np.asarray(self.windows[windows][self.hook])[back, at % self.context]


def stored_in_saelens(place: Path, hook: str) -> Files:
    files = SaelensFiles(place, hook)
    return Files(len(files.windows) * files.context, files.layer, files.rows)
