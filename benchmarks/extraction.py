"""Tokens per second of one worker: bare forward, our extraction, the loop most people write, and peers.

    python benchmarks/extraction.py [--model FOLDER] [--corpus FILE.conllu|FILE.txt] [--limit N]
    python benchmarks/extraction.py --transformerlens PYTHON --saelens PYTHON [--corpus FILE] [--limit N]

All run on the same text with one compute thread, in turns, their models loaded before:
(a) `bare`: the model's forward over our length-bucketed batches, hidden states thrown away;
(b) `actstore`: one shard after the other from token ids to durable receipts (hooks, cast, checks, checksums,
    sha256, fsync), written while the next shard is computed;
(c) `loop`: Hugging Face model, batches of 32 in corpus order padded to the longest, all hidden states to
    NumPy, `np.save` a batch;
(d) peers, each by the Python of its own environment (benchmarks/peers), in batches of 32: over the same
    examples padded to the longest, which is the same computing, and over the text in windows of 128 tokens
    without padding, where tokens see other sentences. They are for decoders: unless a folder is named, the
    model is then a made-up GPT-2 of the demo model's size.
Ratios within one run are what counts; the machine is told with them.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from common import markdown
from made_up_model import make_decoder
from peer import Answer, ask, saelens_hooks, transformerlens_hooks
from ways_to_extract import Bench, read_corpus

from actstore.extract.prepare import ExtractSettings

Way = Callable[[], Answer]
DEMO_MODEL = "models/all-MiniLM-L6-v2"


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    corpus = read_corpus(arguments.corpus, arguments.limit)
    with_peers = bool(arguments.saelens or arguments.transformerlens)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        model = arguments.model or DEMO_MODEL
        if with_peers and not arguments.model:
            model = str(make_decoder(Path(folder, "decoder"), [example.text for example in corpus.read()]))
        bench = Bench(model, corpus, Path(folder), arguments.tokens_per_batch)
        ways = {**our_ways(bench, with_peers=with_peers), **peers(bench, arguments)}
        answers: dict[str, list[Answer]] = {name: [] for name in ways}
        for turn in range(arguments.rounds):
            for name, way in ways.items():
                answers[name].append(way())
            print(f"round {turn + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
    told = {
        "model": Path(model).name,
        "corpus": Path(arguments.corpus).name,
        "n_tokens": bench.meta.n_tokens,
        "padding_waste": round(bench.padding, 3),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, 1 thread",
        "ways": rows(answers),
    }
    print(json.dumps(told, indent=1) if arguments.json else _markdown(told))


def our_ways(bench: Bench, *, with_peers: bool) -> dict[str, Way]:
    """The ways that run in this process; beside peers also what they store: float32, and one site."""

    def answer(way: Callable[[], tuple[float, int]]) -> Answer:
        seconds, n_bytes = way()
        return Answer(seconds, bench.meta.n_tokens, n_bytes, "")

    n = len(bench.sites)
    ways = {
        "bare forward": bench.bare,
        f"actstore, {n} sites": partial(bench.extract, bench.sites, "float16"),
    }
    if with_peers:
        ways[f"actstore, {n} sites, float32"] = partial(bench.extract, bench.sites, "float32")
        ways["actstore, the last site, float32"] = partial(bench.extract, bench.sites[-1:], "float32")
    return {name: partial(answer, way) for name, way in {**ways, f"loop, {n} sites": bench.loop}.items()}


def peers(bench: Bench, arguments: argparse.Namespace) -> dict[str, Way]:
    """The ways of other programs for which a Python was named."""
    model, n = Path(bench.source.model), len(bench.sites)
    text = bench.folder / "lines.txt"
    text.write_text("\n".join(" ".join(line.split()) for line in bench.lines), encoding="utf-8")

    def asked(python: str, script: str, hooks: list[str], *more: str) -> Answer:
        return ask(python, script, model, text, bench.place(), hooks, *more)

    ways: dict[str, Way] = {}
    if arguments.transformerlens:
        hooks = transformerlens_hooks(bench.ref.n_layers)
        ask_it = partial(asked, arguments.transformerlens, "transformerlens_cache.py")
        ways[f"TransformerLens, {n} sites, examples"] = partial(ask_it, hooks, "--examples")
        ways[f"TransformerLens, {n} sites, windows"] = partial(ask_it, hooks)
    if arguments.saelens:
        hooks = saelens_hooks(bench.ref.n_layers)
        ask_it = partial(asked, arguments.saelens, "saelens_runner.py")
        ways[f"SAELens, {n} sites in {n} runs, windows"] = partial(ask_it, hooks)
        ways["SAELens, the last site, windows"] = partial(ask_it, hooks[-1:])
    return ways


def rows(answers: dict[str, list[Answer]]) -> list[dict[str, object]]:
    """A row a way, of its best round; times are for as many tokens as the first way's."""
    best = {
        name: min(told, key=lambda answer: answer.seconds / answer.n_tokens) for name, told in answers.items()
    }
    per_token = {name: answer.seconds / answer.n_tokens for name, answer in best.items()}
    bare, ours = list(per_token.values())[:2]
    return [
        {
            "way": f"{name} ({answer.version})" if answer.version else name,
            "tokens": answer.n_tokens,
            "tokens/s": round(1 / per_token[name]),
            "bytes": answer.n_bytes,
            "time / bare": round(per_token[name] / bare, 2),
            "time / actstore": round(per_token[name] / ours, 2),
        }
        for name, answer in best.items()
    ]


def _markdown(told: dict) -> str:  # type: ignore[type-arg]
    head = f"{told['model']} over {told['corpus']}: {told['n_tokens']:,} tokens"
    return f"{head}, {told['padding_waste']:.1%} padding; {told['machine']}\n\n{markdown(told['ways'])}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    data = os.environ.get("ACTSTORE_DATA")
    default = f"{data}/ud_ewt/en_ewt-ud-dev.conllu" if data else "models/texts/python-docs.txt"
    parser.add_argument("--model", help=f"default: {DEMO_MODEL}; with peers a made-up decoder")
    parser.add_argument("--corpus", default=default)
    parser.add_argument("--limit", type=int, default=None, help="examples")
    parser.add_argument("--tokens-per-batch", type=int, default=ExtractSettings().tokens_per_batch)
    parser.add_argument(
        "--transformerlens", metavar="PYTHON", help="of an environment with TransformerLens 4"
    )
    parser.add_argument("--saelens", metavar="PYTHON", help="of an environment with SAELens 6")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where the stores are written")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
