"""Prepare: a study's checkpoints and corpora described, checked against the store, and made ready to run."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from actstore.capture.checkpoint import describe as describe_checkpoint
from actstore.capture.remembered import Remembered, cache_folder
from actstore.capture.sites import choose_sites
from actstore.capture.source import CheckpointSource, pin, resolve
from actstore.capture.tokenize import TokenCounts
from actstore.capture.tokenizer import Tokenizer, load_tokenizer
from actstore.errors import NotYetError, RequestError, StudyError
from actstore.extract.driver import RunPlan
from actstore.extract.load import ExtractorArgs
from actstore.extract.prepare import (
    TOKENS_PER_BATCH,
    CorpusInput,
    ExtractSettings,
    check_tokens,
    ensure_tokens,
    run_spec,
    stored_tokens,
    token_settings,
)
from actstore.formats.registry import check_options, read_examples
from actstore.formats.report import ReadReport
from actstore.schema.refs import CheckpointRef, CorpusRef
from actstore.schema.text import Example
from actstore.schema.tokens import TokenSettings, TokensMeta
from actstore.store import names, texts
from actstore.store.labels import store_labels
from actstore.store.objects import Objects
from jobs.console import Console
from jobs.labels import LabelInput, check_splits, describe_labelled, told_set, unseen_labels
from jobs.naming import by_name
from jobs.study.checkpoint import Checkpoint
from jobs.study.corpus import Corpus
from jobs.study.label_names import label_problems, tree_corpora
from jobs.study.later import not_yet
from jobs.study.needed import NeededRun, needed_runs
from jobs.study.study import Study
from jobs.training.tables import check_gold


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Everything a study names, read and identified; nothing is written yet."""

    study: Study
    needed: tuple[NeededRun, ...]
    sources: dict[str, CheckpointSource]
    checkpoints: dict[str, CheckpointRef]
    inputs: dict[str, CorpusInput]
    corpora: dict[str, tuple[CorpusRef, texts.TextDigest]]
    readings: dict[str, ReadReport]
    """How many examples each corpus gave, and what was left out."""
    labels: tuple[LabelInput, ...]
    """Label sets of spans of the corpora."""
    unseen: tuple[str, ...]
    """Splits with labels that training has not, told."""

    def model_folders(self) -> list[Path]:
        """Local folders that workers read checkpoints from."""
        return sorted({Path(source.model) for source in self.sources.values() if Path(source.model).is_dir()})


def refuse_later(study: Study) -> None:
    """Raise NotYetError for every part of a study that this version can not run."""
    later = not_yet(study)
    if later:
        raise NotYetError(f"{study.path}: {'; '.join(later)}; take what is not there yet out of the study")


Found = tuple[CheckpointSource, CheckpointRef]


def describe_study(
    study: Study,
    trained: Callable[[str], Found],
    describe: Callable[[CheckpointSource], CheckpointRef] | None = None,
) -> Described:
    """Identify checkpoints and corpora that are needed; `trained` finds one that the study trains, by name.

    Raises ModelError, CorpusError: a missing folder or file, one that can not be read, an empty text, ...
    """
    if problems := label_problems(study):
        raise StudyError(f"{study.path} can not be used:\n" + "\n".join(f"  {line}" for line in problems))
    needed = tuple(needed_runs(study))
    used_checkpoints = {run.checkpoint for run in needed}
    used_corpora = {run.corpus for run in needed}
    given = [item for item in study.checkpoints if item.name in used_checkpoints]
    describe = describe or partial(describe_checkpoint, remembered=Remembered(cache_folder()))
    found = by_name("checkpoint", given, lambda item: (source := source_of(item), describe(source)))
    to_train = used_checkpoints - set(found)
    found |= {name: trained(name) for name in study.bases if name in to_train}
    readings: dict[str, ReadReport] = {}
    trees = tree_corpora(study)
    corpora = [item for item in study.corpora if item.name in used_corpora]
    inputs = {item.name: input_of(item, readings, trees=item.name in trees) for item in corpora}
    described = by_name("corpus", corpora, lambda item: describe_labelled(item, inputs[item.name]))
    check_splits(study, described)
    return Described(
        study=study,
        needed=needed,
        sources={name: source for name, (source, _) in found.items()},
        checkpoints={name: ref for name, (_, ref) in found.items()},
        inputs=inputs,
        corpora={name: (found.ref, found.digest) for name, found in described.items()},
        readings=readings,
        unseen=unseen_labels(study, described),
        labels=tuple(label for found in described.values() for label in found.labels),
    )


def remark_readings(described: Described, console: Console) -> None:
    """Tell what was left out of the corpora, and why."""
    remark_reports(described.readings, console)
    for label in described.labels:
        console.remark(told_set(label))
    for line in described.unseen:
        console.remark(line)


def remark_reports(readings: Mapping[str, ReadReport], console: Console) -> None:
    """Tell what readers left out of corpora, or read in a way worth telling."""
    for name, report in readings.items():
        if report.skipped or report.noted:
            console.remark(f"corpus {name}: {report}")


def source_of(item: Checkpoint) -> CheckpointSource:
    """Where a [[checkpoint]] comes from."""
    fields = CheckpointSource.__dataclass_fields__
    return CheckpointSource(**{name: getattr(item, name) for name in fields})


def input_of(item: Corpus, readings: dict[str, ReadReport], *, trees: bool = False) -> CorpusInput:
    """The text and limits of a [[corpus]]; a pass over the text puts its report into `readings`.

    `trees`: refuse sentences whose heads are none.
    """
    options = replace(item.read_options, trees=trees)
    check_options(options)

    def read() -> Iterator[Example]:
        reading = read_examples(options)
        yield from reading.examples
        readings[item.name] = reading.report

    return CorpusInput(
        name=item.name,
        domain=item.domain,
        read=read,
        max_length=item.max_length,
        overflow=item.overflow,
        stride=item.stride,
        part=item.part,
    )


def extract_settings(study: Study) -> ExtractSettings:
    """The [extract] block as extraction takes it."""
    given = study.extract
    return ExtractSettings(
        dtype=given.dtype,
        compute_dtype=given.compute_dtype,
        codec=given.codec,
        attention=given.attention,
        tokens_per_batch=given.tokens_per_batch or TOKENS_PER_BATCH,
    )


def check_described(described: Described, objects: Objects | None) -> None:
    """Every check that needs no model: names, limits, sites, long texts.

    `objects` is the store, None where there is none yet. Raises NameTakenError, ModelError, CorpusError.
    """
    if objects is not None:
        names.check_checkpoints(objects, list(described.checkpoints.values()))
        for corpus, _ in described.corpora.values():
            names.check_corpus(objects, corpus)
    for block in described.study.ablation:
        for name in (block.train, block.dev):
            if name in described.corpora:
                check_gold(block.task, described.corpora[name][0])
    seen = set()
    for run in described.needed:
        ref, corpus_input = described.checkpoints[run.checkpoint], described.inputs[run.corpus]
        with _naming(run):
            choose_sites(run.sites, ref)
            settings = token_settings(corpus_input, ref)
            case = (ref.tokenizer_sha256, run.corpus, settings)
            if case not in seen:
                seen.add(case)
                check_tokens(corpus_input, tokenizer_of(described, run.checkpoint), settings)


@contextmanager
def _naming(run: NeededRun) -> Iterator[None]:
    """Say which run a refusal is about."""
    try:
        yield
    except RequestError as error:
        raise type(error)(f"{run.checkpoint} over {run.corpus}: {error}") from error


def tokenizer_of(described: Described, checkpoint: str) -> Tokenizer:
    """The tokenizer of a checkpoint."""
    return load_tokenizer(resolve(described.sources[checkpoint]))


def make_ready(described: Described, objects: Objects, console: Console) -> list[RunPlan]:
    """Store texts, names and tokenisations where they are missing; returns the runs that are wanted."""
    for name, (_, digest) in described.corpora.items():
        texts.store_text(objects, digest, described.inputs[name].read)
    for label in described.labels:
        store_labels(objects, described.corpora[label.corpus][0].text_id, label.found, label.read)
    for corpus, _ in described.corpora.values():
        names.bind_corpus(objects, corpus)
    names.bind_checkpoints(objects, list(described.checkpoints.values()))
    tokenizers: dict[str, Tokenizer] = {}

    def make(run: NeededRun, limits: TokenSettings) -> TokensMeta:
        ref = described.checkpoints[run.checkpoint]
        if ref.tokenizer_sha256 not in tokenizers:
            tokenizers.clear()  # one at a time is held
            tokenizers[ref.tokenizer_sha256] = tokenizer_of(described, run.checkpoint)
        corpus_input, (corpus, digest) = described.inputs[run.corpus], described.corpora[run.corpus]
        with console.counting(f"tokenising {run.corpus}", digest.n_examples) as reached:
            return ensure_tokens(
                objects, corpus.text_id, corpus_input, tokenizers[ref.tokenizer_sha256], limits,
                on_chunk=_told_by(reached),
            )  # fmt: skip

    return [_plan(described, run, meta) for run, meta in each_tokenised(described, make) if meta is not None]


def each_tokenised(
    described: Described, tokens_of: Callable[[NeededRun, TokenSettings], TokensMeta | None]
) -> Iterator[tuple[NeededRun, TokensMeta | None]]:
    """Every run with its tokenisation; `tokens_of` is asked once for each, however many runs share it."""
    found: dict[tuple[str, str, TokenSettings], TokensMeta | None] = {}
    for run in described.needed:
        ref = described.checkpoints[run.checkpoint]
        limits = token_settings(described.inputs[run.corpus], ref)
        case = (described.corpora[run.corpus][0].text_id, ref.tokenizer_sha256, limits)
        if case not in found:
            found[case] = tokens_of(run, limits)
        yield run, found[case]


def _told_by(reached: Callable[[float, str], None]) -> Callable[[TokenCounts], None]:
    return lambda counts: reached(counts.n_examples, f"{counts.n_tokens:,} tokens")


def stored_plans(described: Described, objects: Objects) -> list[RunPlan] | None:
    """The runs that are wanted, None where a tokenisation is not stored yet. Writes nothing."""

    def find(run: NeededRun, limits: TokenSettings) -> TokensMeta | None:
        ref, text_id = described.checkpoints[run.checkpoint], described.corpora[run.corpus][0].text_id
        return stored_tokens(objects, text_id, ref.tokenizer_sha256, limits)

    plans = []
    for run, meta in each_tokenised(described, find):
        if meta is None:
            return None
        plans.append(_plan(described, run, meta))
    return plans


def _plan(described: Described, run: NeededRun, meta: TokensMeta) -> RunPlan:
    ref = described.checkpoints[run.checkpoint]
    spec = run_spec(ref, meta, choose_sites(run.sites, ref), extract_settings(described.study))
    size = {"max_length": meta.settings.max_length, "n_sequences": meta.n_sequences}
    return RunPlan(checkpoint=run.checkpoint, corpus=run.corpus, spec=spec, **size)


def extractor_arguments(described: Described, *, threads: int) -> dict[str, ExtractorArgs]:
    """What a worker needs to load each checkpoint: the union of the sites that its runs store."""
    settings = extract_settings(described.study)
    sites: dict[str, dict[str, None]] = {}
    for run in described.needed:
        chosen = choose_sites(run.sites, described.checkpoints[run.checkpoint])
        sites.setdefault(run.checkpoint, {}).update(dict.fromkeys(chosen))
    return {
        name: ExtractorArgs(
            # Pinned: workers load the commit that was described, whatever the hub says by then.
            source=pin(described.sources[name]),
            sites=tuple(wanted),
            compute_dtype=settings.compute_dtype,
            attention=settings.attention,
            threads=threads,
            n_gpus=described.study.extract.gpus_per_worker or 1,
        )
        for name, wanted in sites.items()
    }
