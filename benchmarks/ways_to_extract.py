"""The ways of running a model over a text that `extraction.py` compares, in this process with one thread."""

import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from actstore.capture.checkpoint import describe
from actstore.capture.extractor import load_extractor
from actstore.capture.families import family_of
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
from actstore.schema.spec import RunSpec
from actstore.schema.tokens import TokenBatch, TokensMeta
from actstore.serial import SerialExecutor
from actstore.store import texts
from actstore.store.objects import Objects
from actstore.store.root import create_root
from actstore.store.tokens import read_inputs, read_sequences

LOOP_BATCH = 32


def read_corpus(path: str, limit: int | None) -> CorpusInput:
    """A file of a treebank or of plain text."""
    options = ReadOptions(format="conllu" if ".conllu" in path else "text", path=path, limit=limit)
    return CorpusInput(name="corpus", domain="", read=lambda: read_examples(options).examples)


class Bench:
    """A model, a text and our batches of it; each way starts in a folder of its own."""

    def __init__(self, model: str, corpus: CorpusInput, folder: Path, tokens_per_batch: int) -> None:
        self.folder, self.number = folder, 0
        self.source = CheckpointSource(name="model", model=model)
        self.ref = describe(self.source)
        self.corpus, self.tokens_per_batch = corpus, tokens_per_batch
        self.sites = choose_sites("all", self.ref)
        prepared = create_root(str(folder / "prepared"))
        self.meta = self._prepare(prepared)
        self.spec = self.run(self.sites, "float16")
        self.batches, self.padding = our_batches(prepared, self.meta, self.spec)
        self.model = AutoModel.from_pretrained(model).eval()
        self.segments = bool((family := family_of(self.ref.family)) and family.takes_segments)
        self.extractors = {self.sites: load_extractor(self.source, self.sites)}

    @cached_property
    def lines(self) -> list[str]:
        """The text's examples."""
        return [example.text for example in self.corpus.read()]

    def run(self, sites: Sequence[str], dtype: str) -> RunSpec:
        """A run of ours."""
        settings = ExtractSettings(tokens_per_batch=self.tokens_per_batch, dtype=dtype)
        return run_spec(self.ref, self.meta, tuple(sites), settings)

    def place(self) -> Path:
        """A new place."""
        self.number += 1
        return self.folder / str(self.number)

    def bare(self) -> tuple[float, int]:
        """The forward alone over our batches, all hidden states asked for and thrown away."""
        started = time.perf_counter()
        with torch.inference_mode():
            for batch in self.batches:
                inputs = pad(batch, pad_id=0, segments=self.segments, device=torch.device("cpu"))
                types = {"token_type_ids": inputs.segments} if self.segments else {}
                self.model(
                    input_ids=inputs.token_ids, attention_mask=inputs.mask, output_hidden_states=True, **types
                )
        return time.perf_counter() - started, 0

    def extract(self, sites: tuple[str, ...], dtype: str) -> tuple[float, int]:
        """Our extraction by one worker, text and tokens in the store and the model loaded before."""
        if sites not in self.extractors:
            self.extractors[sites] = load_extractor(self.source, sites)
        place = self.place()
        objects = create_root(str(place))
        self._prepare(objects)
        plan = RunPlan(checkpoint="model", corpus="corpus", spec=self.run(sites, dtype))
        arguments = ExtractorArgs(
            source=self.source, sites=sites, compute_dtype="float32", attention="sdpa", threads=1
        )
        before = bytes_below(place)
        started = time.perf_counter()
        reports = extract_runs(
            objects, [plan], SerialExecutor(), Resources(overlap=SHARDS_IN_HAND),
            open_extractor=lambda _: _Kept(self.extractors[sites]), checkpoints={"model": arguments},
        )  # fmt: skip
        seconds = time.perf_counter() - started
        if reports[0].manifest is None:
            raise RuntimeError(f"extraction failed: {reports[0].failures}")
        return seconds, bytes_below(place) - before

    def loop(self) -> tuple[float, int]:
        """The common way, tokenising included."""
        tokenizer, place = AutoTokenizer.from_pretrained(self.source.model), self.place()
        place.mkdir()
        started = time.perf_counter()
        for first in range(0, len(self.lines), LOOP_BATCH):
            lines = self.lines[first : first + LOOP_BATCH]
            inputs = tokenizer(lines, padding=True, truncation=True, max_length=512, return_tensors="pt")
            with torch.no_grad():
                states = self.model(**inputs, output_hidden_states=True).hidden_states
            np.save(place / f"{first}.npy", torch.stack(states).numpy())
        return time.perf_counter() - started, bytes_below(place)

    def _prepare(self, objects: Objects) -> TokensMeta:
        ref, digest = describe_corpus(self.corpus)
        texts.store_text(objects, digest, self.corpus.read)
        limits = token_settings(self.corpus, self.ref)
        return ensure_tokens(objects, ref.text_id, self.corpus, load_tokenizer(resolve(self.source)), limits)


class _Kept:
    """The loaded model, kept open from run to run: loading is not what is measured."""

    def __init__(self, extractor) -> None:  # type: ignore[no-untyped-def]
        self.info, self.forward = extractor.info, extractor.forward

    def close(self) -> None:
        pass


def our_batches(objects: Objects, meta: TokensMeta, spec: RunSpec) -> tuple[list[TokenBatch], float]:
    """The batches that our extraction makes of all shards, and their share of padding."""
    made, padded = [], []
    index = read_sequences(objects, meta.text_id, meta.tokens_id)
    for shard in range(spec.n_shards):
        rows = spec.shard_range(shard)
        ids_T, segment_T = read_inputs(objects, meta.text_id, meta.tokens_id, rows)
        length_S = index.within_rows(*rows).n_tokens_S
        starts = np.concatenate([[0], np.cumsum(length_S)])
        plan = batches(length_S, spec.tokens_per_batch)
        padded.append(padding_waste(length_S, plan))
        made += [
            TokenBatch(
                token_id_T=np.concatenate([ids_T[starts[i] : starts[i + 1]] for i in batch]),
                segment_T=np.concatenate([segment_T[starts[i] : starts[i + 1]] for i in batch]),
                offset_N1=np.concatenate([[0], np.cumsum(length_S[batch])]),
            )
            for batch in plan
        ]
    return made, float(np.mean(padded))


def bytes_below(place: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
