"""The Zarr v3 data type "bfloat16", which zarr-python 3.1 lacks: two bytes, read by tensorstore as it is."""

import base64
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import ml_dtypes
import numpy as np
from zarr.core.dtype.common import HasEndianness
from zarr.core.dtype.wrapper import TBaseDType, TBaseScalar
from zarr.dtype import DataTypeValidationError, ZDType, data_type_registry

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
ZarrFormat = Literal[2, 3]


@dataclass(frozen=True, kw_only=True, slots=True)
class BFloat16(ZDType[Any, Any], HasEndianness):
    """`bfloat16` of the zarr-extensions registry, little endian (said in the metadata: tensorstore asks)."""

    dtype_cls = type(BFLOAT16)
    _zarr_v3_name: ClassVar[Literal["bfloat16"]] = "bfloat16"
    item_size: ClassVar[int] = 2

    @classmethod
    def from_native_dtype(cls, dtype: TBaseDType) -> Self:
        if dtype == BFLOAT16:
            return cls()
        raise DataTypeValidationError(f"{dtype!r} is not bfloat16")

    def to_native_dtype(self) -> Any:
        return BFLOAT16

    @classmethod
    def _from_json_v2(cls, data: Any) -> Self:
        raise DataTypeValidationError("bfloat16 needs Zarr format 3")

    @classmethod
    def _from_json_v3(cls, data: Any) -> Self:
        if data == cls._zarr_v3_name:
            return cls()
        raise DataTypeValidationError(f"{data!r} is not 'bfloat16'")

    def to_json(self, zarr_format: ZarrFormat) -> Any:
        if zarr_format == 3:
            return self._zarr_v3_name
        raise ValueError("bfloat16 needs Zarr format 3")

    def _check_scalar(self, data: object) -> bool:
        return isinstance(data, float | int | np.floating | np.integer | BFLOAT16.type)

    def cast_scalar(self, data: object) -> TBaseScalar:
        return BFLOAT16.type(data)  # type: ignore[no-any-return]

    def default_scalar(self) -> TBaseScalar:
        return BFLOAT16.type(0)  # type: ignore[no-any-return]

    def to_json_scalar(self, data: object, *, zarr_format: ZarrFormat) -> Any:
        value = float(BFLOAT16.type(data))
        if np.isnan(value):
            return "NaN"
        if np.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return value

    def from_json_scalar(self, data: Any, *, zarr_format: ZarrFormat) -> TBaseScalar:
        if isinstance(data, str) and data.startswith("0x"):
            return np.frombuffer(bytes.fromhex(data[2:])[::-1], BFLOAT16)[0]  # type: ignore[no-any-return]
        if isinstance(data, str) and data not in ("NaN", "Infinity", "-Infinity"):
            return np.frombuffer(base64.standard_b64decode(data), BFLOAT16)[0]  # type: ignore[no-any-return]
        return BFLOAT16.type(float(data))  # type: ignore[no-any-return]


def register() -> None:
    """Make zarr-python know the type in this process; safe to repeat."""
    data_type_registry.register(BFloat16._zarr_v3_name, BFloat16)
