"""The same extraction by our crew of actors and by Ray Data's actor pool: seconds, loads, what faults do.

    python benchmarks/ray_data.py [--model FOLDER] [--corpus FILE] [--limit N] [--checkpoints N] [--workers N]

Several random initialisations of one model over one text; both run the same code inside a worker (load,
compute, write, receipt), one shard a unit. Ray Data gets them as rows, a block each. Then once more with a
worker killed after the first receipt, and once with a checkpoint that does not load. Hashes are compared.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from common import machine, markdown
from ray.exceptions import RayError
from ray_data_pool import RayDataPool
from ways_to_extract import read_corpus
from workers import arguments_of, prepared

from actstore.capture.source import CheckpointSource
from actstore.cluster.executor import RayExecutor
from actstore.errors import ModelError
from actstore.extract.driver import SHARDS_IN_HAND, RunPlan, extract_runs
from actstore.extract.load import ExtractorArgs, open_checkpoint
from actstore.schema.ports import Extractor, Outcome, Resources
from actstore.schema.receipts import Receipt
from actstore.store.root import create_root

Pool = Callable[[int], AbstractContextManager[Any]]
POOLS: dict[str, Pool] = {
    "ours": lambda n: RayExecutor("local", n),
    "Ray Data": RayDataPool,
    "Ray Data, errors not caught": lambda n: RayDataPool(n, shielded=False),
}
FAULTS = ("none", "a worker is killed", "a checkpoint does not load")


@dataclass
class Seen:
    """What the driver was told."""

    fault: str
    times: list[float] = field(default_factory=list)
    by_worker: dict[str, list[str]] = field(default_factory=dict)
    forward_seconds: float = 0.0

    def receipt(self, plan: RunPlan, receipt: Receipt, _: Outcome) -> None:
        self.times.append(time.perf_counter())
        worker = str(receipt.measured["worker"])
        self.by_worker.setdefault(worker, []).append(plan.checkpoint)
        self.forward_seconds += float(receipt.measured["forward_seconds"])
        if self.fault == "a worker is killed" and len(self.times) == 1:
            os.kill(int(worker.rpartition(":")[2]), signal.SIGKILL)

    @property
    def n_loads(self) -> int:
        """How often a worker turned to another checkpoint."""
        return sum(1 + sum(a != b for a, b in pairwise(names)) for names in self.by_worker.values())


def main() -> None:
    arguments = _arguments()
    rows, hashes = [], dict[str, set[str]]()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for fault in FAULTS:
            for name, pool in POOLS.items():
                if fault != "a checkpoint does not load" and name == "Ray Data, errors not caught":
                    continue
                place = Path(folder, f"{len(rows)}")
                rows.append({"fault": fault, "pool": name, **run(arguments, place, pool, fault, hashes)})
                print(rows[-1], file=sys.stderr, flush=True)
        told = {"machine": machine(Path(folder)), "pools": rows}
    same = all(len(found) == 1 for found in hashes.values())
    if arguments.json:
        print(json.dumps({**told, "same_hashes": same}, indent=1))
    else:
        words = "the same" if same else "NOT the same"
        print(f"{told['machine']}\n\n{markdown(rows)}\n\nThe content of each run is {words} in all stores.")


def run(
    arguments: argparse.Namespace, place: Path, pool: Pool, fault: str, hashes: dict[str, set[str]]
) -> dict[str, object]:
    """One extraction into a store of its own."""
    objects = create_root(str(place))
    model = str(Path(arguments.model).absolute())
    sources = [
        CheckpointSource(name=f"seed-{seed}", model=model, init="random", seed=seed)
        for seed in range(arguments.checkpoints)
    ]
    corpus = read_corpus(arguments.corpus, arguments.limit)
    plans = [prepared(objects, source, corpus) for source in sources]
    broken = sources[-1].name if fault == "a checkpoint does not load" else ""
    checkpoints = {
        source.name: ExtractorArgs(
            source=source, sites=plan.spec.sites, compute_dtype="float32", attention="sdpa", threads=1,
            device="broken" if source.name == broken else "auto",
        )
        for source, plan in zip(sources, plans, strict=True)
    }  # fmt: skip
    seen, ended = Seen(fault), "completes"
    started = time.perf_counter()
    with pool(arguments.workers) as executor:
        begun = time.perf_counter()
        try:
            reports = extract_runs(
                objects, plans, executor, Resources(overlap=SHARDS_IN_HAND), open_extractor=open_or_fail,
                checkpoints=checkpoints, on_receipt=seen.receipt,
            )  # fmt: skip
        except RayError as error:
            reports, ended = [], f"raises {type(error).__name__}"
        seconds = time.perf_counter() - begun
    for report in reports:
        if report.manifest is not None:
            hashes.setdefault(report.plan.spec.run_id, set()).add(report.manifest.content_sha256)
    first = seen.times[0] if seen.times else begun
    return {
        "ends": ended,
        "runs": f"{sum(report.manifest is not None for report in reports)} of {len(plans)}",
        "shards": len(seen.times),
        "start of Ray, s": round(begun - started, 1),
        "until the first shard, s": round(first - begun, 1),
        "all, s": round(seconds, 1),
        "beside the forward, s": round(seconds * arguments.workers - seen.forward_seconds, 1),
        "loads": seen.n_loads,
    }


def open_or_fail(arguments: ExtractorArgs) -> Extractor:
    """Loads a checkpoint, but for the one that is to fail."""
    if arguments.device == "broken":
        raise ModelError("its weights do not load")
    return open_checkpoint(arguments)


def _arguments() -> argparse.Namespace:
    parser = arguments_of(__doc__)
    parser.add_argument("--checkpoints", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
