"""A training step from stored activations of layer k against the whole model with k frozen layers.

    python benchmarks/ablation.py [--model FOLDER] [--steps N] [--rounds N]

Made-up sentence pairs of SNLI's lengths are stored and extracted as a study does it. Then, for every k, three
ways in turns on the same batches of 32, one compute thread, float32, dropout on above the cut:
(a) `frozen`: the whole model, its embeddings and first k layers run without a gradient;
(b) `stored`: layers k+1..n and the head, from the store, whose files leave the page cache before each round;
(c) `below`: the embeddings and the first k layers alone, which is all that can be saved.
The clock is the process's CPU time, as other programs may run at the same time; waiting for the disk is no
CPU time, so that the wall seconds of reading stand beside it. `of the ideal` is (frozen - stored) / below.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from common import Timing, drop_cache, files_of, in_turns, parser, report, scratch
from finetune import SHAPES

from actstore.capture.tokenizer import tokenizer_files
from actstore.store.root import open_root
from actstore.store.source import StoreSource
from analyses.tuning.batch import make_batch
from analyses.tuning.batches import draws_of, epoch_batches
from analyses.tuning.build import build_model
from analyses.tuning.features import TaskData
from analyses.tuning.settings import TrainSettings
from analyses.tuning.tasks.nli import Nli
from analyses.tuning.training import Training
from analyses.tuning.trunk.build import build_trunk
from analyses.tuning.trunk.spec import TrunkSpec
from jobs.ablating.request import PointRequest
from jobs.ablation import plan_ablation
from jobs.cli import main as actstore
from jobs.study.load import load_study
from jobs.training.score_work import RunActivations
from jobs.training.tables import corpus_tables

STUDY = """
store = "{folder}/store"

[[checkpoint]]
name = "base"
model = "{model}"

[[corpus]]
name = "pairs"
path = "{folder}/pairs.jsonl"
format = "snli"
max_length = 128

[[ablation]]
name = "freeze"
kind = "freeze"
task = "mnli"
base = "base"
train = "pairs"
dev = "pairs"
max_steps = {steps}
"""
WAYS = FROZEN, STORED, BELOW = "frozen", "stored", "below"


def write_pairs(model: Path, path: Path, n_pairs: int) -> None:
    """Seeded pairs of whole words of the model's vocabulary."""
    vocabulary = json.loads(
        next(one for one in tokenizer_files(model) if one.name == "tokenizer.json").read_text()
    )
    words = [word for word in vocabulary["model"]["vocab"] if word.isalpha() and word.isascii()]
    draws, shape = np.random.default_rng(0), SHAPES["mnli"]
    with path.open("w") as out:
        for number in range(n_pairs):
            sizes = [max(3, int(draws.normal(*lengths))) for lengths in (shape.first, shape.second)]
            first, second = (" ".join(draws.choice(words, size)) for size in sizes)
            label = ("entailment", "neutral", "contradiction")[int(draws.integers(3))]
            row = {"pairID": str(number), "sentence1": first, "sentence2": second, "gold_label": label}
            out.write(json.dumps(row) + "\n")


@dataclass(slots=True)
class Counted:
    """Stored activations; what was read of them, and how long it took."""

    source: RunActivations
    n_bytes: int = 0
    seconds: float = 0.0

    def gather(self, row_T: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        begun = time.perf_counter()
        value_TD = self.source.gather(row_T)
        self.seconds += time.perf_counter() - begun
        self.n_bytes += value_TD.nbytes
        return value_TD


class Point:
    """One k: the three ways, each going on from step to step over the same batches."""

    def __init__(self, request: PointRequest, data: TaskData, settings: TrainSettings, steps: int) -> None:
        k, folder = request.point.n_layers, Path(request.start.model)
        assert k is not None
        assert request.site is not None
        assert request.train.run_id is not None
        source = StoreSource(request.store)
        self.read = Counted(RunActivations(source, request.train.run_id, request.site))
        self._data, self._settings, self._steps = data, settings, steps
        specs = {FROZEN: TrunkSpec(folder=folder, n_frozen=k, from_store=False),
                 STORED: TrunkSpec(folder=folder, n_frozen=k)}  # fmt: skip
        self._training: dict[str, Iterator[object]] = {
            way: iter(
                Training(
                    build_model(spec, Nli(), data, settings), data, settings,
                    activations=self.read if way == STORED else None,
                )
            )
            for way, spec in specs.items()
        }  # fmt: skip
        self._below = build_trunk(
            TrunkSpec(folder=folder, n_frozen=k, keep_layers=k, from_store=False)
        ).eval()
        self._batches = iter(epoch_batches(data.features.length_S, settings.batch_size, settings.seed, 0))
        self.from_disk_bytes = 0
        run = Path(request.store) / "runs" / request.train.run_id
        self._files = files_of(run)

    def before(self, way: str) -> None:
        """The store's files are read from the disk."""
        if way == STORED:
            drop_cache(self._files)

    def go(self, way: str) -> None:
        if way == BELOW:
            return self._run_below()
        before = _disk_bytes()
        for _ in islice(self._training[way], self._steps):
            pass
        if way == STORED:
            self.from_disk_bytes += _disk_bytes() - before
        return None

    def _run_below(self) -> None:
        with torch.no_grad():
            for sequence_N in islice(self._batches, self._steps):
                self._below(make_batch(self._data, sequence_N, draws_of(0, 0), torch.device("cpu")))


def _disk_bytes() -> int:
    """Bytes that this process has fetched from a disk."""
    found = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(found["read_bytes"])


def row(k: int, timings: dict[str, Timing], point: Point, steps: int) -> dict[str, str | float]:
    best = {way: 1e3 * timings[way].best_seconds / steps for way in WAYS}
    middle = {way: 1e3 * timings[way].median_seconds / steps for way in WAYS}
    n_steps = steps * (len(timings[STORED].rounds_seconds) + 1)
    return {
        "k": k,
        **{f"{way}, ms a step": round(middle[way], 1) for way in WAYS},
        "saved": f"{1 - middle[STORED] / middle[FROZEN]:.0%}",
        "ideal": f"{middle[BELOW] / middle[FROZEN]:.0%}",
        "of the ideal": round((middle[FROZEN] - middle[STORED]) / middle[BELOW], 2),
        "of best rounds": round((best[FROZEN] - best[STORED]) / best[BELOW], 2),
        "read, kB a step": round(point.read.n_bytes / n_steps / 1e3),
        "from the disk, kB a step": round(point.from_disk_bytes / n_steps / 1e3),
        "reading, wall ms a step": round(1e3 * point.read.seconds / n_steps, 1),
    }


def points(folder: Path, model: Path, n_pairs: int, steps: int) -> Sequence[PointRequest]:
    """Store and extract the pairs; a request for each k."""
    write_pairs(model, folder / "pairs.jsonl", n_pairs)
    path = folder / "study.toml"
    text = STUDY.format(folder=folder, model=model.resolve(), steps=steps)
    path.write_text(text)
    given = load_study(path)
    with contextlib.redirect_stdout(sys.stderr):
        code = actstore(["extract", str(path), "--ray-address", "none", "--workers", "1"])
    if code:
        sys.exit(code)
    objects = open_root(given.store)
    planned = plan_ablation(objects, objects, given, given.ablation[0])
    return [unit.args for unit in planned.units if unit.args.point.n_layers is not None]


def main() -> None:
    options = parser(__doc__)
    default = Path(os.environ.get("ACTSTORE_MODELS", "models")) / "all-MiniLM-L6-v2"
    options.add_argument("--model", type=Path, default=default)
    options.add_argument("--steps", type=int, default=8, help="steps a round")
    arguments = options.parse_args()
    torch.set_num_threads(1)
    steps, rounds = (2, 1) if arguments.small else (arguments.steps, arguments.rounds)
    found = []
    with scratch(arguments.folder) as folder:
        n_steps = steps * (rounds + 1)
        requests = points(folder, arguments.model, 32 * n_steps, n_steps)
        for request in requests:
            tables = corpus_tables(
                open_root(request.store), "mnli", request.train.corpus.ref, request.train.corpus.tokens_id
            )
            point = Point(request, Nli().data(tables), TrainSettings.from_dict(request.settings), steps)
            ways = {way: partial(point.go, way) for way in WAYS}
            in_turns(ways, 1, before=point.before)  # what is loaded and allocated at first
            timings = in_turns(ways, rounds, before=point.before, clock=time.process_time)
            found.append(row(request.point.n_layers or 0, timings, point, steps))
        print(report({"a training step": found}, folder, as_json=arguments.json))


if __name__ == "__main__":
    main()
