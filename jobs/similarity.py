"""The similarity analyses of a study: units handed out, parts stored, one table, its figures."""

from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

import pyarrow as pa

from actstore.schema import content_id
from actstore.schema.ports import ActivationSource, Executor, Outcome, Resources
from actstore.store import catalog, names
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from actstore.store.source import StoreSource
from actstore.store.sums import StoredSums
from analyses.figures.facts import CorpusFacts
from analyses.readers.sample import SampleSpec
from analyses.readers.word_places import WordReport
from analyses.readers.words import WordSource
from analyses.report import replicate_table, similarity_table
from analyses.similarity.left import units_left
from analyses.similarity.measures import Options
from analyses.similarity.pairs import resolve_pairs
from analyses.similarity.plan import Plan, plan_units
from analyses.similarity.replicates import replicate_rows
from analyses.similarity.request import SimilarityBlock, StoredCorpus
from analyses.similarity.rows import SCHEMA, in_order
from analyses.similarity.tiling import LIMITS, Limits
from analyses.similarity.work import SimilarityWork
from jobs.asked import ask_again, made_by, runs_read
from jobs.console import Console
from jobs.finished import FinishedTables
from jobs.similarity_files import put_figures, put_markdown, put_samples
from jobs.stored import corpus_facts, replicate_groups, stored_corpus
from jobs.study.similarity import Similarity
from jobs.study.study import Study
from jobs.units import carry_out
from jobs.words import as_words, remark_unmatched, word_group

ANALYSIS_VERSION = 3
"""Raised by hand when the numbers of a similarity analysis may change."""
DECODERS = ("gpt2", "gpt_neox", "llama", "mistral", "qwen2", "gptj", "opt", "phi", "gemma")
"""Families whose first position is an outlier of its own (skip_first = 1 by default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSimilarity:
    """A similarity block with its stored runs and units; implements PlannedAnalysis."""

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
    asked_device: str
    """auto, cpu or cuda."""
    store: Objects
    study: str

    @property
    def name(self) -> str:
        return self.block.name

    @property
    def device(self) -> str:
        """As asked; "auto" takes a GPU only where CuPy can use it."""
        needless = self.asked_device == "auto" and find_spec("cupy") is None
        return "cpu" if needless else self.asked_device

    @property
    def sums(self) -> StoredSums:
        """Where parts leave their sums."""
        writer = self.writer
        return StoredSums(writer.objects.url, writer.kind, writer.name, writer.result_id)

    @property
    def work(self) -> SimilarityWork:
        """What workers do."""
        return SimilarityWork(source=self.source, device=self.asked_device, keep=self.sums)

    def run(self, executor: Executor, resources: Resources, console: Console) -> FinishedTables:
        """Compute the units that have no part yet, then store table, provenance and figures.

        Raises UnitsFailedError when a unit fails; the parts of the others are kept.
        """
        writer = self.writer
        remark_unmatched(self.name, self.words, console)
        if writer.find() is not None:
            ask_again(writer)
            return self.shown()
        stages = units_left(self.plan, writer.done_units(), self.sums.done())
        n_computed = carry_out(self.work, stages, executor, resources, console, writer, self._keep)
        put_samples(writer, self.plan, self.work, self.block.unit)
        writer.finish(self._rows(), _provenance(self))
        self.sums.drop()
        return self.shown(n_computed)

    def shown(self, n_computed: int = 0) -> FinishedTables:
        """A finished result with its figures and tables, drawn where they are not there yet."""
        writer = self.writer
        found = writer.find()
        assert found is not None, f"{writer.key('')} was finished"
        texts = similarity_table(found[0], unit=self.block.unit)
        if self.labels:
            together = replicate_rows(self._rows(), self.labels)
            writer.put_table("replicates.parquet", together)
            texts += replicate_table(together)
        return FinishedTables(
            kind=writer.kind,
            name=self.name,
            result_id=writer.result_id,
            table=found[0],
            texts=tuple(texts),
            figures=put_figures(writer, found[0], self.facts, self.labels, self.block.unit),
            markdown=put_markdown(writer, texts, self.facts),
            n_computed=n_computed,
        )

    def _rows(self) -> pa.Table:
        """The parts as one table."""
        parts = self.writer.read_parts([unit.key for unit in self.plan.tables], SCHEMA)
        return in_order(parts, self.block, self.corpora)

    def _keep(self, outcome: Outcome) -> None:
        """Units of sums leave theirs in the store themselves."""
        if outcome.result is not None:
            self.writer.put_part(outcome.unit.key, outcome.result)


def plan_similarity(
    objects: Objects, results: Objects, study: Study, given: Similarity, *, limits: Limits = LIMITS
) -> PlannedSimilarity:
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
    return PlannedSimilarity(
        block=block,
        corpora=corpora,
        labels=replicate_groups(objects, checkpoints),
        facts=facts,
        source=source,
        words=words,
        plan=plan,
        writer=ResultWriter(results, "similarity", given.name, result_id),
        asked_device=given.device,
        store=objects,
        study=study.name,
    )


def _provenance(planned: PlannedSimilarity) -> dict[str, Any]:
    block = planned.block
    runs = {
        f"{run.checkpoint} over {corpus.name}": run.run_id
        for corpus in planned.corpora
        for run in corpus.runs.values()
    }
    return {
        **made_by(planned.study, planned.store, ANALYSIS_VERSION),
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
