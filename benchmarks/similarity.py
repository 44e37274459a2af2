"""Similarity by moments against the direct way, rsatoolbox and ckatorch; then at any number of tokens.

    python benchmarks/similarity.py [--tokens N --width D] [--long N ...] [--small] [--json]

`direct` is the definition over n x n matrices in NumPy; `direct, tuned` avoids the copies of the upper
triangle. All take the same float32 arrays, in turns; what each answers is compared. From a store: tokens by
the second and the peak of memory, each number of tokens in a process of its own. Libraries that are not
installed are left out.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from common import drop_cache, files_of, in_turns, parser, report, scratch
from made_up_pairs import make_runs
from threadpoolctl import threadpool_limits

from actstore.schema.ports import Resources
from actstore.serial import SerialExecutor
from actstore.store.source import StoreSource
from analyses.readers.sample import SampleSpec
from analyses.similarity.arrays import paired_sums
from analyses.similarity.cka import debiased_cka, linear_cka
from analyses.similarity.plan import plan_units
from analyses.similarity.request import SimilarityBlock, StoredCorpus, StoredRun
from analyses.similarity.rsa import UNIT, rsa
from analyses.similarity.work import SimilarityWork
from analyses.statistics.grid import GridSums
from analyses.statistics.prepared import Form, pivot_of
from analyses.statistics.rows import numbered

Rows = npt.NDArray[np.float32]
Way = Callable[[], float]
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""What a worker process has."""


def pair(n: int, width: int) -> tuple[Rows, Rows]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, width), dtype=np.float32) + np.float32(0.5)
    return x, x + np.float32(0.5) * rng.standard_normal((n, width), dtype=np.float32)


def rsa_ways(x: Rows, y: Rows) -> dict[str, Way]:
    ways: dict[str, Way] = {
        "actstore": lambda: rsa(x, y),
        "direct": lambda: direct_rsa(x, y),
        "direct, tuned": lambda: tuned_rsa(x, y),
    }
    if importlib.util.find_spec("rsatoolbox"):
        ways["rsatoolbox"] = lambda: toolbox_rsa(x, y)
    return ways


def cka_ways(x: Rows, y: Rows) -> dict[str, Way]:
    ways: dict[str, Way] = {
        "actstore, cka": lambda: linear_cka(paired_sums(x, y, Form()).moments(0, 1)),
        "actstore, cka-debiased": lambda: debiased_cka(
            paired_sums(x, y, Form(norms=True)).norm_moments(0, 1)
        ),
        "direct, cka": lambda: direct_cka(x, y),
    }
    if importlib.util.find_spec("ckatorch"):
        ways["ckatorch, cka"] = lambda: torch_cka(x, y, 0)
        ways["ckatorch, cka-debiased"] = lambda: torch_cka(x, y, 1)
    return ways


def direct_rsa(x: Rows, y: Rows) -> float:
    upper = np.triu_indices(len(x), 1)
    u, v = (value / np.linalg.norm(value, axis=1, keepdims=True) for value in (x, y))
    return float(np.corrcoef((u @ u.T)[upper], (v @ v.T)[upper])[0, 1])


def tuned_rsa(x: Rows, y: Rows) -> float:
    """Sums over the whole matrices, the diagonal set to the mean."""
    sides = []
    for value in (x, y):
        unit = value / np.linalg.norm(value, axis=1, keepdims=True)
        cosines = unit @ unit.T
        n = len(cosines)
        cosines -= (cosines.sum(dtype=np.float64) - n) / (n * (n - 1))
        np.fill_diagonal(cosines, 0.0)
        sides.append(cosines)
    a, b = sides
    ab, aa, bb = (
        sum(float(p @ q) for p, q in zip(*matrices, strict=True)) for matrices in ((a, b), (a, a), (b, b))
    )
    return ab / np.sqrt(aa * bb)


def toolbox_rsa(x: Rows, y: Rows) -> float:
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm, compare

    unit = [value / np.linalg.norm(value, axis=1, keepdims=True) for value in (x, y)]
    rdms = [calc_rdm(Dataset(value), method="euclidean") for value in unit]
    return float(compare(*rdms, method="corr")[0, 0])


def direct_cka(x: Rows, y: Rows) -> float:
    grams = []
    for value in (x, y):
        centred = value - value.mean(axis=0)
        grams.append((centred @ centred.T).astype(np.float64))
    k, m = grams
    return float(np.vdot(k, m) / np.linalg.norm(k) / np.linalg.norm(m))


def torch_cka(x: Rows, y: Rows, version: int) -> float:
    import torch
    from ckatorch.hsic import hsic0, hsic1

    k, m = (torch.from_numpy(value @ value.T) for value in (x - x.mean(0), y - y.mean(0)))
    pairs = ((k, m), (k, k), (m, m))
    found = [float(hsic0(*one) if version == 0 else hsic1(one[0][None], one[1][None])) for one in pairs]
    return found[0] / float(np.sqrt(found[1] * found[2]))


def way_rows(ways: dict[str, Way], rounds: int, baseline: str) -> list[dict[str, object]]:
    timings, values = in_turns(ways, rounds), {name: way() for name, way in ways.items()}
    return [
        {
            "way": name,
            "best s": f"{timing.best_seconds:.3f}",
            "median s": f"{timing.median_seconds:.3f}",
            "times ours": f"{timing.best_seconds / timings[baseline].best_seconds:.1f}",
            "value": f"{values[name]:.8f}",
        }
        for name, timing in timings.items()
    ]


def rate_rows(width: int, rounds: int) -> list[dict[str, object]]:
    """The rate of a step's products with all that is around them, over that of one bare product.

    With one thread, as every worker has, and with all.
    """
    grids = {2: [(0, 1)], 4: [(0, 1), (0, 2), (0, 3)], 8: [(a, b) for a in range(4) for b in range(4, 8)]}
    found: list[dict[str, object]] = []
    for threads in (1, os.cpu_count()):
        with threadpool_limits(threads):
            for n_sides, cells in grids.items():
                for form, measure in ((UNIT, "rsa"), (Form(), "cka")):
                    about = {"threads": threads, "measure": measure, "layers": n_sides, "pairs": len(cells)}
                    found.append({**about, **rate(form, n_sides, cells, width, rounds)})
    return found


def rate(
    form: Form, n_sides: int, cells: list[tuple[int, int]], width: int, rounds: int
) -> dict[str, object]:
    """A step of 4,096 tokens; a symmetric product counts as half of one."""
    step = 4096
    sides = [pair(step, width)[0] + np.float32(side) for side in range(n_sides)]
    names = [numbered(f"side {side}") for side in range(n_sides)]
    pivots = [pivot_of(value, form, name) for value, name in zip(sides, names, strict=True)]
    sums = GridSums(pivots, cells, form)
    sums.add(sides, names)
    ways = {"sums": lambda: sums.add(sides, names), "gemm": lambda: sides[0].T @ sides[1]}
    best = {name: timing.best_seconds for name, timing in in_turns(ways, 4 * rounds).items()}
    product = 2 * step * width**2
    ours, bare = product * (n_sides / 2 + len(cells)) / best["sums"], product / best["gemm"]
    return {
        "bare product Gflop/s": f"{bare / 1e9:.0f}",
        "sums Gflop/s": f"{ours / 1e9:.0f}",
        "share": f"{ours / bare:.2f}",
    }


def stored_rows(folder: Path, sizes: Sequence[int], width: int) -> list[dict[str, object]]:
    """All tokens of two runs, a layer each, in a process of its own for each size."""
    found = []
    for n_tokens in sizes:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            corpus = make_runs(Path(place) / "store", n_tokens, 2, 1, width)
            runs = {name: [run.run_id, run.tokens_id, run.n_rows] for name, run in corpus.runs.items()}
            command = [sys.executable, __file__, "--from", place, json.dumps(runs), str(width)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=ONE_THREAD)
            found.append(json.loads(done.stdout))
    return found


def stored_size(place: str, runs: str, width: int) -> dict[str, object]:
    """Time and growth of memory of RSA over all tokens of a store."""
    corpus = StoredCorpus(
        name="made up",
        runs={
            name: StoredRun(checkpoint=name, run_id=run_id, tokens_id=tokens_id, sites=("L00",),
                            widths=(width,), n_rows=n_rows)
            for name, (run_id, tokens_id, n_rows) in json.loads(runs).items()
        },
    )  # fmt: skip
    before_bytes = _resident_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    started = time.perf_counter()
    rows, n_units = analyse(place + "/store", corpus, (("run-0", "run-1"),), None)
    seconds = time.perf_counter() - started
    n_tokens = int(rows[0]["n_tokens"])  # type: ignore[call-overload]
    return {
        "tokens": f"{n_tokens:,}",
        "seconds": f"{seconds:.2f}",
        "tokens/s": f"{n_tokens / seconds:,.0f}",
        "units": n_units,
        "activations MB": f"{2 * n_tokens * width * 2 / 1e6:,.0f}",
        "memory MB": f"{(_resident_bytes('VmHWM') - before_bytes) / 1e6:,.0f}",
        "of it token ids MB": f"{n_tokens * 3 * 8 / 1e6:,.0f}",
        "RSA": f"{rows[0]['value']:.6f}",
    }


def figure_rows(
    folder: Path, n_tokens: int, width: int, n_layers: int, rounds: int
) -> list[dict[str, object]]:
    """Figure 2: a base and three others, every layer, 5,000 tokens; from the page cache and from the disk."""
    corpus = make_runs(folder / "figure", n_tokens, 4, n_layers, width)
    place, pairs = str(folder / "figure"), tuple(("run-0", f"run-{k}") for k in (1, 2, 3))
    source = StoreSource(place)
    task = SimilarityWork(source=source, device="cpu").open(corpus.runs["run-0"].tokens_id)
    row_T = task.sample(SampleSpec(n_tokens=min(5000, n_tokens))).row_T

    def read() -> None:
        for run in corpus.runs.values():
            for site in run.sites:
                source.gather(run.run_id, site, row_T)

    def whole() -> None:
        analyse(place, corpus, pairs, min(5000, n_tokens))

    found: list[dict[str, object]] = []
    files = files_of(folder / "figure")
    for where in ("page cache", "disk"):
        dropped = files if where == "disk" else []
        ways = {"reading alone": read, "the whole analysis": whole}
        with threadpool_limits(1):
            timings = in_turns(ways, rounds, before=lambda name, dropped=dropped: drop_cache(dropped))
        found.append({"from": where, **{name: f"{one.best_seconds:.2f} s" for name, one in timings.items()}})
    return found


def analyse(
    place: str, corpus: StoredCorpus, pairs: tuple[tuple[str, str], ...], n_tokens: int | None
) -> tuple[list[dict[str, object]], int]:
    """RSA through the units of a study, in this process; the rows and the number of units."""
    block = SimilarityBlock(name="benchmark", pairs=pairs, sample=SampleSpec(n_tokens=n_tokens))
    plan = plan_units(block, [corpus])
    work = SimilarityWork(source=StoreSource(place), device="cpu")
    rows: list[dict[str, object]] = []
    for stage in plan.stages:
        for outcome in SerialExecutor().map(work, stage, Resources()):
            if outcome.failure is not None:
                raise RuntimeError(outcome.failure.message)
            rows += [] if outcome.result is None else outcome.result.to_pylist()
    return rows, sum(map(len, plan.stages))


def _resident_bytes(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def main() -> None:
    if sys.argv[1:2] == ["--from"]:
        print(json.dumps(stored_size(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
        return
    arguments = parser(__doc__)
    arguments.add_argument("--tokens", type=int, default=5000)
    arguments.add_argument("--long", type=int, nargs="+", default=[50_000, 1_000_000])
    given = arguments.parse_args()
    n, width, sizes, layers = given.tokens, given.width, given.long, 13
    if given.small:
        n, width, sizes, layers = 400, 64, [4096, 16384], 3
    warnings.filterwarnings("ignore", module="ckatorch")
    x, y = pair(n, width)
    with scratch(given.folder) as folder:
        tables = {
            f"RSA of {n:,} tokens x {width}": way_rows(rsa_ways(x, y), given.rounds, "actstore"),
            f"CKA of {n:,} tokens x {width}": way_rows(cka_ways(x, y), given.rounds, "actstore, cka"),
            "Share of the machine's GEMM rate": rate_rows(width, given.rounds),
            f"Figure 2: {layers} layers, 3 pairs, {min(n, 5000):,} tokens": figure_rows(
                folder, 8192 if given.small else 20_480, width, layers, given.rounds
            ),
            "All tokens of a store, one layer of two runs": stored_rows(folder, sizes, width),
        }
        print(report(tables, folder, as_json=given.json))


if __name__ == "__main__":
    main()
