"""The similarity analyses of a study: units handed out, parts stored, one table, its figures."""

from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from actstore import __version__
from actstore.schema import content_id
from actstore.schema.ports import ActivationSource, Executor, Failure, Resources
from actstore.store import catalog, names
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from actstore.store.source import StoreSource
from actstore.store.sums import StoredSums
from analyses.figures.facts import CorpusFacts
from analyses.readers.sample import SampleSpec
from analyses.readers.word_places import WordReport
from analyses.readers.words import WordSource
from analyses.report import TextTable, replicate_table, similarity_table
from analyses.similarity.left import units_left
from analyses.similarity.measures import Options
from analyses.similarity.pairs import resolve_pairs
from analyses.similarity.plan import Plan, plan_units
from analyses.similarity.replicates import replicate_labels, replicate_rows
from analyses.similarity.request import SimilarityBlock, StoredCorpus
from analyses.similarity.rows import SCHEMA, in_order
from analyses.similarity.tiling import LIMITS, Limits
from analyses.similarity.work import SimilarityWork
from jobs.asked import ask_again, now, refuse_failures, runs_read
from jobs.console import Console
from jobs.similarity_files import put_figures, put_markdown, put_samples
from jobs.stored import corpus_facts, stored_corpus
from jobs.study.similarity import Similarity
from jobs.study.study import Study
from jobs.words import as_words, remark_unmatched, word_group

ANALYSIS_VERSION = 3
"""Raised by hand when the numbers of a similarity analysis may change."""
DECODERS = ("gpt2", "gpt_neox", "llama", "mistral", "qwen2", "gptj", "opt", "phi", "gemma")
"""Families whose first position is an outlier of its own (skip_first = 1 by default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A similarity block with its stored runs and units; nothing is computed yet."""

    block: SimilarityBlock
    corpora: tuple[StoredCorpus, ...]
    facts: tuple[CorpusFacts, ...]
    labels: dict[str, str]
    """What replicates are called together."""
    source: ActivationSource
    words: dict[str, WordReport]
    """By corpus, where words are compared."""
    plan: Plan
    writer: ResultWriter
    device: str
    store: Objects
    study: str

    @property
    def sums(self) -> StoredSums:
        """Where parts leave their sums."""
        writer = self.writer
        return StoredSums(writer.objects.url, writer.kind, writer.name, writer.result_id)

    @property
    def work(self) -> SimilarityWork:
        """What workers do."""
        return SimilarityWork(source=self.source, device=self.device, keep=self.sums)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A finished result and where its files lie."""

    name: str
    result_id: str
    table: pa.Table
    texts: tuple[TextTable, ...]
    """The tables as text."""
    figures: tuple[str, ...]
    markdown: str
    n_computed: int
    """Units computed now; 0 when all of it was there."""


def plan_similarity(
    objects: Objects, results: Objects, study: Study, given: Similarity, *, limits: Limits = LIMITS
) -> Planned:
    """Everything that can be wrong is found here: names, runs, tokenisations, layers, too few tokens."""
    pairs = resolve_pairs(given.pairs, study.bases)
    checkpoints = list(dict.fromkeys(name for pair in pairs for name in pair))
    every = catalog.list_runs(objects)
    stored = tuple(stored_corpus(objects, study, corpus, checkpoints, every) for corpus in given.corpora)
    facts = tuple(corpus_facts(objects, corpus) for corpus in stored)
    source: ActivationSource = StoreSource(objects.url)
    corpora, words = stored, dict[str, WordReport]()
    if given.unit == "word":
        source = WordSource(source, [word_group(corpus) for corpus in stored])
        words = {corpus.name: source.report(word_group(corpus).id) for corpus in stored}
        corpora = tuple(as_words(corpus, words[corpus.name]) for corpus in stored)
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
        options=Options(kernel=given.kernel, compare=given.compare, alpha=given.alpha),
        unit=given.unit,
    )
    plan = plan_units(block, corpora, limits)
    result_id = content_id(
        {"analysis_version": ANALYSIS_VERSION, "units": sorted(unit.key for unit in plan.tables)}
    )
    return Planned(
        block=block,
        corpora=corpora,
        labels=replicate_labels({name: names.checkpoint(objects, name).replicate for name in checkpoints}),
        facts=facts,
        source=source,
        words=words,
        plan=plan,
        writer=ResultWriter(results, "similarity", given.name, result_id),
        device=given.device,
        store=objects,
        study=study.name,
    )


def run_similarity(planned: Planned, executor: Executor, resources: Resources, console: Console) -> Finished:
    """Compute the units that have no part yet, then store table, provenance and figures.

    Raises UnitsFailedError when a unit fails; the parts of the others are kept.
    """
    writer = planned.writer
    remark_unmatched(planned.block.name, planned.words, console)
    found = writer.find()
    n_computed = 0
    if found is None:
        n_computed = _compute(planned, executor, resources, console)
        put_samples(writer, planned.plan, planned.work, planned.block.unit)
        parts = writer.read_parts([unit.key for unit in planned.plan.tables], SCHEMA)
        writer.finish(in_order(parts, planned.block, planned.corpora), _provenance(planned))
        planned.sums.drop()
    else:
        ask_again(writer)
    return shown(planned, n_computed)


def shown(planned: Planned, n_computed: int = 0) -> Finished:
    """A finished result with its figures and tables, drawn where they are not there yet."""
    writer = planned.writer
    found = writer.find()
    assert found is not None, f"{writer.key('')} was finished"
    texts = similarity_table(found[0], unit=planned.block.unit)
    if planned.labels:
        parts = writer.read_parts([unit.key for unit in planned.plan.tables], SCHEMA)
        together = replicate_rows(in_order(parts, planned.block, planned.corpora), planned.labels)
        writer.put_table("replicates.parquet", together)
        texts += replicate_table(together)
    return Finished(
        name=planned.block.name,
        result_id=writer.result_id,
        table=found[0],
        texts=tuple(texts),
        figures=put_figures(writer, found[0], planned.facts, planned.labels, planned.block.unit),
        markdown=put_markdown(writer, texts, planned.facts),
        n_computed=n_computed,
    )


def _compute(planned: Planned, executor: Executor, resources: Resources, console: Console) -> int:
    """Do what is left, stage by stage; returns how many units were done."""
    writer, name = planned.writer, planned.block.name
    stages = units_left(planned.plan, writer.done_units(), planned.sums.done())
    n_left = sum(map(len, stages))
    with console.progress(
        f"similarity {name}", sum(unit.weight for stage in stages for unit in stage)
    ) as bar:
        for stage in stages:
            failures: list[Failure] = []
            for outcome in executor.map(planned.work, stage, resources) if stage else ():
                if outcome.failure is not None:
                    failures.append(outcome.failure)
                elif outcome.result is not None:
                    writer.put_part(outcome.unit.key, outcome.result)
                bar.advance(outcome.unit.weight)
            refuse_failures(f"similarity {name!r}", failures, n_left)
    return n_left


def _provenance(planned: Planned) -> dict[str, Any]:
    block = planned.block
    runs = {
        f"{run.checkpoint} over {corpus.name}": run.run_id
        for corpus in planned.corpora
        for run in corpus.runs.values()
    }
    return {
        "study": planned.study,
        "finished": now(),
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
            "intervals": block.intervals,
            "options": asdict(block.options),
            "unit": block.unit,
        },
        "corpora": {
            corpus.name: {
                "excluded_examples": list(corpus.excluded),
                **({"words": planned.words[corpus.name].to_dict()} if corpus.name in planned.words else {}),
            }
            for corpus in planned.corpora
        },
        "runs": runs_read(planned.store, runs),
    }


def _skip_first(objects: Objects, given: Similarity, checkpoints: list[str]) -> int:
    if given.skip_first is not None:
        return given.skip_first
    families = {names.checkpoint(objects, name).family for name in checkpoints}
    return 1 if families & set(DECODERS) else 0
