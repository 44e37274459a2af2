"""Catalog: which runs, checkpoints and corpora a store holds. Reads small records only, never activations."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from actstore.errors import AmbiguousRunError, NotFoundError
from actstore.schema import tables
from actstore.schema.spec import RunSpec
from actstore.store import names, paths, runs
from actstore.store.ahead import in_order
from actstore.store.arrays import site_arrays
from actstore.store.fold import threads
from actstore.store.manifests import fold_manifests, list_manifests, read_manifests, unfinished
from actstore.store.objects import Objects
from actstore.store.tokens import list_metas


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """One run and how far it is."""

    run_id: str
    spec: RunSpec
    n_done: int
    n_quarantined: int
    bytes: int
    complete: bool


def list_runs(objects: Objects, *, sizes: bool = True) -> list[RunInfo]:
    """Every run. `sizes`: of runs that are not complete too, which lists all of their objects; else 0."""
    return list(each_run(objects, sizes=sizes))


def each_run(objects: Objects, *, sizes: bool) -> Iterator[RunInfo]:
    """First complete runs, from the flat folder of manifests, then the others, from their receipts' names."""
    listing = list_manifests(objects)
    records = read_manifests(objects, listing)
    for key, record in records.by_key.items():
        yield sealed_run(objects, key, record)
    begun = unfinished(objects, listing, records.n_folded)
    left = in_order(
        (partial(partial_run, objects, run_id, sizes=sizes) for run_id in begun), threads(objects)
    )
    yield from (info for info in left if info is not None)


def fold_catalog(objects: Objects) -> None:
    """Fold what a list of runs and names reads, where many of it are in no fold yet."""
    fold_manifests(objects)
    names.fold_names(objects)


def checkpoint_table(objects: Objects) -> pa.Table:
    """The table `checkpoints`."""
    rows = [ref.to_dict() for ref in names.checkpoints(objects)]
    return pa.Table.from_pylist(rows, schema=tables.CHECKPOINTS)


def corpus_table(objects: Objects, only: str | None = None) -> pa.Table:
    """The table `corpora`: a row for each corpus (or of one alone) and tokenisation of its text."""
    rows: list[dict[str, Any]] = []
    for ref in names.corpora(objects) if only is None else [names.corpus(objects, only)]:
        row = {"name": ref.name, "text_id": ref.text_id, "domain": ref.domain}
        metas = list_metas(objects, ref.text_id)
        rows += [
            {
                **row,
                "tokens_id": meta.tokens_id,
                "n_examples": meta.n_examples,
                "n_words": meta.n_words,
                "n_tokens": meta.n_tokens,
                "n_truncated": meta.n_truncated,
            }
            for meta in metas
        ] or [row]
    return pa.Table.from_pylist(rows, schema=tables.CORPORA)


def run_table(objects: Objects) -> pa.Table:
    """The table `runs`: a row for each run and each pair of names it answers to."""
    by_trunk, by_text = _names_by_identity(objects)
    rows = [
        {
            "run_id": info.run_id,
            "checkpoint": checkpoint,
            "corpus": corpus,
            "tokens_id": info.spec.tokens_id,
            "dtype": info.spec.dtype,
            "sites": list(info.spec.sites),
            "n_shards": info.spec.n_shards,
            "n_done": info.n_done,
            "n_quarantined": info.n_quarantined,
            "bytes": info.bytes,
            "complete": info.complete,
        }
        for info in list_runs(objects)
        for checkpoint in by_trunk.get(info.spec.trunk_sha256, [None])
        for corpus in by_text.get(info.spec.text_id, [None])
    ]
    return pa.Table.from_pylist(rows, schema=tables.RUNS)


def find_run(
    every: Sequence[RunInfo],
    objects: Objects,
    checkpoint: str,
    corpus: str,
    *,
    sites: tuple[str, ...] = (),
    runs: tuple[str, ...] = (),
) -> RunInfo:
    """Of all runs, the one of a checkpoint over a corpus that holds the sites.

    `runs`: ids, of which those of this pair are looked at. Raises NotFoundError, or AmbiguousRunError when
    several fit and none is named.
    """
    trunk = names.checkpoint(objects, checkpoint).trunk_sha256
    text = names.corpus(objects, corpus).text_id
    of_pair = [info for info in every if (info.spec.trunk_sha256, info.spec.text_id) == (trunk, text)]
    named = [info for info in of_pair if info.run_id in runs]
    fitting = [info for info in named or of_pair if set(sites) <= set(info.spec.sites)]
    pair = f"{checkpoint!r} over {corpus!r}"
    if not fitting:
        raise NotFoundError(_no_run(f"{pair} in {objects.url}", sites, of_pair))
    if len(fitting) > 1:
        listed = "; ".join(f"{info.run_id} ({_told(info)})" for info in fitting)
        raise AmbiguousRunError(f"{len(fitting)} runs of {pair} fit: {listed}; name one with run (--run ID)")
    return fitting[0]


def _told(info: RunInfo) -> str:
    spec = info.spec
    state = "complete" if info.complete else f"{info.n_done} of {spec.n_shards} shards"
    return f"{spec.dtype}, {len(spec.sites)} sites, tokens {spec.tokens_id}, {state}"


def _no_run(pair: str, sites: tuple[str, ...], of_pair: list[RunInfo]) -> str:
    if not of_pair:
        return f"no run of {pair}; `actstore ls STORE` lists what is there, `actstore extract STUDY` makes it"
    held = sorted({site for info in of_pair for site in info.spec.sites})
    return f"no run of {pair} holds {', '.join(sites)}; stored are {', '.join(held)}"


def _names_by_identity(objects: Objects) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    by_trunk: dict[str, list[Any]] = defaultdict(list)
    by_text: dict[str, list[Any]] = defaultdict(list)
    for checkpoint in names.checkpoints(objects):
        by_trunk[checkpoint.trunk_sha256].append(checkpoint.name)
    for corpus in names.corpora(objects):
        by_text[corpus.text_id].append(corpus.name)
    return by_trunk, by_text


def sealed_run(objects: Objects, key: str, record: dict[str, Any]) -> RunInfo:
    """A complete run from its manifest's record. Raises DamagedShardError."""
    manifest = runs.parse_manifest(objects, key, record)
    return RunInfo(
        run_id=manifest.run_id,
        spec=manifest.spec,
        n_done=manifest.n_shards,
        n_quarantined=manifest.n_quarantined,
        bytes=manifest.bytes,
        complete=True,
    )


def partial_run(objects: Objects, run_id: str, *, sizes: bool) -> RunInfo | None:
    """A run that is not complete; None where it is gone."""
    try:
        spec = runs.read_spec(objects, run_id)
    except NotFoundError:
        return None
    n_bytes = 0
    if not sizes:
        done = runs.done_shards(objects, run_id)
    else:
        there = {info.key: info.bytes for info in objects.walk(paths.run(run_id))}
        done = {shard for shard in range(spec.n_shards) if paths.receipt(run_id, shard) in there}
        arrays = [array for site in spec.sites for array in site_arrays(spec, site)]
        keys = (paths.run(run_id, array.key(shard)) for shard in done for array in arrays)
        n_bytes = sum(there.get(key, 0) for key in keys)
    return RunInfo(
        run_id=run_id,
        spec=spec,
        n_done=len(done),
        n_quarantined=0,
        bytes=n_bytes,
        complete=False,
    )
