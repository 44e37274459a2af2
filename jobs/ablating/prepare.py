"""Prepare: corpora and base of an ablation, stored and found; sources are read where they are not."""

from collections.abc import Iterable
from dataclasses import dataclass

from actstore.capture.identity import pooler_sha256
from actstore.capture.source import CheckpointSource, resolve
from actstore.capture.tokenizer import load_tokenizer
from actstore.errors import NotFoundError, RequestError
from actstore.extract.prepare import check_tokens, ensure_tokens, stored_tokens, token_settings
from actstore.schema.refs import CheckpointRef
from actstore.store import names, texts
from actstore.store.labels import store_labels
from actstore.store.objects import Objects
from analyses.tuning.trunk.families import trunk_family
from jobs.labels import describe_labelled
from jobs.prepare import input_of
from jobs.study.ablation import Ablation
from jobs.study.label_names import tree_corpora
from jobs.study.study import Study
from jobs.training.request import TrainCorpus
from jobs.training.starts import Starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What an ablation starts from."""

    source: CheckpointSource
    ref: CheckpointRef
    pooler_sha256: str | None


class Bases:
    """Finds bases of a study, each once: their weights are hashed whole."""

    def __init__(self, study: Study, objects: Objects) -> None:
        self._starts, self._objects = Starts(study), objects

    def of(self, block: Ablation) -> Base:
        """Raises ModelError for one that can not be trained, RequestError for random weights."""
        source, ref = self._starts.named(block.base, self._objects)
        trunk_family(ref.family)
        if source.init is not None:
            raise RequestError(
                f'[[ablation]] "{block.name}": base = "{block.base}" has random weights (init), whose layers '
                "are no base to keep; name a trained one"
            )
        takes_pooler = block.task == "mnli" and block.pooler == "pretrained"
        return Base(
            source=source, ref=ref, pooler_sha256=pooler_sha256(resolve(source)) if takes_pooler else None
        )


def store_corpora(study: Study, objects: Objects, blocks: Iterable[Ablation]) -> None:
    """Store text, labels and tokens of each block's corpora where they are not stored yet."""
    bases = Bases(study, objects)
    for block in blocks:
        base = bases.of(block)
        for corpus in dict.fromkeys((block.train, block.dev)):
            try:
                stored_corpus(study, objects, corpus, base.ref)
            except NotFoundError:
                _store(study, objects, corpus, base)


def stored_corpus(study: Study, objects: Objects, corpus: str, base: CheckpointRef) -> TrainCorpus:
    """A corpus through a base's tokenizer. Raises NotFoundError where it is not stored."""
    ref = names.corpus(objects, corpus)
    limits = token_settings(input_of(study.corpus(corpus), {}), base)
    meta = stored_tokens(objects, ref.text_id, base.tokenizer_sha256, limits)
    if meta is None:
        raise NotFoundError(
            f"corpus {corpus!r} is not tokenised for {base.name!r} yet; run `actstore run {study.path}`"
        )
    return TrainCorpus(ref=ref, tokens_id=meta.tokens_id)


def _store(study: Study, objects: Objects, name: str, base: Base) -> None:
    item = study.corpus(name)
    corpus = input_of(item, {}, trees=name in tree_corpora(study))
    found = describe_labelled(item, corpus)
    names.check_corpus(objects, found.ref)
    tokenizer, limits = load_tokenizer(resolve(base.source)), token_settings(corpus, base.ref)
    check_tokens(corpus, tokenizer, limits)
    texts.store_text(objects, found.digest, corpus.read)
    for label in found.labels:
        store_labels(objects, found.ref.text_id, label.found, label.read)
    names.bind_corpus(objects, found.ref)
    ensure_tokens(objects, found.ref.text_id, corpus, tokenizer, limits)
