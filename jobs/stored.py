"""Stored: which stored runs a study's analyses read. Looks at the store only; no model has to be there."""

from collections.abc import Iterable

from actstore.errors import AmbiguousRunError, IncompleteRunError, NotFoundError
from actstore.schema.refs import CheckpointRef
from actstore.schema.tokens import TokensMeta
from actstore.store import names, runs, tokens
from actstore.store.catalog import RunInfo
from actstore.store.objects import Objects
from analyses.figures.facts import CorpusFacts
from analyses.similarity.replicates import replicate_labels
from analyses.similarity.request import StoredCorpus, StoredRun
from jobs.study.corpus import Corpus
from jobs.study.study import Study


def stored_corpus(
    objects: Objects, study: Study, corpus: str, checkpoints: list[str], every: list[RunInfo]
) -> StoredCorpus:
    """The complete runs of some checkpoints over a corpus, by the study's own settings.

    Raises NotFoundError, IncompleteRunError, AmbiguousRunError.
    """
    found = {name: find(objects, study, name, corpus, every) for name in checkpoints}
    excluded = sorted({example for info in found.values() for example in quarantined(objects, info)})
    return StoredCorpus(
        name=corpus,
        excluded=tuple(excluded),
        runs={name: stored_run(name, info, names.checkpoint(objects, name)) for name, info in found.items()},
    )


def replicate_groups(objects: Objects, checkpoints: Iterable[str]) -> dict[str, str]:
    """What checkpoints are called together that differ by seed alone."""
    return replicate_labels({name: names.checkpoint(objects, name).replicate for name in checkpoints})


def stored_run(checkpoint: str, info: RunInfo, about: CheckpointRef | None = None) -> StoredRun:
    """A run as analyses know it; `about`: what the name is bound to."""
    return StoredRun(
        checkpoint=checkpoint,
        run_id=info.run_id,
        tokens_id=info.spec.tokens_id,
        sites=info.spec.sites,
        widths=info.spec.widths,
        n_rows=info.spec.n_rows,
        replicate=None if about is None else about.replicate,
        n_layers=None if about is None else about.n_layers,
    )


def corpus_facts(objects: Objects, corpus: StoredCorpus) -> CorpusFacts:
    """Lengths and unknown pieces of a corpus, by the tokenisation of its first run."""
    first = next(iter(corpus.runs.values()))
    meta = next(
        meta
        for meta in tokens.list_metas(objects, names.corpus(objects, corpus.name).text_id)
        if meta.tokens_id == first.tokens_id
    )
    return CorpusFacts(
        corpus=corpus.name,
        n_examples=meta.n_examples,
        n_tokens=meta.n_tokens,
        n_unknown=meta.n_unknown,
        n_truncated=meta.n_truncated,
    )


def find(objects: Objects, study: Study, checkpoint: str, corpus: str, every: list[RunInfo]) -> RunInfo:
    """The run that the study's [extract] block and the corpus's limits describe."""
    made = _made_as_asked(objects, study, checkpoint, corpus, every)
    fitting = [info for info in made if _has_sites(info, study)]
    pair = f"{checkpoint} over {corpus}"
    if not fitting:
        raise NotFoundError(_none(objects, study, pair))
    if len(fitting) > 1:
        listed = "; ".join(
            f"{info.run_id} ({len(info.spec.sites)} sites, tokens_per_batch {info.spec.tokens_per_batch})"
            for info in fitting
        )
        raise AmbiguousRunError(
            f"several runs of {pair} fit this study: {listed}; say which by max_length, sites or "
            "tokens_per_batch"
        )
    return _complete(fitting[0], study, pair)


def find_with_site(  # noqa: PLR0917  as find
    objects: Objects, study: Study, checkpoint: str, corpus: str, every: list[RunInfo], site: str
) -> RunInfo:
    """A complete run as the study says, with one site: of several the one with the most sites.

    Raises NotFoundError, IncompleteRunError.
    """
    fitting = [
        info for info in _made_as_asked(objects, study, checkpoint, corpus, every) if site in info.spec.sites
    ]
    if not fitting:
        raise NotFoundError(_none(objects, study, f"{checkpoint} over {corpus}"))
    found = max(fitting, key=lambda info: (info.complete, len(info.spec.sites), info.run_id))
    return _complete(found, study, f"{checkpoint} over {corpus}")


def _made_as_asked(
    objects: Objects, study: Study, checkpoint: str, corpus: str, every: list[RunInfo]
) -> list[RunInfo]:
    """The runs of a pair that were made as the study says, whatever sites they hold."""
    try:
        trunk = names.checkpoint(objects, checkpoint).trunk_sha256
        text_id = names.corpus(objects, corpus).text_id
    except NotFoundError as error:
        raise NotFoundError(f"{error}; run `actstore extract {study.path}`") from error
    metas = {meta.tokens_id: meta for meta in tokens.list_metas(objects, text_id)}
    return [
        info
        for info in every
        if info.spec.trunk_sha256 == trunk
        and info.spec.tokens_id in metas
        and _fits(info, metas[info.spec.tokens_id], study, study.corpus(corpus))
    ]


def _none(objects: Objects, study: Study, pair: str) -> str:
    return (
        f"no run of {pair} with this study's settings in {objects.url}; run `actstore extract {study.path}`"
    )


def _complete(info: RunInfo, study: Study, pair: str) -> RunInfo:
    if not info.complete:
        raise IncompleteRunError(
            f"the run of {pair} has {info.n_done} of {info.spec.n_shards} shards; "
            f"run `actstore extract {study.path}`"
        )
    return info


def _has_sites(info: RunInfo, study: Study) -> bool:
    """Whether a run holds the sites that the study asks for, and where those are names no other."""
    if study.extract.sites == "all":
        return "L00" in info.spec.sites
    return info.spec.sites == tuple(sorted(study.extract.sites))


def _fits(info: RunInfo, meta: TokensMeta, study: Study, corpus: Corpus) -> bool:
    """Whether a run was made as the study says, sites aside; what the study leaves open may be anything."""
    spec, asked, limits = info.spec, study.extract, meta.settings
    same = (
        (spec.dtype, asked.dtype),
        (spec.compute_dtype, asked.compute_dtype),
        (spec.codec, asked.codec),
        (spec.attention, asked.attention),
        (spec.tokens_per_batch, asked.tokens_per_batch or spec.tokens_per_batch),
        (limits.max_length, corpus.max_length or limits.max_length),
        (limits.overflow, corpus.overflow),
        (limits.stride, corpus.stride),
        (limits.part, corpus.part),
    )
    return all(stored == wanted for stored, wanted in same)


def quarantined(objects: Objects, info: RunInfo) -> set[int]:
    """Examples of a run that have no values."""
    if not info.n_quarantined:
        return set()
    receipts = runs.read_receipts(objects, info.run_id).values()
    return {item.example for receipt in receipts for item in receipt.quarantined}
