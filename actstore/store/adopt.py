"""Adopt: take over the bytes of a shard's object that another driver made durable first."""

from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.errors import DamagedShardError
from actstore.store.arrays import ArraySpec, index_bytes
from actstore.store.shard import check_index, decode_chunk


def adopt_shard(
    array: ArraySpec, data: bytes, values: npt.NDArray[Any], tolerance: float, where: str
) -> None:
    """Put the rows of a whole stored object into `values` [R, D], which hold what was computed here.

    Rows that neither or only one of the two holds (a poison example there or here) are taken as they lie.
    Raises DamagedShardError when the object is damaged, or when a row differs by more than the tolerance
    (relative to the row's largest magnitude): checksums alone would take another shard's bytes.
    """
    index = check_index(array, data[-index_bytes(array) :], len(data), len(values), where)
    for chunk, (offset, size) in enumerate(index.tolist()):
        mine = values[chunk * array.chunk_rows :][: array.chunk_rows]
        theirs = decode_chunk(array, data[offset : offset + size], f"{where}, chunk {chunk}")
        difference = _difference(theirs, mine)
        if difference > tolerance:
            raise DamagedShardError(
                f"{where}: bytes without a receipt that differ from the values computed now by "
                f"{difference:.2g}, allowed is {tolerance:.2g}; are they another shard's? While no "
                "extraction runs, remove them with `actstore gc STORE --grace 0 --yes`, then extract again"
            )
        mine[:] = theirs


def empty_rows(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Rows [R] that hold no values: rows are filled whole, and only with finite values."""
    if values.dtype == np.int8:
        return np.zeros(len(values), dtype=np.bool_)  # its scales tell
    return np.asarray(np.isnan(values if values.ndim == 1 else values[:, 0]))


def _difference(theirs: npt.NDArray[Any], mine: npt.NDArray[Any]) -> float:
    """The largest relative difference of a row that both hold."""
    theirs_RD, mine_RD = (part.reshape(len(part), -1).astype(np.float32) for part in (theirs, mine))
    held_R = ~(empty_rows(theirs) | empty_rows(mine))
    if mine.dtype == np.int8:
        held_R &= theirs_RD.any(axis=1) & mine_RD.any(axis=1)
    if not held_R.any():
        return 0.0
    scale_R = np.abs(mine_RD[held_R]).max(axis=1)
    difference_R = np.abs(theirs_RD[held_R] - mine_RD[held_R]).max(axis=1)
    return float((difference_R / np.maximum(scale_R, np.finfo(np.float32).tiny)).max())
