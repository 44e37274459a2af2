"""Requests: what a wave of trainings asks workers for, their texts and tokens stored."""

from actstore.capture.identity import pooler_sha256
from actstore.capture.source import CheckpointSource, pin, resolve
from actstore.capture.tokenizer import load_tokenizer
from actstore.errors import RequestError
from actstore.extract.prepare import ensure_tokens, token_settings
from actstore.schema.refs import CheckpointRef
from actstore.schema.tokens import TokensMeta
from actstore.store import names, texts
from actstore.store.labels import store_labels
from actstore.store.objects import Objects
from actstore.store.trained import check_training
from analyses.tuning.settings import TrainSettings
from jobs.study.finetune import Finetune
from jobs.training.memory import train_size, training_bytes
from jobs.training.plan import Corpus, TrainingPlan
from jobs.training.request import TrainCorpus, TrainRequest
from jobs.training.settings import architecture, head_options, train_settings


def requests_of(
    plan: TrainingPlan, objects: Objects, wave: list[tuple[Finetune, int]]
) -> list[tuple[TrainRequest, bool]]:
    """The trainings of a wave, and whether each is registered already.

    Raises NameTakenError, and RequestError for a step to save after the last.
    """
    found = [_request(plan, objects, block, seed) for block, seed in wave]
    for request in found:
        for step in request.save_steps:
            check_training(objects, request.name_at(step), request.training_id_at(step))
    return [(request, check_training(objects, request.name, request.training_id)) for request in found]


def _request(plan: TrainingPlan, objects: Objects, block: Finetune, seed: int) -> TrainRequest:
    source, ref = plan.starts.of(block, seed, objects)
    last = block.of_seed(seed)[-1]
    settings = train_settings(block, seed)
    train, meta = _stored(plan.corpora[block.train], objects, source, ref)
    dev, _ = _stored(plan.corpora[block.dev], objects, source, ref)
    _check_steps(block, settings, meta.n_sequences)
    size = train_size(block.task, ref, architecture(block), settings, meta, frozen_layers=block.frozen_layers)
    return TrainRequest(
        store=objects.url,
        name=last.name,
        task=block.task,
        seed=seed,
        start=pin(source),
        start_sha256=ref.trunk_sha256,
        pooler_sha256=_pooler(block, source),
        base=last.base,
        train=train,
        dev=dev,
        settings=settings.to_dict(),
        head_options=head_options(block),
        save_steps=tuple(sorted(set(block.save_steps))),
        frozen_layers=block.frozen_layers,
        starts_random=block.starts_random,
        architecture=architecture(block),
        memory_bytes=training_bytes(size),
    )


def _pooler(block: Finetune, source: CheckpointSource) -> str | None:
    """Poolers are no part of a trunk's hash, and the NLI head begins with one."""
    if block.task != "mnli" or block.pooler == "random" or block.starts_random or source.init == "random":
        return None
    return pooler_sha256(resolve(source))


def _check_steps(block: Finetune, settings: TrainSettings, n_sequences: int) -> None:
    n_steps = settings.epochs * -(-n_sequences // settings.batch_size)
    n_steps = min(n_steps, settings.max_steps or n_steps)
    if late := [step for step in settings.save_steps if step > n_steps]:
        raise RequestError(
            f'[[finetune]] "{block.name}": save_steps has {late[0]}, and the training ends after {n_steps} '
            "steps; leave it out"
        )


def _stored(
    corpus: Corpus, objects: Objects, source: CheckpointSource, ref: CheckpointRef
) -> tuple[TrainCorpus, TokensMeta]:
    """A corpus with its text, name and tokens stored; and what its tokens are."""
    text_id = corpus.ref.text_id
    texts.store_text(objects, corpus.found.digest, corpus.input.read)
    for label in corpus.found.labels:
        store_labels(objects, text_id, label.found, label.read)
    names.bind_corpus(objects, corpus.ref)
    tokenizer = load_tokenizer(resolve(source))
    limits = token_settings(corpus.input, ref)
    meta = ensure_tokens(objects, text_id, corpus.input, tokenizer, limits)
    return TrainCorpus(ref=corpus.ref, tokens_id=meta.tokens_id), meta
