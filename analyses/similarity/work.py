"""SimilarityWork: compares layers of stored runs, one pair of layers a unit. Reads through a source alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import RequestError, WorkError
from actstore.schema.ports import ActivationSource, Unit
from actstore.schema.refs import layer_site
from actstore.schema.tables import RESULTS
from analyses.readers.sample import COLUMNS, Sample, SampleSpec, draw
from analyses.similarity import device
from analyses.similarity.bootstrap import resampled_rsa
from analyses.similarity.measures import MEASURES, SUMS, Sums
from analyses.similarity.request import PairArgs, StoredRun, check_comparable
from analyses.statistics.centred import Array
from analyses.statistics.resampling import example_weights, percentile_interval
from analyses.statistics.rows import RowName, steps

ROWS_PER_STEP = 8192
MAX_RESAMPLED_TOKENS = 50_000
"""Resampling looks at every pair, and holds all rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarityWork:
    """Picklable; implements the port Work. A group is a tokenisation's id."""

    source: ActivationSource
    device: str = "auto"
    rows_per_step: int = ROWS_PER_STEP

    def open(self, group: str) -> "SimilarityTask":
        return SimilarityTask(self, group)


class SimilarityTask:
    """Compares layers over one tokenisation; implements the port Task."""

    def __init__(self, work: SimilarityWork, tokens_id: str) -> None:
        self.source, self.rows_per_step, self.tokens_id = work.source, work.rows_per_step, tokens_id
        self.xp = device.array_namespace(work.device)
        self._samples: dict[SampleSpec, Sample] = {}
        self._lock = Lock()

    def close(self) -> None:
        self._samples.clear()

    def do(self, unit: Unit) -> pa.Table:
        """The rows of the table `similarity` for the unit's pair of layers.

        Raises IncomparableRunsError, RequestError (too few tokens), WorkError (rows without a similarity).
        """
        args: PairArgs = unit.args
        check_comparable(args.a, args.b, args.corpus)
        sample = self.sample(args.sample)
        found = self._sums(args, sample)
        values = {
            name: value
            for measure in args.measures
            for name, value in MEASURES[measure].finish(found[MEASURES[measure].sums]).items()
        }
        return _rows(args, sample, values, self._intervals(args, sample))

    def sample(self, spec: SampleSpec) -> Sample:
        """The tokens that are read; drawn once."""
        with self._lock:
            if spec not in self._samples:
                self._samples[spec] = draw(self.source.tokens(self.tokens_id, COLUMNS), spec)
            return self._samples[spec]

    def _sums(self, args: PairArgs, sample: Sample) -> dict[str, Sums]:
        """The sums that the asked measures need, in one pass over the rows."""
        found: dict[str, Sums] = {}
        for step, x_TD, y_TE in self._pairs(args, sample):
            names = _namer(args.a, args.layer_a, sample, step), _namer(args.b, args.layer_b, sample, step)
            for kind in {MEASURES[measure].sums for measure in args.measures}:
                part = SUMS[kind](x_TD, y_TE, *names)
                found[kind] = found[kind].merge(part) if kind in found else part
        return found

    def _pairs(self, args: PairArgs, sample: Sample) -> Iterator[tuple[slice, Array, Array]]:
        """Both runs' rows of the sample in steps, on the device: memory is bounded by a step."""
        for step in steps(sample.n_tokens, self.rows_per_step):
            row_T = sample.row_T[step]
            yield step, self._read(args.a, args.layer_a, row_T), self._read(args.b, args.layer_b, row_T)

    def _read(self, run: StoredRun, layer: int, row_T: npt.NDArray[np.int64]) -> Array:
        value_TD = self.source.gather(run.run_id, layer_site(layer), row_T)
        if value_TD.ndim != 2 or len(value_TD) != len(row_T):
            raise WorkError(
                f"run {run.run_id}, {layer_site(layer)}: {len(row_T)} rows were asked for and an array of "
                f"shape {value_TD.shape} came back; check the source"
            )
        return device.to_device(value_TD, self.xp)

    def _intervals(self, args: PairArgs, sample: Sample) -> dict[str, tuple[float, float]]:
        """95 % percentile intervals over resampled examples, by measure."""
        if not args.resamples or "rsa" not in args.measures:
            return {}
        if sample.n_tokens > MAX_RESAMPLED_TOKENS:
            raise RequestError(
                f"resamples of {sample.n_tokens} tokens: at most {MAX_RESAMPLED_TOKENS}, for every pair is "
                "looked at; ask for fewer tokens, or set resamples = 0"
            )
        weight_TR = example_weights(sample.example_T, args.resamples, args.sample.seed)
        x_TD, y_TE = (
            self._read(run, layer, sample.row_T)
            for run, layer in ((args.a, args.layer_a), (args.b, args.layer_b))
        )
        return {"rsa": percentile_interval(resampled_rsa(x_TD, y_TE, weight_TR))}


def _namer(run: StoredRun, layer: int, sample: Sample, step: slice) -> RowName:
    """Names a row of a step by run, layer and token."""

    def name(index: int) -> str:
        at = step.start + index
        return (
            f"{run.checkpoint} (run {run.run_id}), {layer_site(layer)}, example {sample.example_T[at]}, "
            f"token {sample.token_T[at]}: row {sample.row_T[at]}"
        )

    return name


def _rows(
    args: PairArgs, sample: Sample, values: dict[str, float], intervals: dict[str, tuple[float, float]]
) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for measure, value in values.items():
        low, high = intervals.get(measure, (None, None))
        rows.append(
            {
                "name": args.name,
                "measure": measure,
                "corpus": args.corpus,
                "checkpoint_a": args.a.checkpoint,
                "checkpoint_b": args.b.checkpoint,
                "layer_a": args.layer_a,
                "layer_b": args.layer_b,
                "n_tokens": sample.n_tokens,
                "seed": args.sample.seed,
                "replicate": args.b.replicate,
                "value": value,
                "low": low,
                "high": high,
            }
        )
    return pa.Table.from_pylist(rows, schema=RESULTS["similarity"])
