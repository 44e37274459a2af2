"""Planned runs: what each run of a study takes, from what is there; what is not there is assumed and said."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from actstore.capture.checkpoint import ASSUMED, describe_from_config
from actstore.capture.remembered import Remembered, cache_folder
from actstore.capture.sites import choose_sites
from actstore.capture.source import CheckpointSource
from actstore.extract.driver import memory_bytes, run_bytes
from actstore.extract.prepare import run_spec, tokenise_only
from actstore.plan.cost import READ_BYTES, Kind, ModelSize, Speed, assumed_tokens, model_size, pays_from
from actstore.plan.packing import block_rows_for
from actstore.schema.refs import CheckpointRef, site_layer
from actstore.schema.spec import DTYPES, ITEM_BYTES, RunSpec
from actstore.schema.tokens import TokenSettings, TokensMeta
from actstore.store.objects import Objects
from actstore.store.runs import missing_of_runs
from jobs.prepare import Described, Found, describe_study, each_tokenised, extract_settings, tokenizer_of
from jobs.study.needed import NeededRun
from jobs.study.study import Study
from jobs.training.starts import Starts
from jobs.training.trained import made_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run of the plan."""

    checkpoint: str
    corpus: str
    analyses: tuple[str, ...]
    meta: TokensMeta
    spec: RunSpec
    n_missing: int
    kind: Kind
    size: ModelSize
    """Of the layers that run: those up to the highest site."""

    @property
    def share_missing(self) -> float:
        return self.n_missing / self.spec.n_shards

    @property
    def mean_length(self) -> float:
        """Tokens of a sequence."""
        return self.meta.n_tokens / max(1, self.meta.n_sequences)

    @property
    def bytes(self) -> int:
        return run_bytes(self.spec)

    @property
    def model_bytes(self) -> int:
        """The weights in a worker, as computed with."""
        return self.size.parameters * ITEM_BYTES[self.spec.compute_dtype]

    @property
    def worker_bytes(self) -> int:
        """Bound of a worker's memory beside its libraries: weights and what extraction adds."""
        limits = self.meta.settings.max_length, self.meta.n_sequences
        return self.model_bytes + memory_bytes(self.spec, *limits)


def describe_for_plan(study: Study, objects: Objects | None) -> tuple[Described, list[str]]:
    """A study's parts, from configurations where weights or tokenizers are not there; and what is assumed."""
    assumed: list[str] = []
    remembered = Remembered(cache_folder())
    configs = {item.name: Path(item.config) for item in study.checkpoints if item.config is not None}

    def describe(source: CheckpointSource) -> CheckpointRef:
        ref, lines = describe_from_config(source, remembered, configs.get(source.name))
        assumed.extend(lines)
        return ref

    starts = Starts(study, describe)

    def trained(name: str) -> Found:
        return starts.named(name, objects)

    described = describe_study(study, trained, describe)
    assumed += [
        f"checkpoint {name!r}: not trained yet; sizes are those of what it starts from"
        for name, ref in described.checkpoints.items()
        if name in made_of(study) and ref.trunk_sha256.startswith(ASSUMED)
    ]
    return described, assumed


def what_is_there(described: Described) -> Described:
    """The part of a study in which nothing is assumed, for the checks that need it."""
    known = {
        name: ref
        for name, ref in described.checkpoints.items()
        if not (ref.trunk_sha256.startswith(ASSUMED) or ref.tokenizer_sha256.startswith(ASSUMED))
    }
    needed = tuple(run for run in described.needed if run.checkpoint in known)
    return replace(described, checkpoints=known, needed=needed)


def plan_runs(described: Described, objects: Objects | None) -> list[PlannedRun]:
    """Every run with its tokens, shards and bytes; corpora are tokenised, nothing is stored."""

    def find(run: NeededRun, limits: TokenSettings) -> TokensMeta:
        return _tokens(described, run, limits, objects)

    out = [
        _planned(described, run, meta) for run, meta in each_tokenised(described, find) if meta is not None
    ]
    if objects is None:
        return out
    left = missing_of_runs(objects, [item.spec for item in out])
    return [replace(item, n_missing=len(left[item.spec.run_id])) for item in out]


def same_runs(planned: Sequence[PlannedRun]) -> list[str]:
    """A line for each set of checkpoints whose weights are the same, which run once."""
    names: dict[str, list[str]] = {}
    for item in planned:
        names.setdefault(item.spec.run_id, []).append(item.checkpoint)
    shared = dict.fromkeys(", ".join(found) for found in names.values() if len(found) > 1)
    return [
        f"{found} have the same weights: each corpus is run and stored once for them. If they should differ, "
        "see their `model`, `revision`, `init` and `seed`"
        for found in shared
    ]


def _planned(described: Described, run: NeededRun, meta: TokensMeta) -> PlannedRun:
    """A run of which nothing is stored."""
    ref = described.checkpoints[run.checkpoint]
    spec = run_spec(ref, meta, choose_sites(run.sites, ref), extract_settings(described.study))
    layers = [site_layer(site) for site in spec.sites]
    n_layers = max(ref.n_layers if layer is None else layer for layer in layers)
    return PlannedRun(
        checkpoint=run.checkpoint,
        corpus=run.corpus,
        analyses=run.analyses,
        meta=meta,
        spec=spec,
        n_missing=spec.n_shards,
        kind=Kind(family=ref.family, n_layers=n_layers, width=ref.width, compute_dtype=spec.compute_dtype),
        size=model_size(ref.config or {}, n_layers, ref.width),
    )


def _tokens(
    described: Described, run: NeededRun, limits: TokenSettings, objects: Objects | None
) -> TokensMeta:
    ref, (corpus, digest) = described.checkpoints[run.checkpoint], described.corpora[run.corpus]
    if not ref.tokenizer_sha256.startswith(ASSUMED):
        tokenizer = tokenizer_of(described, run.checkpoint)
        return tokenise_only(objects, corpus.text_id, described.inputs[run.corpus], tokenizer, limits)
    block_rows = block_rows_for(limits.max_length)
    found = assumed_tokens(digest.n_words, digest.n_examples, block_rows)
    return TokensMeta(
        text_id=corpus.text_id,
        tokenizer_sha256=ref.tokenizer_sha256,
        settings=limits,
        block_rows=block_rows,
        n_examples=digest.n_examples,
        n_sequences=digest.n_examples,
        n_tokens=found.n_tokens,
        n_rows=found.n_rows,
        n_words=digest.n_words,
        n_truncated=0,
        n_vanished_words=0,
        n_unknown=0,
    )


def bytes_by_dtype(planned: Sequence[PlannedRun]) -> dict[str, int]:
    """What the whole study takes in each stored dtype, every run once."""
    specs = {item.spec.run_id: item.spec for item in planned}.values()
    return {dtype: sum(run_bytes(replace(spec, dtype=dtype)) for spec in specs) for dtype in DTYPES}


def bytes_left(planned: Sequence[PlannedRun]) -> int:
    """Bytes of the missing shards, every run once."""
    return sum(
        round(item.bytes * item.share_missing)
        for item in {item.spec.run_id: item for item in planned}.values()
    )


def verdict(item: PlannedRun, speed: Speed) -> tuple[float, float, int | None]:
    """Seconds of a forward over the whole corpus, of reading it back, and the analysis that makes it pay."""
    forward_seconds, read_seconds = speed.seconds(item.meta.n_tokens), item.bytes / READ_BYTES
    return forward_seconds, read_seconds, pays_from(forward_seconds, read_seconds)


def told(item: PlannedRun, speed: Speed) -> dict[str, Any]:
    """A planned run as JSON."""
    forward_seconds, read_seconds, pays = verdict(item, speed)
    return {
        "run_id": item.spec.run_id,
        "checkpoint": item.checkpoint,
        "corpus": item.corpus,
        "sites": list(item.spec.sites),
        "dtype": item.spec.dtype,
        "n_tokens": item.meta.n_tokens,
        "n_shards": item.spec.n_shards,
        "n_missing": item.n_missing,
        "bytes": item.bytes,
        "memory_bytes": item.worker_bytes,
        "model_bytes": item.model_bytes,
        "tokens_per_second": speed.tokens_per_second,
        "speed_source": speed.source,
        "worker_hours_left": forward_seconds * item.share_missing / 3600,
        "forward_seconds": forward_seconds,
        "read_seconds": read_seconds,
        "pays_from_analysis": pays,
        "asked_by": list(item.analyses),
        "tokens_estimated": item.meta.tokenizer_sha256.startswith(ASSUMED),
    }


def workers_that_fit(machine_bytes: float, item_bytes: int) -> int:
    """Workers of one machine that its memory holds."""
    return math.floor(machine_bytes / max(1, item_bytes))
