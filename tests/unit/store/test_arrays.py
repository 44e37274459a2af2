"""The bytes of a shard are zarr-python's, and the row formula of docs/format.md holds."""

import json
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import zarr
from zarr.codecs import Crc32cCodec

from actstore.errors import DamagedShardError
from actstore.schema.spec import RunSpec
from actstore.store.arrays import ArraySpec, create_metadata, encode_shard, raw_index
from actstore.store.checksum import crc32c
from actstore.store.folder import FolderObjects
from actstore.store.shard import check_index, check_shard, decode_chunk, is_flat

DTYPES = [np.float32, np.float16, ml_dtypes.bfloat16, np.int8]


def array_spec(
    dtype: object, *, codec: str = "none", n_rows: int = 40, unit_shape: tuple[int, ...] = (6,)
) -> ArraySpec:
    return ArraySpec(
        name="L00", n_rows=n_rows, shard_rows=16, chunk_rows=4, unit_shape=unit_shape,
        dtype=np.dtype(dtype), codec=codec,
    )  # fmt: skip


def values_of(array: ArraySpec, n_rows: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.standard_normal((n_rows, *array.unit_shape)) * 50).astype(array.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("unit_shape", [(6,), ()])
def test_uncompressed_shards_are_byte_for_byte_zarrs(
    dtype: object, unit_shape: tuple[int, ...], tmp_path: Path
) -> None:
    array = array_spec(dtype, unit_shape=unit_shape)
    values = values_of(array, array.n_rows)
    reference = zarr.create_array(
        tmp_path, name="L00", shape=values.shape, chunks=(4, *unit_shape), shards=(16, *unit_shape),
        dtype=array.dtype, compressors=(Crc32cCodec(),), fill_value=array.fill_value,
        config={"write_empty_chunks": True},
    )  # fmt: skip
    reference[:] = values
    for shard, (first, end) in enumerate([(0, 16), (16, 32), (32, 40)]):
        mine = b"".join(bytes(part) for part in encode_shard(array, values[first:end]))
        assert mine == (tmp_path / array.key(shard)).read_bytes()


def test_a_row_lies_where_the_format_says() -> None:
    array = array_spec(np.float16)
    values = values_of(array, 16)
    data = b"".join(bytes(part) for part in encode_shard(array, values))
    c, d, item = 4, 6, 2
    for r in range(16):
        offset = (r // c) * (c * d * item + 4) + (r % c) * d * item
        assert np.frombuffer(data, np.float16, d, offset).tolist() == values[r].tolist()
    assert data.endswith(raw_index(array, 16))


@pytest.mark.parametrize("codec", ["none", "zstd", "blosc"])
def test_every_flipped_byte_is_found(codec: str) -> None:
    array = array_spec(np.float16, codec=codec)
    data = b"".join(bytes(part) for part in encode_shard(array, values_of(array, 8)))
    check_shard(array, data, 8, "here")
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with pytest.raises(DamagedShardError, match="verify"):
            check_shard(array, bytes(damaged), 8, "here")


@pytest.mark.parametrize("codec", ["none", "zstd", "blosc"])
def test_a_chunk_that_changed_is_not_decoded(codec: str) -> None:
    array = array_spec(np.float16, codec=codec)
    data = b"".join(bytes(part) for part in encode_shard(array, values_of(array, 8)))
    index = check_index(array, data[-(16 * 4 + 4) :], len(data), 8, "here")
    offset, size = index[1].tolist()
    chunk = bytearray(data[offset : offset + size])
    assert decode_chunk(array, bytes(chunk), "here").shape == (4, 6)
    chunk[-1] ^= 1
    with pytest.raises(DamagedShardError, match="here: its bytes differ from their checksum"):
        decode_chunk(array, bytes(chunk), "here")


ABSENT = (2**64 - 1, 2**64 - 1)


def index_of(*entries: tuple[int, int]) -> bytes:
    """An index of four chunks with its checksum."""
    rows = [*entries, *[ABSENT] * (4 - len(entries))]
    data = b"".join(struct.pack("<QQ", *row) for row in rows)
    return data + struct.pack("<I", crc32c(data))


@pytest.mark.parametrize(
    "entries",
    [
        [(0, 52)],  # a chunk is missing
        [(0, 52), (52, 52), (104, 52)],  # one too many
        [(0, 52), (53, 52)],  # beyond the body
        [(53, 52), (0, 52)],
        [(0, 52), ABSENT],
    ],
)
def test_an_index_of_other_rows_is_refused(entries: list[tuple[int, int]]) -> None:
    """Its checksum is right: it is of another shard, or the object is of another."""
    array, size = array_spec(np.float16), 2 * 52 + 68
    assert check_index(array, index_of((0, 52), (52, 52)), size, 8, "here").tolist() == [[0, 52], [52, 52]]
    with pytest.raises(DamagedShardError, match=f"does not describe 8 rows in {size} bytes"):
        check_index(array, index_of(*entries), size, 8, "here")


def test_chunks_are_addressed_directly_only_where_they_lie_in_order() -> None:
    array = array_spec(np.float16)
    for entries, flat in (
        ([(0, 52), (52, 52)], True),
        ([(52, 52), (0, 52)], False),
        ([(0, 51), (52, 52)], False),
        ([(0, 52), (53, 52)], False),
    ):
        assert is_flat(array, np.array(entries, dtype=np.uint64)) is flat
    assert not is_flat(array_spec(np.float16, codec="zstd"), np.array([[0, 52]], dtype=np.uint64))


@pytest.mark.parametrize("cut", [1, 4, 20, 60])
def test_a_truncated_shard_is_found(cut: int) -> None:
    array = array_spec(np.float16)
    data = b"".join(bytes(part) for part in encode_shard(array, values_of(array, 8)))
    with pytest.raises(DamagedShardError, match="index"):
        check_shard(array, data[:-cut], 8, "here")


@pytest.mark.parametrize("codec", ["none", "zstd", "blosc"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_chunks_decode_to_what_was_encoded(codec: str, dtype: object) -> None:
    array = array_spec(dtype, codec=codec)
    values = values_of(array, 8)
    data = b"".join(bytes(part) for part in encode_shard(array, values))
    index = np.frombuffer(data[-(16 * 4 + 4) : -4], "<u8").reshape(-1, 2)[:2]
    decoded = [decode_chunk(array, data[first : first + size], "here") for first, size in index.tolist()]
    assert np.array_equal(np.concatenate(decoded), values)


@pytest.mark.parametrize("codec", ["none", "zstd", "blosc"])
def test_a_chunk_without_values_is_stored_as_any_other(codec: str) -> None:
    array = array_spec(np.float32, codec=codec)
    values = values_of(array, 8)
    values[:4] = np.nan
    data = b"".join(bytes(part) for part in encode_shard(array, values))
    check_shard(array, data, 8, "here")


@pytest.mark.parametrize(
    "values",
    [np.zeros((8, 5), np.float16), np.zeros((8, 6), np.float32), np.zeros((7, 6), np.float16)],
    ids=["width", "dtype", "rows"],
)
def test_what_is_no_shard_is_not_encoded(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="is no shard of"):
        encode_shard(array_spec(np.float16), values)


def test_other_programs_see_the_arrays_of_a_run(tmp_path: Path) -> None:
    """zarr-python opens the group; each array has its shape, shards, chunks, names of axes and fill value."""
    spec = RunSpec(
        trunk_sha256="0" * 64, text_id="t", tokens_id="k", sites=("L00", "L01"), widths=(3, 2),
        n_rows=48, block_rows=8, blocks_per_shard=2, chunk_rows=4, tokens_per_batch=64, dtype="int8",
    )  # fmt: skip
    create_metadata(FolderObjects(tmp_path), spec)
    place = tmp_path / "runs" / spec.run_id
    group = zarr.open_group(place, mode="r")
    assert RunSpec.from_dict(dict(group.attrs)["actstore"]) == spec
    listed = json.loads((place / "zarr.json").read_text())["consolidated_metadata"]["metadata"]
    assert set(listed) == {"L00", "L00.scale", "L01", "L01.scale"}
    values, scale = group["L01"], group["L01.scale"]
    assert (values.shape, values.shards, values.chunks) == ((48, 2), (16, 2), (4, 2))
    assert (scale.shape, scale.shards, scale.chunks) == ((48,), (16,), (4,))
    assert (values.dtype, scale.dtype) == (np.dtype(np.int8), np.dtype(np.float32))
    assert values.fill_value == 0
    assert np.isnan(scale.fill_value)
    assert values.metadata.dimension_names == ("token", "unit")
    assert scale.metadata.dimension_names == ("token",)
