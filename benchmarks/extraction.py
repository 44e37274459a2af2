"""Tokens per second of one worker: bare forward, our extraction, and the loop most people write.

    python benchmarks/extraction.py [--model FOLDER] [--corpus FILE.conllu|FILE.txt] [--limit N]

The three run on the same text in one process, one compute thread, in turns:
(a) `bare`: the model's forward over our length-bucketed batches, hidden states thrown away;
(b) `actstore`: one shard after the other from token ids to durable receipts (hooks, cast, checks, checksums,
    sha256, fsync), written while the next shard is computed;
(c) `loop`: Hugging Face model, batches of 32 in corpus order padded to the longest, all hidden states to
    NumPy, `np.save` a batch.
Ratios within one run are what counts; the machine is told with them.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from transformers import AutoModel

from actstore.capture.checkpoint import describe
from actstore.capture.extractor import load_extractor
from actstore.capture.padding import pad
from actstore.capture.sites import choose_sites
from actstore.capture.source import CheckpointSource, resolve
from actstore.capture.tokenizer import load_tokenizer
from actstore.extract.driver import SHARDS_IN_HAND, RunPlan, extract_runs
from actstore.extract.load import ExtractorArgs
from actstore.extract.prepare import (
    CorpusInput,
    ExtractSettings,
    describe_corpus,
    ensure_tokens,
    run_spec,
    token_settings,
)
from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples
from actstore.plan.batching import batches, padding_waste
from actstore.schema.ports import Resources
from actstore.schema.tokens import TokenBatch
from actstore.serial import SerialExecutor
from actstore.store import texts
from actstore.store.root import create_root
from actstore.store.tokens import read_inputs, read_sequences

LOOP_BATCH = 32


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        bench = Bench(arguments, Path(folder))
        runners: dict[str, Callable[[], None]] = {
            "bare": bench.bare, "actstore": bench.extract, "loop": bench.loop,
        }  # fmt: skip
        seconds: dict[str, list[float]] = {name: [] for name in runners}
        for _ in range(arguments.rounds):
            for name, runner in runners.items():
                bench.fresh()
                started = time.perf_counter()
                runner()
                seconds[name].append(time.perf_counter() - started)
    best = {name: min(times) for name, times in seconds.items()}
    report = {
        "model": Path(arguments.model).name,
        "corpus": Path(arguments.corpus).name,
        "n_tokens": bench.n_tokens,
        "padding_waste": round(bench.waste, 3),
        "tokens_per_second": {name: round(bench.n_tokens / value) for name, value in best.items()},
        "actstore_over_bare_time": round(best["actstore"] / best["bare"], 3),
        "loop_over_actstore_time": round(best["loop"] / best["actstore"], 2),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, 1 thread",
    }
    print(json.dumps(report, indent=1) if arguments.json else _markdown(report))


class Bench:
    """The text, the model and a fresh folder for each run."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self.folder, self.number = folder, 0
        self.source = CheckpointSource(name="model", model=arguments.model)
        self.ref = describe(self.source)
        suffix = "conllu" if ".conllu" in arguments.corpus else "text"
        options = ReadOptions(format=suffix, path=arguments.corpus, limit=arguments.limit)
        self.corpus = CorpusInput(name="corpus", domain="", read=lambda: read_examples(options).examples)
        self.settings = ExtractSettings(tokens_per_batch=arguments.tokens_per_batch)
        self.prepared = create_root(str(folder / "prepared"))
        self.meta, self.spec = self._prepare(self.prepared)
        self.n_tokens = self.meta.n_tokens
        index = read_sequences(self.prepared, self.meta.text_id, self.meta.tokens_id)
        self.batches, padded = [], []
        for shard in range(self.spec.n_shards):
            rows = self.spec.shard_range(shard)
            ids_T, segment_T = read_inputs(self.prepared, self.meta.text_id, self.meta.tokens_id, rows)
            lengths = index.within_rows(*rows).n_tokens_S
            starts = np.concatenate([[0], np.cumsum(lengths)])
            plan = batches(lengths, self.spec.tokens_per_batch)
            padded.append(padding_waste(lengths, plan))
            self.batches += [
                TokenBatch(
                    token_id_T=np.concatenate([ids_T[starts[i] : starts[i + 1]] for i in batch]),
                    segment_T=np.concatenate([segment_T[starts[i] : starts[i + 1]] for i in batch]),
                    offset_N1=np.concatenate([[0], np.cumsum(lengths[batch])]),
                )
                for batch in plan
            ]
        self.waste = float(np.mean(padded))
        self.model = AutoModel.from_pretrained(arguments.model).eval()
        self.tokenizer = load_tokenizer(resolve(self.source))
        self.arguments = ExtractorArgs(
            source=self.source, sites=self.spec.sites, compute_dtype="float32", attention="sdpa", threads=1
        )
        self.extractor = load_extractor(self.source, self.spec.sites)

    def fresh(self) -> None:
        """A new empty folder and, for our extraction, a store that is ready but for its activations."""
        self.number += 1
        self.place = self.folder / str(self.number)
        self.objects = create_root(str(self.place))
        self._prepare(self.objects)

    def bare(self) -> None:
        """The forward alone, all hidden states asked for, over our batches."""
        with torch.inference_mode():
            for batch in self.batches:
                inputs = pad(batch, pad_id=0, segments=True, device=torch.device("cpu"))
                self.model(
                    input_ids=inputs.token_ids,
                    attention_mask=inputs.mask,
                    token_type_ids=inputs.segments,
                    output_hidden_states=True,
                )

    def extract(self) -> None:
        """Our extraction by one worker, the model loaded before."""
        plan = RunPlan(checkpoint="model", corpus="corpus", spec=self.spec)
        reports = extract_runs(
            self.objects, [plan], SerialExecutor(), Resources(overlap=SHARDS_IN_HAND),
            open_extractor=lambda _: _Kept(self.extractor), checkpoints={"model": self.arguments},
        )  # fmt: skip
        if reports[0].manifest is None:
            raise RuntimeError(f"extraction failed: {reports[0].failures}")

    def loop(self) -> None:
        """The common way."""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self.source.model)
        found = [example.text for example in self.corpus.read()]
        for first in range(0, len(found), LOOP_BATCH):
            inputs = tokenizer(
                found[first : first + LOOP_BATCH],
                padding=True,
                truncation=True,
                max_length=512,
                return_tensors="pt",
            )
            with torch.no_grad():
                states = self.model(**inputs, output_hidden_states=True).hidden_states
            np.save(self.place / f"{first}.npy", torch.stack(states).numpy())

    def _prepare(self, objects):  # type: ignore[no-untyped-def]
        ref, digest = describe_corpus(self.corpus)
        texts.store_text(objects, digest, self.corpus.read)
        limits = token_settings(self.corpus, self.ref)
        meta = ensure_tokens(objects, ref.text_id, self.corpus, load_tokenizer(resolve(self.source)), limits)
        return meta, run_spec(self.ref, meta, choose_sites("all", self.ref), self.settings)


class _Kept:
    """The loaded model, kept open from run to run: loading is not what is measured."""

    def __init__(self, extractor) -> None:  # type: ignore[no-untyped-def]
        self.info, self.forward = extractor.info, extractor.forward

    def close(self) -> None:
        pass


def _markdown(report: dict) -> str:  # type: ignore[type-arg]
    rates = report["tokens_per_second"]
    lines = [
        f"{report['model']} over {report['corpus']}: {report['n_tokens']:,} tokens, "
        f"{report['padding_waste']:.1%} padding; {report['machine']}",
        "",
        "| way | tokens/s |",
        "|---|---|",
        *(f"| {name} | {rate:,} |" for name, rate in rates.items()),
        "",
        f"actstore takes {report['actstore_over_bare_time']} x the time of the bare forward; "
        f"the loop takes {report['loop_over_actstore_time']} x the time of actstore.",
    ]
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    data = os.environ.get("ACTSTORE_DATA")
    default = f"{data}/ud_ewt/en_ewt-ud-dev.conllu" if data else "models/texts/python-docs.txt"
    parser.add_argument("--model", default="models/all-MiniLM-L6-v2")
    parser.add_argument("--corpus", default=default)
    parser.add_argument("--limit", type=int, default=None, help="examples")
    parser.add_argument("--tokens-per-batch", type=int, default=ExtractSettings().tokens_per_batch)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where the stores are written")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
