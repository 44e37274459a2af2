"""Reading from a bucket by requests that are counted, 20 ms away each; and through a cache on disk."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from actstore.errors import DamagedShardError
from actstore.plan.ranges import REQUEST_BYTES
from actstore.store import paths
from actstore.store.bucket import open_bucket
from actstore.store.reader import RunReader
from tests.support.s3_proxy import Proxy, Request, s3_proxy
from tests.support.s3_server import S3Server, environment, variables
from tests.support.small_store import SmallStore, prepare

WIDTH, SHARD_BLOCKS = 512, 256
LATENCY_SECONDS = 0.02
ROW_BYTES = WIDTH * 4


@pytest.fixture(scope="module")
def wide(s3_running: S3Server) -> SmallStore:
    """About 20,000 rows of 2 KiB in shards of 8 MiB, two sites."""
    with variables(s3_running.environment):
        made = prepare(
            s3_running.url(f"afar/{uuid.uuid4().hex}"), n_examples=2_600, width=WIDTH, n_layers=1,
            blocks_per_shard=SHARD_BLOCKS,
        )  # fmt: skip
        made.extract()
    return made


@pytest.fixture
def proxy(s3_running: S3Server) -> Iterator[Proxy]:
    with s3_proxy(s3_running.endpoint) as proxy, variables(environment(proxy.endpoint)):
        yield proxy


@pytest.fixture
def reader(proxy: Proxy, wide: SmallStore) -> RunReader:
    """An open run; what opening it took is not counted."""
    reader = RunReader(open_bucket(wide.objects.url), wide.specs["base"].run_id)
    assert reader.receipts
    assert len(reader.sequences.n_tokens_S)
    proxy.requests.clear()
    return reader


def of_values(proxy: Proxy) -> list[Request]:
    return [request for request in proxy.requests if "/c/" in request.path]


def expected(wide: SmallStore, reader: RunReader, row_T: np.ndarray, layer: int) -> np.ndarray:
    values = np.full((reader.spec.n_rows, WIDTH), np.nan, np.float32)
    values[reader.sequences.rows()] = wide.expected("base", layer)
    return values[row_T]


def ideal_requests(reader: RunReader, row_T: np.ndarray) -> int:
    """Of the plan that reads each shard in order and starts anew where more than a gap lies between."""
    chunk_rows, n_requests = reader.spec.chunk_rows, 0
    for shard in np.unique(row_T // reader.spec.shard_rows):
        rows = np.unique(row_T[row_T // reader.spec.shard_rows == shard]) % reader.spec.shard_rows
        start = rows * ROW_BYTES + rows // chunk_rows * 4
        n_requests += 1 + int((np.diff(start) - ROW_BYTES > REQUEST_BYTES).sum())
    return n_requests


@pytest.mark.parametrize("pattern", ["5,000 at random", "few", "two heaps", "one"])
def test_rows_cost_few_requests(proxy: Proxy, reader: RunReader, wide: SmallStore, pattern: str) -> None:
    rng = np.random.default_rng(0)
    every = reader.sequences.rows()
    row_T = {
        "5,000 at random": rng.permutation(every)[:5_000],
        "few": rng.permutation(every)[:12],
        "two heaps": np.concatenate([every[:40], every[3_000:3_040], every[-40:]])[::-1],
        "one": every[7:8],
    }[pattern]
    proxy.latency_seconds = LATENCY_SECONDS
    values = reader.gather("L01", row_T)
    np.testing.assert_array_equal(values, expected(wide, reader, row_T, 1))
    made = of_values(proxy)
    assert {request.method for request in made} == {"GET"}
    assert len(made) <= 1.5 * ideal_requests(reader, row_T)
    if pattern == "one":
        assert made[0].n_bytes <= REQUEST_BYTES // 4


def test_a_scan_keeps_the_connection_busy(proxy: Proxy, reader: RunReader, wide: SmallStore) -> None:
    proxy.latency_seconds = LATENCY_SECONDS
    steps = list(reader.scan("L00", rows_per_step=64))
    values = np.concatenate([values for _, values in steps])
    np.testing.assert_array_equal(values, wide.expected("base", 0))
    assert max(len(rows) for rows, _ in steps) <= 64
    made = sorted(of_values(proxy), key=lambda request: request.begun)
    assert len(made) <= 2 * reader.spec.n_shards  # not one a step
    idle, end = 0.0, made[0].ended
    for request in made[1:]:
        idle += max(0.0, request.begun - end)
        end = max(end, request.ended)
    together = sum(request.ended - request.begun for request in made)
    assert idle < 0.3 * (end - made[0].begun)
    assert together > 1.3 * (end - made[0].begun)


def test_read_fills_the_callers_array(reader: RunReader, wide: SmallStore) -> None:
    out = np.empty((int(reader.sequences.n_tokens_S.sum()), WIDTH), np.float32)
    assert reader.read("L01", out=out) is out
    np.testing.assert_array_equal(out, wide.expected("base", 1))


def test_the_cache_fetches_a_shard_once(
    proxy: Proxy, reader: RunReader, wide: SmallStore, tmp_path: Path
) -> None:
    limit = 3 * SHARD_BLOCKS * 16 * (ROW_BYTES + 8)
    with variables({"ACTSTORE_CACHE": str(tmp_path / "cache"), "ACTSTORE_CACHE_BYTES": str(limit)}):
        cached = RunReader(open_bucket(wide.objects.url), reader.run_id)
        row_T = np.random.default_rng(1).permutation(reader.spec.shard_range(0)[1])[:500]
        row_T = row_T[np.isin(row_T, cached.sequences.rows())]
        for _ in range(3):
            np.testing.assert_array_equal(cached.gather("L01", row_T), expected(wide, cached, row_T, 1))
        assert sum(request.n_bytes for request in of_values(proxy)) == cached.receipts[0].objects[1].bytes
        proxy.requests.clear()
        again = RunReader(open_bucket(wide.objects.url), reader.run_id)
        np.testing.assert_array_equal(again.gather("L01", row_T), expected(wide, again, row_T, 1))
        assert of_values(proxy) == []
        # Larger than the cache: it is bounded, and what it let go of stays readable.
        np.testing.assert_array_equal(cached.read("L01"), wide.expected("base", 1))
        np.testing.assert_array_equal(cached.gather("L01", row_T), expected(wide, cached, row_T, 1))
        assert sum(entry.stat().st_size for entry in os.scandir(tmp_path / "cache" / "shards")) <= limit


def test_damage_is_seen_through_either(s3: S3Server, tmp_path: Path) -> None:
    made = prepare(s3.url(f"damaged/{uuid.uuid4().hex}"), n_examples=30)
    made.extract()
    spec = made.specs["base"]
    key = paths.run(spec.run_id, "L01/c/0/0")
    data = bytearray(made.objects.read(key))
    data[5] ^= 1
    made.objects.delete(key)
    made.objects.create(key, [bytes(data)])
    rows = np.arange(3)
    for more in ({}, {"ACTSTORE_CACHE": str(tmp_path / "cache")}):
        with variables(more), pytest.raises(DamagedShardError, match="verify STORE --repair"):
            RunReader(made.objects, spec.run_id).gather("L01", rows, check=True)
    for broken in (bytes(data[:100]), None):
        made.objects.delete(key)
        if broken is not None:
            made.objects.create(key, [broken])
        with pytest.raises(DamagedShardError, match="verify STORE --repair"):
            list(RunReader(made.objects, spec.run_id).scan("L01"))
