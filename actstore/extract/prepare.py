"""Prepare: from checkpoints and corpora to run specs, every check before the first write."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from actstore.capture.tokenize import (
    TokenCounts,
    TokenizedChunk,
    check_max_length,
    check_settings,
    default_max_length,
    tokenize,
    tokens_meta,
)
from actstore.capture.tokenizer import Tokenizer
from actstore.errors import CorpusError
from actstore.plan.memory import blocks_per_shard, chunk_rows
from actstore.plan.packing import block_rows_for
from actstore.schema.refs import CheckpointRef, CorpusRef, check_name
from actstore.schema.spec import ITEM_BYTES, RunSpec
from actstore.schema.text import Example
from actstore.schema.tokens import TokenSettings, TokensMeta, tokens_id
from actstore.store import texts, tokens
from actstore.store.objects import Objects

TOKENS_PER_BATCH = 1024
"""Measured on CPUs (benchmarks/extraction.py); a GPU wants 16,384 or more: set it under [extract]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusInput:
    """A corpus of a study: its text, to be read from the start any number of times, and its limits."""

    name: str
    domain: str
    read: Callable[[], Iterable[Example]]
    max_length: int | None = None
    """None: 512, or what the model has positions for."""
    overflow: str = "truncate"
    stride: int = 128
    part: str = "pair"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractSettings:
    """How activations are computed and stored."""

    dtype: str = "float16"
    compute_dtype: str = "float32"
    codec: str = "none"
    attention: str = "sdpa"
    tokens_per_batch: int = TOKENS_PER_BATCH


def describe_corpus(corpus: CorpusInput) -> tuple[CorpusRef, texts.TextDigest]:
    """Identity of a corpus, by reading it once. Raises CorpusError when it is empty or can not be read."""
    check_name(corpus.name, "corpus")
    digest = texts.digest_text(corpus.read())
    if digest.n_examples == 0:
        raise CorpusError(f"corpus {corpus.name!r} has no examples; give a text with at least one")
    ref = CorpusRef(
        name=corpus.name,
        text_id=digest.text_id,
        domain=corpus.domain,
        word_labels=digest.word_labels,
        example_labels=digest.example_labels,
    )
    return ref, digest


def token_settings(corpus: CorpusInput, checkpoint: CheckpointRef) -> TokenSettings:
    """The limits of a corpus for a checkpoint. Raises ModelError for a max_length above its positions."""
    settings = TokenSettings(
        max_length=corpus.max_length or default_max_length(checkpoint),
        overflow=corpus.overflow,
        stride=corpus.stride,
        part=corpus.part,
    )
    check_max_length(settings, checkpoint)
    return settings


def check_tokens(corpus: CorpusInput, tokenizer: Tokenizer, settings: TokenSettings) -> None:
    """Raise for settings that can not be and, where long texts are refused, for a text that is too long."""
    block_rows = block_rows_for(settings.max_length)
    check_settings(settings, tokenizer, block_rows)
    if settings.overflow == "refuse":
        for _ in tokenize(corpus.read(), tokenizer, settings, block_rows):
            pass


def stored_tokens(
    objects: Objects, text_id: str, tokenizer_sha256: str, settings: TokenSettings
) -> TokensMeta | None:
    """The tokenisation of a text where it is stored."""
    block_rows = block_rows_for(settings.max_length)
    return tokens.find_meta(objects, text_id, tokens_id(text_id, tokenizer_sha256, settings, block_rows))


def ensure_tokens(
    objects: Objects,
    text_id: str,
    corpus: CorpusInput,
    tokenizer: Tokenizer,
    settings: TokenSettings,
    *,
    on_chunk: Callable[[TokenCounts], None] = lambda counts: None,
) -> TokensMeta:
    """The tokenisation of a text, made and stored where it is missing; `on_chunk` hears of the progress."""
    existing = stored_tokens(objects, text_id, tokenizer.sha256, settings)
    if existing is not None:
        return existing
    block_rows = block_rows_for(settings.max_length)
    id_ = tokens_id(text_id, tokenizer.sha256, settings, block_rows)
    last: list[TokenizedChunk] = []

    def pieces() -> Iterable[TokenizedChunk]:
        for chunk in tokenize(corpus.read(), tokenizer, settings, block_rows):
            last[:] = [chunk]
            on_chunk(chunk.counts)
            yield chunk

    tokens.store_tables(objects, text_id, id_, pieces())
    meta = tokens_meta(text_id, tokenizer, settings, block_rows, last[0].counts)
    tokens.store_meta(objects, meta)
    return meta


def tokenise_only(
    objects: Objects | None, text_id: str, corpus: CorpusInput, tokenizer: Tokenizer, settings: TokenSettings
) -> TokensMeta:
    """The counts of a tokenisation, taken from the store or found by tokenising; nothing is stored."""
    existing = None if objects is None else stored_tokens(objects, text_id, tokenizer.sha256, settings)
    if existing is not None:
        return existing
    block_rows = block_rows_for(settings.max_length)
    counts = TokenCounts()
    for chunk in tokenize(corpus.read(), tokenizer, settings, block_rows):
        counts = chunk.counts
    return tokens_meta(text_id, tokenizer, settings, block_rows, counts)


def run_spec(
    checkpoint: CheckpointRef, meta: TokensMeta, sites: tuple[str, ...], settings: ExtractSettings
) -> RunSpec:
    """The spec of a run: everything that decides its values and their place."""
    widths = (checkpoint.width,) * len(sites)
    item_bytes = ITEM_BYTES[settings.dtype]
    return RunSpec(
        trunk_sha256=checkpoint.trunk_sha256,
        text_id=meta.text_id,
        tokens_id=meta.tokens_id,
        sites=sites,
        widths=widths,
        n_rows=meta.n_rows,
        block_rows=meta.block_rows,
        blocks_per_shard=blocks_per_shard(meta.n_rows, meta.block_rows, widths, item_bytes),
        chunk_rows=chunk_rows(widths, item_bytes, meta.block_rows),
        tokens_per_batch=settings.tokens_per_batch,
        dtype=settings.dtype,
        compute_dtype=settings.compute_dtype,
        codec=settings.codec,
        attention=settings.attention,
    )
