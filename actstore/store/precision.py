"""Precision: how float32 activations become stored values and back, and what that changed."""

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from actstore.schema.receipts import Rounding

STORED = {
    "float32": np.dtype(np.float32),
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "int8": np.dtype(np.int8),
}
LARGEST = {
    "float32": float(np.finfo(np.float32).max),
    "float16": float(np.finfo(np.float16).max),
    "bfloat16": 2.0**127 * (2 - 2.0**-7),
    "int8": 3.4028e38,  # a little less than float32, so that the rounded scale x 127 stays finite
}
"""Largest magnitude that a dtype holds."""
TOLERANCE = {"float32": 1e-3, "float16": 3e-3, "bfloat16": 2e-2, "int8": 3e-2}
"""Largest difference of a row between two environments, relative to its largest magnitude."""
INT8_STEPS = 127.0
CACHED_VALUES = 1 << 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Values as stored; int8 has one scale a row."""

    values_TD: npt.NDArray[Any]
    scale_T: npt.NDArray[np.float32] | None = None


def encode(values_TD: npt.NDArray[np.float32], dtype: str) -> Encoded:
    """float32 [T, D] -> stored values. What does not fit becomes inf: see `misfit`."""
    if dtype == "int8":
        scale_T = np.abs(values_TD).max(axis=1, initial=0.0) / np.float32(INT8_STEPS)
        steps_TD = np.rint(values_TD / np.where(scale_T > 0, scale_T, 1)[:, None])
        return Encoded(values_TD=steps_TD.astype(np.int8), scale_T=scale_T.astype(np.float32))
    with np.errstate(over="ignore"):
        return Encoded(values_TD=values_TD.astype(STORED[dtype], copy=False))


def decode(values_TD: npt.NDArray[Any], scale_T: npt.NDArray[np.float32] | None = None) -> npt.NDArray[Any]:
    """Stored values -> float16 for float16, float32 for all others."""
    if scale_T is not None:
        return values_TD.astype(np.float32) * scale_T[:, None]
    if values_TD.dtype in (np.float16, np.float32):
        return values_TD
    return values_TD.astype(np.float32)


def decode_into(
    out: npt.NDArray[Any], values_TD: npt.NDArray[Any], scale_T: npt.NDArray[np.float32] | None = None
) -> None:
    """As `decode`, into an array of the dtype that is given out."""
    out[...] = values_TD
    if scale_T is not None:
        out *= scale_T[:, None]


def read_dtype(dtype: str) -> np.dtype[Any]:
    """The dtype in which values of a stored dtype are given out."""
    return np.dtype(np.float16 if dtype == "float16" else np.float32)


def misfit(values_TD: npt.NDArray[np.float32], dtype: str) -> tuple[int, float] | None:
    """Row and value of the first value that is not finite or not held by the dtype, None when all fit."""
    limit = LARGEST[dtype]
    # One pass over the extremes: NaN propagates through max, so a clean block costs two reductions.
    if values_TD.size == 0 or max(float(values_TD.max()), -float(values_TD.min())) <= limit:
        return None
    row, unit = np.argwhere(~(np.abs(values_TD) <= limit))[0]
    return int(row), float(values_TD[row, unit])


def dtype_that_holds(value: float) -> str | None:
    """The smallest float dtype that holds a value, None where none does."""
    return next((name for name in ("float16", "bfloat16", "float32") if abs(value) <= LARGEST[name]), None)


def rounding(values_TD: npt.NDArray[np.float32], encoded: Encoded) -> Rounding:
    """What storing changed, over the given rows; rows of zeros count as unchanged."""
    stored_TD = decode(encoded.values_TD, encoded.scale_T)
    if stored_TD is values_TD or len(values_TD) == 0:
        return Rounding(n_rows=len(values_TD))
    norm2_T, error2_T, cross_T = np.empty((3, len(values_TD)))
    # In float64, some rows at a time, so that what is made on the way stays in the processor's cache.
    step = max(1, CACHED_VALUES // values_TD.shape[1])
    for first in range(0, len(values_TD), step):
        rows = slice(first, first + step)
        exact_TD = values_TD[rows].astype(np.float64)
        error_TD = stored_TD[rows] - exact_TD
        norm2_T[rows] = np.vecdot(exact_TD, exact_TD)
        error2_T[rows] = np.vecdot(error_TD, error_TD)
        cross_T[rows] = np.vecdot(exact_TD, error_TD)
    safe_T = np.where(norm2_T > 0, norm2_T, 1.0)
    relative_T = np.sqrt(error2_T / safe_T)
    stored2_T = np.maximum(norm2_T + 2 * cross_T + error2_T, np.finfo(np.float64).tiny)
    # 1 - cos without cancellation: (|x|^2 |q|^2 - (x.q)^2) / (|x||q| (|x||q| + x.q)), the numerator being
    # |x|^2 |e|^2 - (x.e)^2.
    lengths_T = np.sqrt(safe_T * stored2_T)
    inner_T = norm2_T + cross_T
    loss_T = np.maximum(norm2_T * error2_T - cross_T**2, 0.0) / (lengths_T * (lengths_T + np.abs(inner_T)))
    return Rounding(
        n_rows=len(values_TD),
        relative_l2_max=float(relative_T.max()),
        relative_l2_sum=float(relative_T.sum()),
        cosine_loss_sum=float(loss_T.sum()),
    )
