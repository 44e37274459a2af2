"""The drift analyses of a study: units handed out, parts stored, one table of any size, its means."""

from dataclasses import dataclass
from typing import Any

from actstore.errors import UnitsFailedError
from actstore.schema import content_id
from actstore.schema.ports import Executor, Resources, Unit
from actstore.store import catalog, runs
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from actstore.store.source import StoreSource
from analyses.drift.plan import DriftCorpus, Pair, plan_drift
from analyses.drift.summary import COLUMNS, as_curves, summarise
from analyses.drift.work import DriftWork
from analyses.figures.layers import layer_curves
from analyses.report import drift_table
from analyses.similarity.pairs import resolve_pairs
from jobs.asked import ask_again, made_by, runs_read
from jobs.console import Console
from jobs.finished import FinishedTables
from jobs.stored import stored_corpus
from jobs.study.drift import Drift
from jobs.study.study import Study
from jobs.units import carry_out

ANALYSIS_VERSION = 1
"""Raised by hand when the numbers of a drift analysis may change."""
SUMMARY_FILE = "summary.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDrift:
    """A drift block with its stored runs and units; implements PlannedAnalysis."""

    name: str
    pairs: tuple[Pair, ...]
    corpora: tuple[DriftCorpus, ...]
    units: tuple[Unit, ...]
    writer: ResultWriter
    store: Objects
    study: str

    device = "cpu"

    def run(self, executor: Executor, resources: Resources, console: Console) -> FinishedTables:
        """Compute the units that have no part yet, then join them; parts are removed after the provenance.

        Raises UnitsFailedError when a unit fails; the parts of the others are kept.
        """
        n_computed = 0
        if self.writer.provenance() is not None:
            ask_again(self.writer)
        else:
            done = self.writer.done_units()
            left = [unit for unit in self.units if unit.key not in done]
            work = DriftWork(source=StoreSource(self.store.url))
            n_computed = carry_out(work, [left], executor, resources, console, self.writer)
            _join(self)
        self.writer.drop_parts()
        return self.shown(n_computed)

    def shown(self, n_computed: int = 0) -> FinishedTables:
        """The means of a finished result and its figures; its table, a row a token, is asked for with SQL."""
        summary = self.writer.read_table(SUMMARY_FILE)
        curves = layer_curves(
            as_curves(summary, self.name),
            measure="drift",
            title="How far tokens moved, layer by layer",
            subtitle="cosine of a token's two activations, mean over all tokens; 1 = it did not turn",
        )
        figures = curves.files(self.name)
        return FinishedTables(
            kind=self.writer.kind,
            name=self.name,
            result_id=self.writer.result_id,
            table=summary,
            texts=(drift_table(summary),),
            figures=tuple(self.writer.put_file(name, data) for name, data in figures.items()),
            markdown=None,
            n_computed=n_computed,
        )


def plan_drift_block(objects: Objects, results: Objects, study: Study, given: Drift) -> PlannedDrift:
    """Everything that can be wrong is found here: names, runs, tokenisations, layers, widths."""
    pairs = resolve_pairs(given.pairs, study.bases)
    checkpoints = list(dict.fromkeys(name for pair in pairs for name in pair))
    corpora = _corpora(objects, study, given.corpora, checkpoints)
    units = plan_drift(pairs, corpora)
    keys = {"analysis_version": ANALYSIS_VERSION, "units": sorted(unit.key for unit in units)}
    return PlannedDrift(
        name=given.name,
        pairs=pairs,
        corpora=corpora,
        units=units,
        writer=ResultWriter(results, "drift", given.name, content_id(keys)),
        store=objects,
        study=study.name,
    )


def _corpora(
    objects: Objects, study: Study, corpora: tuple[str, ...], checkpoints: list[str]
) -> tuple[DriftCorpus, ...]:
    every = catalog.list_runs(objects)
    found = []
    for corpus in corpora:
        stored = {name: stored_corpus(objects, study, corpus, [name], every) for name in checkpoints}
        specs = {name: runs.read_spec(objects, one.runs[name].run_id) for name, one in stored.items()}
        excluded = {name: one.excluded for name, one in stored.items()}
        found.append(DriftCorpus(name=corpus, runs=specs, excluded=excluded))
    return tuple(found)


def _join(planned: PlannedDrift) -> None:
    """Table, means and provenance from the parts, unless another session was faster and removed them."""
    writer = planned.writer
    try:
        if writer.provenance() is None:
            writer.join_parts([unit.key for unit in planned.units])
            writer.put_table(SUMMARY_FILE, summarise(writer.batches(COLUMNS)))
            writer.seal(_provenance(planned))
    except FileNotFoundError as lost:
        if writer.provenance() is None:
            raise UnitsFailedError(
                f"drift {planned.name!r}: {lost.filename or lost} was there and is gone; run the same "
                "command again, it computes what is missing"
            ) from lost


def _provenance(planned: PlannedDrift) -> dict[str, Any]:
    return {
        **made_by(planned.study, planned.store, ANALYSIS_VERSION),
        "block": {"name": planned.name, "pairs": [list(pair) for pair in planned.pairs]},
        "corpora": {
            corpus.name: {"excluded_examples": {name: list(found) for name, found in corpus.excluded.items()}}
            for corpus in planned.corpora
        },
        "runs": runs_read(
            planned.store,
            {
                f"{name} over {corpus.name}": spec.run_id
                for corpus in planned.corpora
                for name, spec in corpus.runs.items()
            },
        ),
    }
