"""`actstore cp SRC DST [CHECKPOINT] [CORPUS]`: copy runs between any two stores, verified, resumable."""

import argparse
import sys
from dataclasses import dataclass
from typing import Any

from actstore.errors import NotFoundError, RequestError
from actstore.schema.refs import CheckpointRef, CorpusRef
from actstore.store import catalog, copy, names
from actstore.store.catalog import RunInfo
from actstore.store.objects import Objects
from actstore.store.root import create_root, open_root
from jobs.console import Console, counted, human_bytes
from jobs.options import add_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is copied: names, and the runs they answer for."""

    checkpoints: list[CheckpointRef]
    corpora: list[CorpusRef]
    runs: list[RunInfo]
    everything: bool
    """Results too: they may be of any of a store's runs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("source", metavar="SRC", help="store to copy from: a folder or a URL")
    parser.add_argument("target", metavar="DST", help="store to copy to; made where there is none")
    parser.add_argument("checkpoint", metavar="CHECKPOINT", nargs="?", help="only its runs (default: all)")
    parser.add_argument("corpus", metavar="CORPUS", nargs="?", help="only its runs over this corpus")
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Copy names, texts and runs, and results where all is copied."""
    source = open_root(arguments.source)
    chosen = choose(source, arguments.checkpoint, arguments.corpus)
    target = create_root(arguments.target)
    if source.url == target.url:
        raise RequestError(f"{source.url}: a store can not be copied to itself; name another place")
    for ref in chosen.checkpoints:
        names.check_checkpoint(target, ref)
    for corpus in chosen.corpora:
        names.check_corpus(target, corpus)
    copied, n_results = _copy(source, target, chosen, console)
    console.answer({"source": source.url, "target": target.url, "runs": copied, "n_results": n_results})
    _tell(target, copied, n_results, console)
    return 0


def choose(source: Objects, checkpoint: str | None, corpus: str | None) -> Chosen:
    """Names and runs by the names given. Raises NotFoundError where there is none."""
    checkpoints = names.checkpoints(source) if checkpoint is None else [names.checkpoint(source, checkpoint)]
    corpora = names.corpora(source) if corpus is None else [names.corpus(source, corpus)]
    every = catalog.list_runs(source)
    if checkpoint is not None:
        trunks, texts = {ref.trunk_sha256 for ref in checkpoints}, {ref.text_id for ref in corpora}
        every = [info for info in every if info.spec.trunk_sha256 in trunks and info.spec.text_id in texts]
        read = {info.spec.text_id for info in every}
        corpora = [ref for ref in corpora if ref.text_id in read]
        if not every:
            over = "" if corpus is None else f" over {corpus!r}"
            raise NotFoundError(
                f"no run of {checkpoint!r}{over} in {source.url}; `actstore ls` lists the runs"
            )
    return Chosen(checkpoints=checkpoints, corpora=corpora, runs=every, everything=checkpoint is None)


def _copy(
    source: Objects, target: Objects, chosen: Chosen, console: Console
) -> tuple[list[dict[str, Any]], int]:
    """Texts before the names that need them, names before runs, runs before results."""
    texts = {ref.text_id for ref in chosen.corpora} | {info.spec.text_id for info in chosen.runs}
    for text_id in sorted(texts):
        copy.copy_text(source, target, text_id)
    for corpus in chosen.corpora:
        names.bind_corpus(target, corpus)
    for ref in chosen.checkpoints:
        copy.copy_checkpoint(source, target, ref)
    copied: list[dict[str, Any]] = []
    with console.progress("copying shards", sum(info.n_done for info in chosen.runs)) as bar:
        for info in chosen.runs:
            new = copy.copy_run(source, target, info.spec, on_shard=lambda _: bar.advance())
            bar.advance(info.n_done - new)
            copied.append({"run_id": info.run_id, "n_shards": info.n_done, "n_new_shards": new,
                           "bytes": info.bytes, "complete": info.complete})  # fmt: skip
    catalog.fold_catalog(target)
    return copied, copy.copy_results(source, target) if chosen.everything else 0


def _tell(target: Objects, copied: list[dict[str, Any]], n_results: int, console: Console) -> None:
    n_shards = sum(row["n_new_shards"] for row in copied)
    runs = f"{target.url}: {counted(len(copied), 'run')}"
    if not n_shards and not n_results:
        console.line(f"{runs}, all there already")
        return
    size = human_bytes(sum(row["bytes"] for row in copied if row["n_new_shards"]))
    results = f" and {counted(n_results, 'result')}" if n_results else ""
    console.line(f"{runs}, {counted(n_shards, 'shard')}{results} copied ({size}), each byte checked")


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("cp"))
