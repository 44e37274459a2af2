"""Extraction by 1, 2, ... workers on Ray: tokens/s, efficiency, and what a shard costs beside the model.

    python benchmarks/workers.py [--model FOLDER] [--corpus FILE] [--workers 1 2] [--limit N]

Every crew extracts the same corpus into a store of its own. A worker's speed is counted from its first
receipt to its last, without the first one's shard, and a crew's is their sum: starting Ray and loading models
are told apart. What a shard takes beside the forward is from its receipts. All crews' hashes are compared.
"""

import argparse
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from common import machine, markdown
from ways_to_extract import read_corpus

from actstore.capture.checkpoint import describe
from actstore.capture.sites import choose_sites
from actstore.capture.source import CheckpointSource, resolve
from actstore.capture.tokenizer import load_tokenizer
from actstore.cluster.executor import RayExecutor
from actstore.extract.driver import SHARDS_IN_HAND, RunPlan, extract_runs
from actstore.extract.load import ExtractorArgs, open_checkpoint
from actstore.extract.prepare import (
    CorpusInput,
    ExtractSettings,
    describe_corpus,
    ensure_tokens,
    run_spec,
    token_settings,
)
from actstore.schema.ports import Outcome, Resources
from actstore.schema.receipts import Receipt
from actstore.store import texts
from actstore.store.objects import Objects
from actstore.store.root import create_root


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        rows, hashes = [], set()
        for n_workers in arguments.workers:
            row, sha256 = crew(arguments, Path(folder) / str(n_workers), n_workers)
            base = rows[0]["tokens/s"] / rows[0]["workers"] if rows else row["tokens/s"] / n_workers
            rows.append({**row, "efficiency": round(row["tokens/s"] / n_workers / base, 2)})
            hashes.add(sha256)
        told = {"machine": machine(Path(folder)), "crews": rows, "same_hash": len(hashes) == 1}
    if arguments.json:
        print(json.dumps(told, indent=1))
    else:
        same = "the same" if told["same_hash"] else "NOT the same"
        print(f"{told['machine']}\n\n{markdown(rows)}\n\nThe stored bytes of all crews are {same}.")


def crew(arguments: argparse.Namespace, place: Path, n_workers: int) -> tuple[dict, str]:  # type: ignore[type-arg]
    """One extraction by so many workers."""
    source = CheckpointSource(name="model", model=str(Path(arguments.model).absolute()))
    objects = create_root(str(place))
    plan = prepared(objects, source, read_corpus(arguments.corpus, arguments.limit))
    extractor = ExtractorArgs(
        source=source, sites=plan.spec.sites, compute_dtype="float32", attention="sdpa", threads=1
    )
    told: list[tuple[float, Receipt]] = []

    def on_receipt(_: RunPlan, receipt: Receipt, outcome: Outcome) -> None:
        told.append((time.perf_counter(), receipt))

    started = time.perf_counter()
    with RayExecutor("local", n_workers) as executor:
        reports = extract_runs(
            objects, [plan], executor, Resources(overlap=SHARDS_IN_HAND), open_extractor=open_checkpoint,
            checkpoints={"model": extractor}, on_receipt=on_receipt,
        )  # fmt: skip
    if reports[0].manifest is None:
        raise RuntimeError(f"extraction failed: {reports[0].failures}")
    by_worker: dict[str, list[tuple[float, Receipt]]] = {}
    for moment, receipt in told:
        by_worker.setdefault(str(receipt.measured["worker"]), []).append((moment, receipt))
    spans = [span(of_worker) for of_worker in by_worker.values() if len(of_worker) > 1]
    n_later = sum(item.n_shards for item in spans)
    row = {
        "workers": n_workers,
        "shards": len(told),
        "tokens": reports[0].manifest.n_tokens,
        "tokens/s": round(sum(item.n_tokens / item.seconds for item in spans)),
        "until the first shard, s": round(told[0][0] - started, 1),
        "first shard to last, s": round(told[-1][0] - told[0][0], 1),
        "beside the forward, ms a shard": round(sum(item.beside_seconds for item in spans) / n_later * 1e3),
        "writing (in parallel), ms a shard": round(
            sum(receipt.measured["write_seconds"] for _, receipt in told) / len(told) * 1e3
        ),
    }
    return row, reports[0].manifest.content_sha256


@dataclass(frozen=True, slots=True)
class Span:
    """A worker from its first receipt to its last; the first shard is left out."""

    n_shards: int
    n_tokens: int
    seconds: float
    beside_seconds: float
    """Of those, in which the model did not compute."""


def span(told: list[tuple[float, Receipt]]) -> Span:
    seconds, later = told[-1][0] - told[0][0], [receipt for _, receipt in told[1:]]
    forward_seconds = sum(float(receipt.measured["forward_seconds"]) for receipt in later)
    n_tokens = sum(receipt.n_tokens for receipt in later)
    return Span(len(later), n_tokens, seconds, seconds - forward_seconds)


def prepared(objects: Objects, source: CheckpointSource, corpus: CorpusInput) -> RunPlan:
    """Text and tokens in the store, and the run that is wanted."""
    ref = describe(source)
    described, digest = describe_corpus(corpus)
    texts.store_text(objects, digest, corpus.read)
    limits = token_settings(corpus, ref)
    meta = ensure_tokens(objects, described.text_id, corpus, load_tokenizer(resolve(source)), limits)
    spec = run_spec(ref, meta, choose_sites("all", ref), ExtractSettings())
    return RunPlan(checkpoint=source.name, corpus="corpus", spec=spec, max_length=limits.max_length)


def arguments_of(text: str | None) -> argparse.ArgumentParser:
    """The options of benchmarks on Ray."""
    parser = argparse.ArgumentParser(description=(text or "").split("\n", maxsplit=1)[0])
    data = os.environ.get("ACTSTORE_DATA")
    default = f"{data}/ud_ewt/en_ewt-ud-train.conllu.gz" if data else "models/texts/python-docs.txt"
    parser.add_argument("--model", default="models/all-MiniLM-L6-v2")
    parser.add_argument("--corpus", default=default)
    parser.add_argument("--limit", type=int, default=None, help="examples")
    parser.add_argument("--folder", help="where the stores are written")
    parser.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    main()
