"""HeldRows: chosen rows of a run at some layers, in memory. Knows no probe and no label."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from actstore.errors import WorkError
from actstore.schema.ports import ActivationSource
from actstore.schema.refs import layer_site

Ints = npt.NDArray[np.int64]
ROWS_PER_READ = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRows:
    """R rows of the token axis, ascending, at L layers, in the dtype of the run's values."""

    row_R: Ints
    layers: tuple[int, ...]
    value_LRD: Tensor

    @property
    def n_bytes(self) -> int:
        return self.value_LRD.numel() * self.value_LRD.element_size()

    def batch(self, row_T: Ints, device: torch.device) -> Tensor:
        """Rows of the token axis, each among those held, at every layer: [L, T, D] float32."""
        place_T = torch.from_numpy(np.searchsorted(self.row_R, row_T))
        return self.value_LRD.index_select(1, place_T.to(self.value_LRD.device)).to(device).float()


def hold(source: ActivationSource, run_id: str, layers: Sequence[int], row_R: Ints) -> HeldRows:
    """Read rows (ascending, each once) of a run, a layer after the other.

    Raises WorkError for a row whose values are not finite.
    """
    values: Tensor | None = None
    for at, layer in enumerate(layers):
        for first in range(0, max(1, len(row_R)), ROWS_PER_READ):
            row_T = row_R[first : first + ROWS_PER_READ]
            value_TD = source.gather(run_id, layer_site(layer), row_T)
            _refuse_bad(value_TD, row_T, f"run {run_id}, {layer_site(layer)}")
            read = torch.from_numpy(np.ascontiguousarray(value_TD))
            if values is None:
                values = torch.empty((len(layers), len(row_R), read.shape[1]), dtype=read.dtype)
            values[at, first : first + len(row_T)] = read
    if values is None:
        raise WorkError(f"run {run_id}: no layer was asked for; name at least one")
    return HeldRows(row_R=row_R, layers=tuple(layers), value_LRD=values)


def _refuse_bad(value_TD: npt.NDArray[np.floating], row_T: Ints, where: str) -> None:
    bad_T = ~np.isfinite(value_TD).all(axis=1)
    if bad_T.any():
        row = int(row_T[np.argmax(bad_T)])
        raise WorkError(f"{where}: row {row} is not finite; check the run with `actstore verify`")
