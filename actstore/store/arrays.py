"""The Zarr v3 arrays of a run: their metadata, and the bytes of one shard as zarr-python would write them.

Uncompressed shards are laid out here (rows, each chunk followed by its crc32c, then the index), because that
is several times faster than the general pipeline; the bytes are the same (a test compares them).
"""

import struct
import warnings
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec
from zarr.errors import ZarrUserWarning
from zarr.storage import MemoryStore

from actstore.schema.spec import RunSpec
from actstore.store.checksum import crc32c
from actstore.store.objects import Buffer, Objects
from actstore.store.paths import run as run_key
from actstore.store.paths import shard_object
from actstore.store.precision import STORED

CRC_BYTES = 4
ABSENT = 2**64 - 1
SCALE = ".scale"
_WARNINGS = Lock()
"""Which warnings are shown is one setting of the whole process, and runs are begun by several threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySpec:
    """One Zarr array of a run: a site's values, or the row scales of an int8 site."""

    name: str
    n_rows: int
    shard_rows: int
    chunk_rows: int
    unit_shape: tuple[int, ...]
    """(D,) for values, () for scales."""
    dtype: np.dtype[Any]
    codec: str

    @property
    def chunk_bytes(self) -> int:
        """Bytes of an inner chunk without its checksum."""
        return self.chunk_rows * int(np.prod(self.unit_shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def chunks_per_shard(self) -> int:
        return self.shard_rows // self.chunk_rows

    @property
    def fill_value(self) -> Any:
        return 0 if self.dtype == np.int8 else float("nan")

    def key(self, shard: int) -> str:
        """Key of a shard's object below the run's folder."""
        return shard_object(self.name, shard, two_dimensional=bool(self.unit_shape))


def site_arrays(spec: RunSpec, site: str) -> tuple[ArraySpec, ...]:
    """The arrays of a site: values, and for int8 the scales."""
    shared = {"n_rows": spec.n_rows, "shard_rows": spec.shard_rows, "chunk_rows": spec.chunk_rows}
    values = ArraySpec(
        name=site,
        unit_shape=(spec.width(site),),
        dtype=STORED[spec.dtype],
        codec=spec.codec,
        **shared,
    )
    if spec.dtype != "int8":
        return (values,)
    scale = ArraySpec(
        name=site + SCALE,
        unit_shape=(),
        dtype=np.dtype(np.float32),
        codec=spec.codec,
        **shared,
    )
    return values, scale


def create_metadata(objects: Objects, spec: RunSpec) -> None:
    """Create the run's group and array metadata where they are missing; deterministic bytes."""
    made: dict[str, Any] = {}
    store = MemoryStore(made)
    zarr.create_group(store, attributes={"actstore": spec.to_dict()})
    for site in spec.sites:
        for array in site_arrays(spec, site):
            _create_array(store, array)
    with _WARNINGS, warnings.catch_warnings():
        # Readers that do not know this extension ignore it; those that do (zarr-python, xarray) open a run
        # without listing its folder, where our own records lie too.
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(store)
    for key, buffer in sorted(made.items()):
        objects.create(run_key(spec.run_id, key), [buffer.to_bytes()])


def encode_shard(array: ArraySpec, values: npt.NDArray[Any]) -> list[Buffer]:
    """The bytes of a shard's object, in parts; `values` holds its rows, a whole number of chunks.

    Parts of an uncompressed shard are views of `values`, which must not change before they are written.
    """
    if values.shape[1:] != array.unit_shape or values.dtype != array.dtype or len(values) % array.chunk_rows:
        raise ValueError(f"{array.name}: {values.dtype}{values.shape} is no shard of {array}")
    return _encode_raw(array, values) if array.codec == "none" else _encode_with_zarr(array, values)


def index_bytes(array: ArraySpec) -> int:
    """Bytes of the index at a shard's end."""
    return 16 * array.chunks_per_shard + CRC_BYTES


def raw_index(array: ArraySpec, n_rows: int) -> bytes:
    """The index of an uncompressed shard of `n_rows` rows, with its checksum."""
    n_chunks = n_rows // array.chunk_rows
    size = array.chunk_bytes + CRC_BYTES
    index = np.full((array.chunks_per_shard, 2), ABSENT, dtype="<u8")
    index[:n_chunks, 0] = np.arange(n_chunks, dtype=np.uint64) * size
    index[:n_chunks, 1] = size
    data = index.tobytes()
    return data + struct.pack("<I", crc32c(data))


def _encode_raw(array: ArraySpec, values: npt.NDArray[Any]) -> list[Buffer]:
    # The checksum is taken of the array as it lies, so nothing is copied on the way to the file.
    flat = np.ascontiguousarray(values).view(np.uint8).reshape(-1)
    parts: list[Buffer] = []
    for first in range(0, len(flat), array.chunk_bytes):
        data = flat[first : first + array.chunk_bytes]
        parts += [data.data, struct.pack("<I", crc32c(data))]
    return [*parts, raw_index(array, len(values))]


def _encode_with_zarr(array: ArraySpec, values: npt.NDArray[Any]) -> list[Buffer]:
    made: dict[str, Any] = {}
    # As shard 0 of an array of just these rows: a shard's bytes do not depend on its place.
    target = _create_array(MemoryStore(made), replace(array, n_rows=len(values)))
    target[:] = values
    return [made[array.key(0)].to_bytes()]


def _create_array(store: MemoryStore, array: ArraySpec) -> Any:
    compressors: dict[str, tuple[Any, ...]] = {
        "none": (),
        "zstd": (ZstdCodec(level=1),),
        "blosc": (BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle", typesize=array.dtype.itemsize),),
    }
    return zarr.create_array(
        store,
        name=array.name,
        shape=(array.n_rows, *array.unit_shape),
        chunks=(array.chunk_rows, *array.unit_shape),
        shards=(array.shard_rows, *array.unit_shape),
        dtype=array.dtype,
        compressors=(*compressors[array.codec], Crc32cCodec()),
        fill_value=array.fill_value,
        dimension_names=("token", "unit")[: 1 + len(array.unit_shape)],
        config={"write_empty_chunks": True},
    )
