"""What extraction adds to a process that has its model loaded: run as a program, prints JSON.

python -m tests.support.peak_memory MODEL FOLDER DTYPE TOKENS_PER_BATCH COMPUTE_DTYPE
"""

import json
import sys
from pathlib import Path

import numpy as np

from actstore.capture.checkpoint import describe
from actstore.capture.source import CheckpointSource, resolve
from actstore.capture.tokenizer import load_tokenizer
from actstore.extract.allocator import share_one_heap
from actstore.extract.driver import SHARDS_IN_HAND, RunPlan, extract_runs, memory_bytes, run_bytes
from actstore.extract.load import ExtractorArgs, open_checkpoint
from actstore.extract.prepare import (
    CorpusInput,
    ExtractSettings,
    describe_corpus,
    ensure_tokens,
    run_spec,
    token_settings,
)
from actstore.schema.ports import Extractor, Resources
from actstore.schema.refs import layer_site
from actstore.schema.text import Example
from actstore.schema.tokens import TokenBatch
from actstore.serial import SerialExecutor
from actstore.store import texts
from actstore.store.objects import Objects
from actstore.store.root import create_root
from tests.support.tiny_models import SENTENCES

N_EXAMPLES = 1200
STATUS = Path("/proc/self/status")


def main(model: str, folder: str, dtype: str, tokens_per_batch: int, compute_dtype: str) -> None:
    share_one_heap()
    objects = create_root(folder)
    plan, source = prepared(
        objects, CheckpointSource(name="m", model=model), dtype, tokens_per_batch, compute_dtype
    )
    arguments = ExtractorArgs(
        source=source, sites=plan.spec.sites, compute_dtype=compute_dtype, attention="sdpa", threads=1
    )
    extractor = open_checkpoint(arguments)
    warm(extractor)
    before = kilobytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    (report,) = extract_runs(
        objects, [plan], SerialExecutor(), Resources(overlap=SHARDS_IN_HAND),
        open_extractor=lambda _: extractor, checkpoints={"m": None},
    )  # fmt: skip
    peak = kilobytes("VmHWM")
    assert report.manifest is not None, report.failures
    print(json.dumps({
        "added": (peak - before) * 1024, "bound": memory_bytes(plan.spec, plan.max_length, plan.n_sequences),
        "n_shards": plan.spec.n_shards, "shard": run_bytes(plan.spec, [0]),
    }))  # fmt: skip


def prepared(
    objects: Objects, source: CheckpointSource, dtype: str, tokens_per_batch: int, compute_dtype: str
) -> tuple[RunPlan, CheckpointSource]:
    """A store with text and tokens, lengths of all sorts."""
    ref = describe(source)
    examples = [
        Example(
            source_id=str(n),
            text=" ".join([SENTENCES[n % 6], *(f"{n} and" for _ in range(n % 37))]),
            words=(),
        )
        for n in range(N_EXAMPLES)
    ]
    corpus = CorpusInput(name="c", domain="", read=lambda: examples)
    described, digest = describe_corpus(corpus)
    texts.store_text(objects, digest, corpus.read)
    limits = token_settings(corpus, ref)
    meta = ensure_tokens(objects, described.text_id, corpus, load_tokenizer(resolve(source)), limits)
    settings = ExtractSettings(dtype=dtype, tokens_per_batch=tokens_per_batch, compute_dtype=compute_dtype)
    sites = tuple(layer_site(layer) for layer in range(ref.n_layers + 1))
    spec = run_spec(ref, meta, sites, settings)
    size = {"max_length": limits.max_length, "n_sequences": meta.n_sequences}
    return RunPlan(checkpoint="m", corpus="c", spec=spec, **size), source


def warm(extractor: Extractor) -> None:
    """One short forward, so that the model's own pages are there."""
    ids = np.arange(8, dtype=np.int32)
    extractor.forward(TokenBatch(token_id_T=ids, segment_T=np.zeros(8, np.int8), offset_N1=np.array([0, 8])))


def kilobytes(field: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field + ":"))
    return int(line.split()[1])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
