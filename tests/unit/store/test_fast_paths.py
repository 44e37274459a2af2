"""What was made fast gives what it gave: no copies, threads, maps and blocks change a byte."""

import threading
from functools import partial
from pathlib import Path

import google_crc32c
import ml_dtypes
import numpy as np
import pytest

from actstore.errors import DamagedShardError
from actstore.schema.receipts import ObjectRecord
from actstore.store import folder, precision
from actstore.store.ahead import in_order
from actstore.store.arrays import ArraySpec, encode_shard
from actstore.store.checksum import crc32c
from actstore.store.folder import FolderObjects
from actstore.store.gather import by_shard, gather_rows
from actstore.store.shardfile import ShardFile

C, D, R = 4, 6, 16


def array_spec(
    dtype: object = np.float16, codec: str = "none", unit_shape: tuple[int, ...] = (D,)
) -> ArraySpec:
    return ArraySpec(
        name="L00", n_rows=3 * R, shard_rows=R, chunk_rows=C, unit_shape=unit_shape, dtype=np.dtype(dtype),
        codec=codec,
    )  # fmt: skip


def shard_values(array: ArraySpec, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((R, *array.unit_shape)) * 50).astype(array.dtype)


def stored(place: Path, array: ArraySpec, values: np.ndarray, shard: int = 0) -> ShardFile:
    objects = FolderObjects(place)
    key = array.key(shard)
    objects.create(key, encode_shard(array, values))
    record = ObjectRecord(array=array.name, key=key, bytes=objects.size(key) or 0, sha256="")
    return ShardFile(objects, array, key, record, len(values))


def test_the_checksum_is_the_published_one_and_continues() -> None:
    data = np.frombuffer(b"123456789", np.uint8)
    assert crc32c(b"123456789") == crc32c(data) == 0xE3069283
    assert crc32c(data[4:], crc32c(data[:4])) == 0xE3069283
    many = np.random.default_rng(0).integers(0, 256, 1 << 20, dtype=np.uint8)
    assert crc32c(many) == google_crc32c.value(many)


def test_an_uncompressed_shard_is_written_from_where_its_values_lie() -> None:
    values = shard_values(array_spec())
    parts = encode_shard(array_spec(), values)
    chunks = [part for part in parts if isinstance(part, memoryview)]
    assert len(chunks) == R // C
    assert all(np.shares_memory(np.frombuffer(chunk, np.uint8), values) for chunk in chunks)


def test_parts_of_any_size_are_written_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sizes = [3, folder.WRITE_BACK_BYTES - 1, 0, 70_000, folder.WRITE_BACK_BYTES + 5, 1]
    parts = [rng.integers(0, 256, size, dtype=np.uint8).data for size in sizes]
    objects = FolderObjects(tmp_path)
    assert objects.create("a/b", parts)
    assert objects.read("a/b") == b"".join(parts)
    assert list((tmp_path / ".staging").iterdir()) == []


def test_buffers_are_filled_in_order_and_only_as_far_as_the_object_goes(tmp_path: Path) -> None:
    data = bytes(np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8))
    objects = FolderObjects(tmp_path)
    objects.create("x", [data])
    buffers = [bytearray(3) for _ in range(3 * folder.BUFFERS_A_CALL)]
    views = [memoryview(buffer) for buffer in buffers]
    assert objects.read_into("x", 7, views) == 3 * len(buffers)
    assert b"".join(buffers) == data[7 : 7 + 3 * len(buffers)]
    assert objects.read_into("x", 4990, [memoryview(bytearray(8)), memoryview(bytearray(8))]) == 10
    with pytest.raises(FileNotFoundError):
        objects.read_into("y", 0, views)


@pytest.mark.parametrize("codec", ["none", "zstd", "blosc"])
@pytest.mark.parametrize("unit_shape", [(D,), ()])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16, np.int8])
def test_every_range_of_rows_is_read_into_place(
    tmp_path: Path, dtype: object, unit_shape: tuple[int, ...], codec: str
) -> None:
    array = array_spec(dtype, codec, unit_shape)
    values = shard_values(array)
    file = stored(tmp_path, array, values)
    for first in range(R):
        for end in range(first + 1, R + 1):
            out = np.zeros((end - first, *unit_shape), array.dtype)
            file.read_rows(first, end, out)
            assert np.array_equal(out, values[first:end])
    row_T = np.random.default_rng(1).integers(0, R, 40)
    for check in (True, False):
        assert np.array_equal(file.gather(row_T, check=check), values[row_T])


def test_rows_that_are_not_wanted_count_in_their_chunks_checksum(tmp_path: Path) -> None:
    array = array_spec()
    file = stored(tmp_path, array, shard_values(array))
    path = tmp_path / array.key(0)
    data = bytearray(path.read_bytes())
    data[0] ^= 1  # row 0 of chunk 0
    path.write_bytes(bytes(data))
    file.read_rows(C, 2 * C, np.empty((C, D), np.float16))
    with pytest.raises(DamagedShardError, match="chunk 0"):
        file.read_rows(2, 3, np.empty((1, D), np.float16))
    path.write_bytes(bytes(data[: len(data) // 2]))
    with pytest.raises(DamagedShardError, match="ends before"):
        file.read_rows(2 * C, 4 * C, np.empty((2 * C, D), np.float16))
    path.unlink()
    with pytest.raises(DamagedShardError, match="removed"):
        file.read_rows(0, 1, np.empty((1, D), np.float16))


def test_a_place_of_another_shape_is_refused(tmp_path: Path) -> None:
    file = stored(tmp_path, array_spec(), shard_values(array_spec()))
    for out in (
        np.empty((2, D), np.float32),
        np.empty((3, D), np.float16),
        np.empty((2, 2 * D), np.float16)[:, ::2],
    ):
        with pytest.raises(ValueError, match="do not go into"):
            file.read_rows(0, 2, out)


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_rows_of_many_shards_are_gathered_in_the_order_asked(tmp_path: Path, codec: str) -> None:
    array = array_spec(np.float32, codec)
    values = [shard_values(array, seed) for seed in range(3)]
    files = [stored(tmp_path, array, part, shard) for shard, part in enumerate(values)]
    row_T = np.random.default_rng(2).integers(0, 3 * R, 100)
    out = np.empty((100, D), np.float32)
    gather_rows(files.__getitem__, row_T, R, C, out)
    assert np.array_equal(out, np.concatenate(values)[row_T])
    nothing = np.empty((0, D), np.float32)
    gather_rows(files.__getitem__, row_T[:0], R, C, nothing)
    seen = {shard: row_T[mine_T] // R for shard, mine_T in by_shard(row_T, R)}
    assert sorted(seen) == [0, 1, 2]
    assert all((shards == shard).all() for shard, shards in seen.items())


def test_jobs_ahead_are_bounded_and_in_order() -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def job(number: int) -> int:
        with lock:
            begun.append(number)
        return number

    results = in_order((partial(job, number) for number in range(20)), 3)
    for expected in range(20):
        assert next(results) == expected
        assert max(begun) <= expected + 3
    assert list(results) == []


def test_an_error_of_a_job_reaches_the_reader_in_its_turn() -> None:
    def job(number: int) -> int:
        if number == 2:
            raise DamagedShardError("here")
        return number

    results = in_order((partial(job, number) for number in range(5)), 2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(DamagedShardError, match="here"):
        next(results)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8"])
def test_rounding_in_pieces_is_rounding_at_once(dtype: str) -> None:
    rng = np.random.default_rng(0)
    width = 48
    values = rng.standard_normal((3 * precision.CACHED_VALUES // width + 7, width)).astype(np.float32) * 1e15
    if dtype == "float16":
        values /= np.float32(1e15)
    encoded = precision.encode(values, dtype)
    stored_TD = precision.decode(encoded.values_TD, encoded.scale_T).astype(np.float64)
    exact = values.astype(np.float64)
    relative_T = np.linalg.norm(stored_TD - exact, axis=1) / np.linalg.norm(exact, axis=1)
    found = precision.rounding(values, encoded)
    assert found.n_rows == len(values)
    assert found.relative_l2_sum == pytest.approx(relative_T.sum(), rel=1e-12)
    assert found.relative_l2_max == pytest.approx(relative_T.max(), rel=1e-12)
    into = np.empty(values.shape, precision.read_dtype(dtype))
    precision.decode_into(into, encoded.values_TD, encoded.scale_T)
    assert np.array_equal(into, precision.decode(encoded.values_TD, encoded.scale_T))
