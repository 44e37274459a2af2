"""The drift analyses of a study: units handed out, parts stored, one table of any size, its means."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actstore import __version__
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
from jobs.asked import ask_again, now, refuse_failures, runs_read
from jobs.console import Console
from jobs.stored import stored_corpus
from jobs.study.drift import Drift
from jobs.study.study import Study

ANALYSIS_VERSION = 1
"""Raised by hand when the numbers of a drift analysis may change."""
SUMMARY_FILE = "summary.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDrift:
    """A drift block with its stored runs and units; nothing is computed yet."""

    name: str
    pairs: tuple[Pair, ...]
    corpora: tuple[DriftCorpus, ...]
    units: tuple[Unit, ...]
    writer: ResultWriter
    store: Objects
    study: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedDrift:
    """A finished drift result: its means, and where its figures lie. The table stays in the store."""

    name: str
    result_id: str
    summary: pa.Table
    figures: tuple[str, ...]
    n_computed: int
    """Units computed now; 0 when all of it was there."""


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


def run_drift(
    planned: PlannedDrift, executor: Executor, resources: Resources, console: Console
) -> FinishedDrift:
    """Compute the units that have no part yet, then join them; parts are removed after the provenance.

    Raises UnitsFailedError when a unit fails; the parts of the others are kept.
    """
    writer = planned.writer
    n_computed = 0
    if writer.provenance() is not None:
        ask_again(writer)
    else:
        n_computed = _compute(planned, executor, resources, console)
        _join(planned)
    writer.drop_parts()
    return shown_drift(planned, n_computed)


def shown_drift(planned: PlannedDrift, n_computed: int = 0) -> FinishedDrift:
    """A finished result with its figures, drawn where they are not there yet."""
    writer = planned.writer
    summary = writer.read_table(SUMMARY_FILE)
    curves = layer_curves(
        as_curves(summary, planned.name),
        measure="drift",
        title="How far tokens moved, layer by layer",
        subtitle="cosine of a token's two activations, mean over all tokens; 1 = it did not turn",
    )
    return FinishedDrift(
        name=planned.name,
        result_id=writer.result_id,
        summary=summary,
        figures=tuple(writer.put_file(name, data) for name, data in curves.files(planned.name).items()),
        n_computed=n_computed,
    )


def show_drift(finished: FinishedDrift, console: Console) -> None:
    """The means and the figures' names."""
    table = drift_table(finished.summary)
    console.table(table.headers, table.rows, title=f"drift {finished.name}: {table.title}")
    for figure in finished.figures:
        console.line(f"figure: {figure}")


def told_drift(finished: FinishedDrift) -> dict[str, Any]:
    """A result as JSON: its means; the table is asked for with SQL."""
    return {
        "kind": "drift",
        "name": finished.name,
        "result_id": finished.result_id,
        "rows": finished.summary.to_pylist(),
        "figures": list(finished.figures),
        "n_computed": finished.n_computed,
    }


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


def _compute(planned: PlannedDrift, executor: Executor, resources: Resources, console: Console) -> int:
    """Do the units that have no part; returns how many."""
    writer = planned.writer
    done = writer.done_units()
    left = [unit for unit in planned.units if unit.key not in done]
    failures = []
    with console.progress(f"drift {planned.name}", sum(unit.weight for unit in left)) as bar:
        work = DriftWork(source=StoreSource(planned.store.url))
        for outcome in executor.map(work, left, resources) if left else ():
            if outcome.failure is None:
                writer.put_part(outcome.unit.key, outcome.result)
            else:
                failures.append(outcome.failure)
            bar.advance(outcome.unit.weight)
    refuse_failures(f"drift {planned.name!r}", failures, len(left))
    return len(left)


def _provenance(planned: PlannedDrift) -> dict[str, Any]:
    return {
        "study": planned.study,
        "finished": now(),
        "actstore": __version__,
        "analysis_version": ANALYSIS_VERSION,
        "store": planned.store.url,
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
