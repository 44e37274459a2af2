"""What comes out of a store is what went in, by every way of reading."""

from pathlib import Path

import numpy as np
import pytest

from actstore.errors import DamagedShardError, IncompleteRunError
from actstore.store import paths
from actstore.store.reader import RunReader
from tests.support.small_store import SmallStore, prepare, used_rows

PROFILES = [
    ("float32", "none", 0.0),
    ("float16", "none", 2e-3),
    ("bfloat16", "none", 2e-2),
    ("int8", "none", 2e-2),
    ("float16", "zstd", 2e-3),
    ("bfloat16", "blosc", 2e-2),
    ("int8", "zstd", 2e-2),
]
"""dtype, codec, and how far a value may be from what was put in, for values of magnitude 1."""


@pytest.fixture(params=PROFILES, ids=lambda p: f"{p[0]}-{p[1]}")
def profiled(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[SmallStore, float]:
    dtype, codec, bound = request.param
    small = prepare(tmp_path / "store", dtype=dtype, codec=codec)
    assert [report.failures for report in small.extract()] == [()]
    return small, bound


def open_reader(small: SmallStore, **options: bool) -> RunReader:
    return RunReader(small.objects, small.specs["base"].run_id, **options)


def test_every_way_of_reading_gives_the_values_put_in(profiled: tuple[SmallStore, float]) -> None:
    small, bound = profiled
    reader, rows = open_reader(small), used_rows(small)
    rng = np.random.default_rng(0)
    for layer in range(3):
        site = f"L{layer:02d}"
        expected = small.expected("base", layer)
        close = {"rtol": 0, "atol": bound * (layer + 1) + 1e-12}
        np.testing.assert_allclose(reader.read(site), expected, **close)
        order = rng.permutation(len(rows))[:50]
        for check in (True, False, None):
            np.testing.assert_allclose(
                reader.gather(site, rows[order], check=check), expected[order], **close
            )
        for step in (None, 1, 5):
            steps = list(reader.scan(site, rows_per_step=step))
            assert np.concatenate([row_T for row_T, _ in steps]).tolist() == rows.tolist()
            np.testing.assert_allclose(np.concatenate([v for _, v in steps]), expected, **close)


def test_examples_are_blocks_with_offsets(profiled: tuple[SmallStore, float]) -> None:
    small, bound = profiled
    block = open_reader(small).examples("L01", 7, 12)
    lengths = [len(example.words) + 2 for example in small.examples]
    assert np.diff(block.offsets).tolist() == lengths[7:12]
    assert block.example_N.tolist() == list(range(7, 12))
    begin = sum(lengths[:7])
    expected = small.expected("base", 1)[begin : begin + sum(lengths[7:12])]
    np.testing.assert_allclose(block.values, expected, rtol=0, atol=2 * bound + 1e-12)


def test_a_shuffle_gives_every_row_once_and_is_seeded(profiled: tuple[SmallStore, float]) -> None:
    small, _ = profiled
    reader = open_reader(small)

    def orders(seed: int) -> list[int]:
        return np.concatenate([r for r, _ in reader.shuffled("L00", seed=seed, rows_per_step=17)]).tolist()

    assert sorted(orders(1)) == used_rows(small).tolist()
    assert orders(1) == orders(1) != orders(2)


def test_values_go_into_a_given_array(tmp_path: Path) -> None:
    small = prepare(tmp_path / "store")
    small.extract()
    reader = open_reader(small)
    out = np.empty((len(used_rows(small)), 8), np.float32)
    assert reader.read("L02", out=out) is out
    assert np.array_equal(out, small.expected("base", 2))
    with pytest.raises(ValueError, match="needed is float32"):
        reader.read("L02", out=out.astype(np.float64))


def test_rows_beyond_the_axis_are_refused(tmp_path: Path) -> None:
    small = prepare(tmp_path / "store")
    small.extract()
    for row in (-1, small.specs["base"].n_rows):
        with pytest.raises(IndexError):
            open_reader(small).gather("L00", np.array([row]))


def shard_path(small: SmallStore, array: str = "L01", shard: int = 1) -> Path:
    path = small.objects.local_path(paths.run(small.specs["base"].run_id, f"{array}/c/{shard}/0"))
    assert path is not None
    return path


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(bytes(data))


def test_a_sealed_runs_missing_object_is_never_fill_values(profiled: tuple[SmallStore, float]) -> None:
    small, _ = profiled
    shard_path(small).unlink()
    reader = open_reader(small)
    with pytest.raises(DamagedShardError, match="missing"):
        reader.read("L01")
    with pytest.raises(DamagedShardError, match="missing"):
        reader.gather("L01", used_rows(small))
    assert len(reader.read("L00")) == len(used_rows(small))


def test_a_sealed_runs_flipped_byte_is_an_error(profiled: tuple[SmallStore, float]) -> None:
    small, _ = profiled
    flip(shard_path(small), 30)
    reader = open_reader(small)
    for read in (lambda: reader.read("L01"), lambda: reader.gather("L01", used_rows(small)),
                 lambda: reader.examples("L01", 0, 40)):  # fmt: skip
        with pytest.raises(DamagedShardError, match="checksum"):
            read()


def test_a_truncated_or_grown_object_is_an_error(profiled: tuple[SmallStore, float]) -> None:
    small, _ = profiled
    data = shard_path(small).read_bytes()
    for changed in (data[:-1], data + b"x", b""):
        shard_path(small).write_bytes(changed)
        with pytest.raises(DamagedShardError, match="receipt says"):
            open_reader(small).gather("L01", used_rows(small))


def test_a_deleted_receipt_makes_the_run_partial(tmp_path: Path) -> None:
    small = prepare(tmp_path / "store")
    small.extract()
    spec = small.specs["base"]
    small.objects.delete(paths.manifest(spec.run_id))
    small.objects.delete(paths.receipt(spec.run_id, 1))
    with pytest.raises(IncompleteRunError, match=rf"{spec.n_shards - 1} of {spec.n_shards} shards"):
        open_reader(small)
    reader = open_reader(small, allow_partial=True)
    first, end = spec.shard_range(1)
    rows = used_rows(small)
    finished = rows[(rows < first) | (rows >= end)]
    assert np.concatenate([row_T for row_T, _ in reader.scan("L00")]).tolist() == finished.tolist()
    assert len(reader.read("L00")) == len(finished)
    with pytest.raises(IncompleteRunError, match="shard 1"):
        reader.gather("L00", np.array([first]))


def test_a_scan_holds_no_more_than_its_read_ahead(tmp_path: Path) -> None:
    small = prepare(tmp_path / "store", n_examples=200)
    small.extract()
    steps = open_reader(small).scan("L00", read_ahead=2)
    next(steps)
    steps.close()
