"""What a run asks of a bucket, from its beginning to its manifest, and what others left or changed there."""

import uuid
from collections import Counter
from collections.abc import Iterator

import pytest

from actstore.extract.work import ExtractWork, ShardArgs
from actstore.schema.ports import Unit
from actstore.schema.receipts import Receipt
from actstore.store import paths, runs
from actstore.store.arrays import site_arrays
from actstore.store.bucket import open_bucket
from benchmarks.scale_model import requests
from tests.support.s3_proxy import Proxy, s3_proxy
from tests.support.s3_server import S3Server, environment, variables
from tests.support.small_store import SmallStore, open_formula, prepare


@pytest.fixture
def proxy(s3_running: S3Server) -> Iterator[Proxy]:
    with s3_proxy(s3_running.endpoint) as proxy, variables(environment(proxy.endpoint)):
        yield proxy


@pytest.fixture
def made(proxy: Proxy, s3_running: S3Server) -> SmallStore:
    """A corpus in a bucket, no run yet; requests from here on are noted."""
    store = prepare(s3_running.url(f"asked/{uuid.uuid4().hex}"), n_examples=20)
    proxy.requests.clear()
    return store


def shard_receipts(made: SmallStore) -> list[Receipt]:
    """Every shard of the run done, as a worker hands it back; the run is not sealed."""
    spec = made.specs["base"]
    runs.begin_run(made.objects, spec)
    task = ExtractWork(
        store_url=made.objects.url, open_extractor=open_formula, checkpoints=made.arguments
    ).open("base")
    units = [
        Unit(key=str(shard), group="base", weight=1.0, args=ShardArgs(spec=spec, shard=shard))
        for shard in range(spec.n_shards)
    ]
    return [task.do(unit) for unit in units]


def test_a_run_asks_what_the_page_on_scale_says(proxy: Proxy, made: SmallStore) -> None:
    made.extract()
    seen = [each for each in proxy.requests if not each.path.endswith("ref.json")]
    counted = Counter("LIST" if each.is_list else each.method for each in seen)
    spec = made.specs["base"]
    told = requests(spec.n_shards, len(spec.sites))
    assert {name: counted[name] for name in ("PUT", "HEAD", "GET", "LIST")} == {
        "PUT": told.puts, "HEAD": told.heads, "GET": told.gets, "LIST": told.lists,
    }  # fmt: skip


@pytest.mark.parametrize("there", [0, 1], ids=["the first", "another"])
def test_objects_of_a_lost_worker_are_adopted(proxy: Proxy, made: SmallStore, there: int) -> None:
    """A shard without a receipt: where its first object lies there, none is sent in vain."""
    spec = made.specs["base"]
    before = shard_receipts(made)
    keys = [paths.run(spec.run_id, site_arrays(spec, site)[0].key(0)) for site in spec.sites]
    objects = open_bucket(made.objects.url)
    objects.delete(paths.receipt(spec.run_id, 0))
    for number, key in enumerate(keys):
        if number != there:
            objects.delete(key)
    proxy.requests.clear()
    after = shard_receipts(made)
    assert [one.objects for one in after] == [one.objects for one in before]
    refused = [each for each in proxy.requests if each.method == "PUT" and keys[there] in each.path]
    in_vain = 1  # who adopts makes the name durable once more
    assert len(refused) == (in_vain if there == 0 else in_vain + 1)
