"""The similarity analyses of a study: units handed out, parts stored, one table, its figures."""

import datetime
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actstore import __version__
from actstore.errors import UnitsFailedError
from actstore.schema import content_id
from actstore.schema.ports import Executor, Resources, Unit
from actstore.store import catalog, names
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter, list_results
from actstore.store.runs import find_manifest
from actstore.store.source import StoreSource
from analyses.figures.layers import layer_curves
from analyses.readers.sample import SampleSpec
from analyses.similarity.pairs import resolve_pairs
from analyses.similarity.plan import plan_units
from analyses.similarity.request import SimilarityBlock, StoredCorpus
from analyses.similarity.work import SimilarityWork
from jobs.console import Console
from jobs.stored import stored_corpus
from jobs.study.similarity import Similarity
from jobs.study.study import Study

ANALYSIS_VERSION = 1
"""Raised by hand when the numbers of a similarity analysis may change."""
DECODERS = ("gpt2", "gpt_neox", "llama", "mistral", "qwen2", "gptj", "opt", "phi", "gemma")
"""Families whose first position is an outlier of its own (skip_first = 1 by default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A similarity block with its stored runs and units; nothing is computed yet."""

    block: SimilarityBlock
    corpora: tuple[StoredCorpus, ...]
    units: tuple[Unit, ...]
    writer: ResultWriter
    device: str
    store: Objects
    study: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A finished result and where its files lie."""

    name: str
    result_id: str
    table: pa.Table
    figures: tuple[str, ...]
    n_computed: int
    """Units computed now; 0 when all of it was there."""


def plan_similarity(objects: Objects, results: Objects, study: Study, given: Similarity) -> Planned:
    """Everything that can be wrong is found here: names, runs, tokenisations, layers."""
    pairs = resolve_pairs(given.pairs, study.bases)
    checkpoints = list(dict.fromkeys(name for pair in pairs for name in pair))
    every = catalog.list_runs(objects)
    corpora = tuple(stored_corpus(objects, study, corpus, checkpoints, every) for corpus in given.corpora)
    block = SimilarityBlock(
        name=given.name,
        pairs=pairs,
        measures=given.measures,
        layers=given.layers,
        sample=SampleSpec(
            n_tokens=given.tokens if isinstance(given.tokens, int) else None,
            include_special=given.include_special,
            skip_first=_skip_first(objects, given, checkpoints),
        ),
        seeds=(study.seed,),
        resamples=given.resamples,
    )
    units = plan_units(block, corpora)
    result_id = content_id(
        {"analysis_version": ANALYSIS_VERSION, "units": sorted(unit.key for unit in units)}
    )
    writer = ResultWriter(results, "similarity", given.name, result_id)
    return Planned(
        block=block,
        corpora=corpora,
        units=units,
        writer=writer,
        device=given.device,
        store=objects,
        study=study.name,
    )


def run_similarity(planned: Planned, executor: Executor, resources: Resources, console: Console) -> Finished:
    """Compute the units that have no part yet, then store table, provenance and figures.

    Raises UnitsFailedError when a unit fails; the parts of the others are kept.
    """
    writer, units = planned.writer, planned.units
    found = writer.find()
    done = {unit.key for unit in units} if found is not None else writer.done_units()
    left = [unit for unit in units if unit.key not in done]
    failures = []
    with console.progress(f"similarity {planned.block.name}", len(left)) as bar:
        work = SimilarityWork(source=StoreSource(planned.store.url), device=planned.device)
        for outcome in executor.map(work, left, resources) if left else ():
            if outcome.failure is None:
                writer.put_part(outcome.unit.key, outcome.result)
            else:
                failures.append(outcome.failure)
            bar.advance(1)
    if failures:
        told = "; ".join(dict.fromkeys(f"{failure.kind}: {failure.message}" for failure in failures))
        raise UnitsFailedError(
            f"similarity {planned.block.name!r}: {len(failures)} of {len(units)} comparisons failed "
            f"({told}); the others are kept, the same command goes on from there"
        )
    if found is not None and _is_stale(writer):
        writer.ask_again(_now())
    if found is None:
        _put_samples(planned)
        writer.finish(writer.read_parts([unit.key for unit in units]), _provenance(planned))
        found = writer.find()
    table = pa.table({}) if found is None else found[0]
    return Finished(
        name=planned.block.name,
        result_id=writer.result_id,
        table=table,
        figures=put_figures(writer, table),
        n_computed=len(left),
    )


def put_figures(writer: ResultWriter, table: pa.Table) -> tuple[str, ...]:
    """Draw a layer curve for each measure; returns the file names."""
    measures = dict.fromkeys(table.column("measure").to_pylist())
    out = []
    for measure in measures:
        if any(
            a == b
            for a, b in zip(*(table.column(n).to_pylist() for n in ("layer_a", "layer_b")), strict=True)
        ):
            drawn = layer_curves(table, measure=measure).files(f"{writer.name}-{measure}")
            out += [writer.put_file(name, data) for name, data in drawn.items()]
    return tuple(out)


def _put_samples(planned: Planned) -> None:
    """The ids of the tokens that were compared, a file for each corpus and seed."""
    task_of: dict[str, Any] = {}
    work = SimilarityWork(source=StoreSource(planned.store.url), device="cpu")
    for unit in planned.units:
        args = unit.args
        name = f"tokens-{args.corpus}-{args.sample.seed}.parquet"
        if args.sample.n_tokens is None or name in task_of:
            continue
        task_of[name] = work.open(unit.group)
        planned.writer.put_table(name, task_of[name].sample(args.sample).to_table())


def _provenance(planned: Planned) -> dict[str, Any]:
    block = planned.block
    manifests = {
        f"{run.checkpoint} over {corpus.name}": find_manifest(planned.store, run.run_id)
        for corpus in planned.corpora
        for run in corpus.runs.values()
    }
    return {
        "study": planned.study,
        "finished": _now(),
        "actstore": __version__,
        "analysis_version": ANALYSIS_VERSION,
        "store": planned.store.url,
        "block": {
            "name": block.name,
            "measures": list(block.measures),
            "pairs": [list(pair) for pair in block.pairs],
            "layers": block.layers if isinstance(block.layers, str) else list(block.layers),
            "sample": block.sample.to_dict(),
            "seeds": list(block.seeds),
            "resamples": block.resamples,
        },
        "corpora": {corpus.name: {"excluded_examples": list(corpus.excluded)} for corpus in planned.corpora},
        "runs": {
            pair: {"run_id": manifest.run_id, "content_sha256": manifest.content_sha256}
            for pair, manifest in manifests.items()
            if manifest is not None
        },
    }


def _is_stale(writer: ResultWriter) -> bool:
    same = (writer.kind, writer.name, writer.result_id)
    return any(
        row["stale"] and (row["kind"], row["name"], row["result_id"]) == same
        for row in list_results(writer.objects)
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def _skip_first(objects: Objects, given: Similarity, checkpoints: list[str]) -> int:
    if given.skip_first is not None:
        return given.skip_first
    families = {names.checkpoint(objects, name).family for name in checkpoints}
    return 1 if families & set(DECODERS) else 0
