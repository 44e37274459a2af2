"""Scale: the cost model against measurements, and 1,000 checkpoints x 10^9 tokens on 64 GPUs by simulation.

    python benchmarks/scale.py [--workers N] [--life-hours H] [--no-server] [--json]

Prints the tables of docs/scale.md. Requests are counted at an S3 server on loopback; the crew is simulated
with the scheduler's own code; a GPU's rates, its network's, and prices are assumed (scale_model.py).
"""

import argparse
import json
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from common import markdown

sys.path.insert(0, str(Path(__file__).parents[1]))

from actstore.extract.driver import MOST_UNITS
from actstore.plan.cost import CPU_FLOPS
from actstore.schema.ports import Unit
from benchmarks.scale_model import (
    GB_MONTH_DOLLARS,
    GPU_HOUR_DOLLARS,
    MINILM,
    STUDIES,
    Study,
    rates,
    requests,
)
from tests.support.s3_proxy import s3_proxy
from tests.support.s3_server import environment, s3_server, variables
from tests.support.simulate import Simulated, simulate
from tests.support.small_store import prepare

Row = Mapping[str, object]
MEASURED_TOKENS, MEASURED_SPEED, MEASURED_BYTES, MEAN_LENGTH = 11_700, 5_403, 66_105_041, 19.5
"""docs/benchmarks/extraction.md, one thread, float32: 600 sentences through all-MiniLM-L6-v2, all 7 sites."""
OPEN_SECONDS = 20.0
"""Assumed: to start a process (8 s measured, docs/benchmarks/extraction.md) and fetch 440 MB of weights."""
SEAL_SECONDS = 8.883 / 5_005
"""Of each receipt that sealing reads: measured, docs/benchmarks/objects.md, 16 at once and 20 ms each."""
RESTART_SECONDS = 180.0
"""Assumed: until a preempted machine is replaced."""


def checked_sizes() -> list[Row]:
    """Bytes and tokens/s as computed, beside a measured run."""
    one = Study(name="", model=MINILM, n_sites=7, dtype="float16", n_tokens=MEASURED_TOKENS, n_checkpoints=1)
    speed = CPU_FLOPS / MINILM.forward_flops(MEAN_LENGTH)
    return [
        _compared("bytes of a run", one.bytes, MEASURED_BYTES),
        _compared("tokens/s of a CPU thread, as `plan` estimates", speed, MEASURED_SPEED),
    ]


def checked_requests() -> list[Row]:
    """Requests of small runs to a real server beside the formula's."""
    rows: list[Row] = []
    with s3_server() as server, s3_proxy(server.endpoint) as proxy, variables(environment(proxy.endpoint)):
        for n_examples, n_layers in ((40, 2), (160, 2), (40, 5)):
            made = prepare(server.url(uuid.uuid4().hex), n_examples=n_examples, n_layers=n_layers)
            proxy.requests.clear()
            made.extract()
            seen = [request for request in proxy.requests if not request.path.endswith("ref.json")]
            counted = Counter("LIST" if request.is_list else request.method for request in seen)
            n_shards, n_sites = made.specs["base"].n_shards, n_layers + 1
            expected = requests(n_shards, n_sites)
            pairs = {
                "PUT": expected.puts,
                "HEAD": expected.heads,
                "GET": expected.gets,
                "LIST": expected.lists,
            }
            told = {name: f"{counted[name]} ({number})" for name, number in pairs.items()}
            rows.append({"shards": n_shards, "sites": n_sites, **told})
    return rows


def costs(n_workers: int) -> list[Row]:
    """Bytes, requests, time and money of each study."""
    rows: list[Row] = []
    for study in STUDIES:
        rate, spec = rates(study), study.spec
        each = requests(spec.n_shards, study.n_sites)
        hours = study.n_tokens * study.n_checkpoints / rate.tokens_per_second / n_workers / 3600
        rows.append({
            "stored": study.name, "TB": f"{study.bytes / 1e12:,.1f}", "shards a run": f"{spec.n_shards:,}",
            "objects, 10^6": f"{spec.n_shards * study.n_sites * study.n_checkpoints / 1e6:,.1f}",
            "PUT, 10^6": f"{each.puts * study.n_checkpoints / 1e6:,.1f}",
            "hours": f"{hours:,.1f}", "bound by": rate.bound,
            "GPU $": f"{hours * n_workers * GPU_HOUR_DOLLARS:,.0f}",
            "requests $": f"{each.dollars * study.n_checkpoints:,.0f}",
            "storage $ a month": f"{study.bytes / 1e9 * GB_MONTH_DOLLARS:,.0f}",
        })  # fmt: skip
    return rows


def bounds() -> list[Row]:
    """Tokens a second of one GPU's worker, by what bounds it."""
    return [
        {
            "stored": study.name,
            "forward": f"{rate.forward:,.0f}",
            "network": f"{rate.network:,.0f}",
            "writing": f"{rate.writing:,.0f}",
        }
        for study in STUDIES
        for rate in [rates(study)]
    ]


def portion(study: Study) -> list[Unit]:
    """The units that a driver hands out together: whole runs, at most MOST_UNITS or one run."""
    n_runs = min(study.n_checkpoints, max(1, MOST_UNITS // study.spec.n_shards))
    seconds = study.spec.shard_rows / rates(study).tokens_per_second
    return [
        Unit(key=f"{run}/{shard}", group=str(run), weight=seconds)
        for run in range(n_runs)
        for shard in range(study.spec.n_shards)
    ]


def simulated(study: Study, n_workers: int, life_hours: float | None) -> Row:
    """One portion with or without preemption, and how many such the study has."""
    units = portion(study)
    n_runs = len({unit.group for unit in units})

    def preempted(unit: Unit, rng: random.Random) -> bool:
        return life_hours is not None and rng.random() < unit.weight / (life_hours * 3600)

    begun = time.process_time()
    came: Simulated = simulate(
        units, n_workers, load_cost=OPEN_SECONDS, fails=preempted, restart=RESTART_SECONDS,
        seconds=lambda unit, rng: unit.weight * rng.uniform(0.8, 1.2),
    )  # fmt: skip
    spent = time.process_time() - begun
    if set(came.done.values()) != {1} or len(came.done) + len(came.given_up) != len(units):
        raise SystemExit("a unit was not done exactly once")
    bound = sum(unit.weight for unit in units) / n_workers
    sealing = len(units) * SEAL_SECONDS
    n_portions = -(-study.n_checkpoints // n_runs)
    hours = (max(came.makespan, sealing) * n_portions + min(came.makespan, sealing)) / 3600  # side by side
    return {
        "stored": study.name,
        "a GPU lives": "ever" if life_hours is None else f"{life_hours:g} h",
        "runs of a portion": n_runs,
        "units": f"{len(units):,}",
        "lost": came.n_losses,
        "given up": len(came.given_up),
        "opened": came.n_opened,
        "portion, min": f"{came.makespan / 60:.1f}",
        "over the bound": f"{came.makespan / bound:.2f}",
        "sealing, min": f"{sealing / 60:.1f}",
        "study, h": f"{hours:,.1f}",
        "scheduler, us a unit": f"{spent / len(units) * 1e6:.0f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--life-hours", type=float, default=2.0, help="mean life of a spot machine's GPU")
    parser.add_argument("--no-server", action="store_true", help="do not count requests at an S3 server")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    tables: dict[str, Sequence[Row]] = {"Computed and measured": checked_sizes()}
    if not given.no_server:
        tables["Requests of a run: counted (computed)"] = checked_requests()
    tables["Tokens a second of one GPU, as each part alone allows"] = bounds()
    tables[f"1,000 checkpoints of BERT-base on {given.workers} GPUs"] = costs(given.workers)
    tables[f"Simulated: {given.workers} workers"] = [
        simulated(study, given.workers, life) for study in (STUDIES[0], STUDIES[3], STUDIES[4])
        for life in (None, given.life_hours)
    ]  # fmt: skip
    if given.json:
        print(json.dumps(tables, indent=1))
    else:
        print("\n\n".join(f"**{title}**\n\n{markdown(rows)}" for title, rows in tables.items()))


def _compared(what: str, computed: float, measured: float) -> Row:
    return {
        "what": what,
        "computed": f"{computed:,.0f}",
        "measured": f"{measured:,.0f}",
        "measured / computed": f"{measured / computed:.3g}",
    }


if __name__ == "__main__":
    main()
