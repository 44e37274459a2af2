"""ExtensionWork: gathers a sample of a layer for the kind to measure. Reads through a source alone."""

import math
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import WorkError
from actstore.schema.analysis import AnalysisKind, LayerSample
from actstore.schema.ports import ActivationSource, Unit
from actstore.schema.refs import layer_site
from actstore.schema.tables import RESULTS
from analyses.extension.installed import installed_kind
from analyses.extension.plan import ExtensionArgs, ExtensionBlock
from analyses.readers.sample import COLUMNS, Sample, SampleSpec, draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a unit gave; `probe` is the unit, by whose key the rows are stored."""

    probe: Unit
    rows: pa.Table
    predictions: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionWork:
    """Picklable; implements the port Work. A group is a tokenisation's id. Workers load the kind."""

    source: ActivationSource
    block: ExtensionBlock

    def open(self, group: str) -> "ExtensionTask":
        """Raises RequestError where the kind's package is not installed where the worker runs."""
        return ExtensionTask(self, installed_kind(self.block.kind).kind, group)


class ExtensionTask:
    """Measures layers over one tokenisation; implements the port Task."""

    def __init__(self, work: ExtensionWork, kind: AnalysisKind, tokens_id: str) -> None:
        self.source, self.block, self.kind = work.source, work.block, kind
        wanted = dict.fromkeys((*COLUMNS, *kind.columns))
        self._tokens = work.source.tokens(tokens_id, tuple(wanted))
        self._samples: dict[SampleSpec, tuple[Sample, pa.Table]] = {}
        self._lock = Lock()

    def close(self) -> None:
        self._samples.clear()

    def do(self, unit: Unit) -> tuple[Measured]:
        """Rows of the table `analysis`, one a metric.

        Raises WorkError for activations that are not finite, and for metrics that are not those promised.
        """
        args: ExtensionArgs = unit.args
        sample, tokens = self._sample(args.sample)
        sides = zip(args.checkpoints, args.runs, strict=True)
        values = tuple(self._gathered(name, run, args, sample.row_T) for name, run in sides)
        seen = LayerSample(values=values, tokens=tokens, layer=args.layer, seed=args.sample.seed)
        found = dict(self.kind.measure(seen, self.block.options))
        return (Measured(probe=unit, rows=self._rows(args, sample, found)),)

    def _sample(self, spec: SampleSpec) -> tuple[Sample, pa.Table]:
        """Drawn tokens and their rows of the token table; drawn once."""
        with self._lock:
            if spec not in self._samples:
                sample = draw(self._tokens, spec)
                at_T = np.searchsorted(self._tokens.column("row").to_numpy(), sample.row_T)
                self._samples[spec] = (sample, self._tokens.take(pa.array(at_T)))
            return self._samples[spec]

    def _gathered(
        self, checkpoint: str, run: str, args: ExtensionArgs, row_T: npt.NDArray[np.int64]
    ) -> npt.NDArray[Any]:
        value_TD = self.source.gather(run, layer_site(args.layer), row_T)
        if not np.isfinite(value_TD).all():
            raise WorkError(
                f"{checkpoint} (run {run}), {layer_site(args.layer)}: activations are not finite; check the "
                "run with `actstore verify`"
            )
        return value_TD

    def _rows(self, args: ExtensionArgs, sample: Sample, found: dict[str, float]) -> pa.Table:
        if set(found) != set(self.kind.metrics):
            raise WorkError(
                f"kind {self.block.kind!r} measured {', '.join(found) or 'nothing'} and promises "
                f"{', '.join(self.kind.metrics)}; mend its package"
            )
        b = args.checkpoints[1] if len(args.checkpoints) > 1 else None
        rows = [
            {
                "name": self.block.name,
                "kind": self.block.kind,
                "corpus": args.corpus,
                "checkpoint_a": args.checkpoints[0],
                "checkpoint_b": b,
                "layer": args.layer,
                "n_tokens": sample.n_tokens,
                "seed": args.sample.seed,
                "metric": metric,
                # what is not defined is null, as in every table: SQL's averages leave it out
                "value": float(found[metric]) if math.isfinite(found[metric]) else None,
            }
            for metric in self.kind.metrics
        ]
        return pa.Table.from_pylist(rows, schema=RESULTS["analysis"])
