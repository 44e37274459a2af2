"""Edge probes from stored activations against an encoder run at each step, and what one more probe costs.

    python benchmarks/probes.py --study studies/probes-small.toml --block table1

Two ways to the same training steps, on the same batches of sentences, with one thread:

* `stored`: what all tasks need is read once, then each probe takes its steps;
* `encoder`: the way of jiant: each step of each task runs the frozen encoder on its batch (padded, without a
  gradient, all layers kept), and the probe takes the same step. Its seconds are those of the encoder beside
  the steps of `stored` without their reading.

Then seconds of a step by how many layers or seeds are trained together. Processor seconds are counted; other
programs disturb them less than the clock. No look at the dev set is timed, and no first step.
"""

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from actstore.store import paths
from actstore.store.parquet import read_table
from actstore.store.root import open_root
from analyses.probes.edge.plan import EdgeProbe
from analyses.probes.edge.work import EdgeGroup, EdgeWork
from benchmarks.common import machine, markdown
from jobs.edge import plan_edge
from jobs.study.load import load_study

BATCH = 32


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    study = load_study(arguments.study, store=arguments.store)
    objects = open_root(study.store)
    given = next(block for block in study.edge_probe if block.name == arguments.block)
    work = plan_edge(objects, objects, study, given).work
    assert isinstance(work, EdgeWork)
    group = next(name for name in work.readings if name.startswith(f"{arguments.checkpoint}~"))
    print(machine(Path(study.store)), end="\n\n")

    began = time.process_time()
    opened = work.open(group)
    assert isinstance(opened, EdgeGroup)
    list(opened.feeds["train"].pools(0))
    reading = time.process_time() - began
    first = opened.reading.tasks[0]
    texts = read_table(objects, paths.text(first.train.text_id, "examples.parquet"), ["text"])
    encoder = Encoder(Path(study.checkpoint(arguments.checkpoint).model), texts.column("text").to_pylist())

    rows, probe_total, encoder_total = [], 0.0, 0.0
    for task in opened.reading.tasks:
        step = step_seconds(opened, [_probe(task.task, "mix", opened.reading.layers)], arguments.steps)
        run = encoder.seconds(batches(opened, task.task, arguments.steps))
        rows.append(
            {
                "task": task.task,
                "probe": f"{1000 * step:.1f}",
                "encoder": f"{1000 * run:.1f}",
                "encoder way / stored way": f"{(step + run) / step:.1f} x",
            }
        )
        probe_total, encoder_total = probe_total + step, encoder_total + run
    print(f"Milliseconds a step ({first.checkpoint}, batches of {BATCH} sentences)\n")
    print(markdown(rows), end="\n\n")
    stored = reading + arguments.training * probe_total
    jiant = arguments.training * (probe_total + encoder_total)
    print(f"All {len(rows)} tasks, {arguments.training:,} steps each: reading {reading:.1f} s; stored "
          f"{stored:.0f} s, encoder {jiant:.0f} s: {jiant / stored:.1f} x\n")  # fmt: skip
    more(opened, first.task, arguments.steps)


def more(opened: EdgeGroup, task: str, steps: int) -> None:
    """What one more layer, and one more seed, costs a step."""
    layers = opened.reading.layers
    rows = []
    for what, count in (("layers", len(layers)), ("seeds", 3)):
        probes = [_probe(task, "each-layer", (layer,)) for layer in layers]
        if what == "seeds":
            probes = [_probe(task, "mix", layers, seed) for seed in range(count)]
        alone = step_seconds(opened, probes[:1], steps)
        together = step_seconds(opened, probes, steps)
        extra = (together - alone) / (count - 1)
        rows.append(
            {
                "probes": f"{count} {what}",
                "first": f"{1000 * alone:.1f}",
                "all": f"{1000 * together:.1f}",
                "each further": f"{1000 * extra:.1f}",
                "further / first": f"{extra / alone:.2f}",
            }
        )
    print(f"Milliseconds a step of several probes of {task}\n")
    print(markdown(rows))


def step_seconds(opened: EdgeGroup, probes: list[EdgeProbe], steps: int) -> float:
    """Of all these probes on the same batches: a stack for each seed."""
    seeds = dict.fromkeys(probe.seed for probe in probes)
    stacks = [tuple(probe for probe in probes if probe.seed == seed) for seed in seeds]
    pupils = [opened.pupil(stack) for stack in stacks]
    (pool,) = opened.feeds["train"].pools(0)
    chosen = list(batches(opened, probes[0].task, steps + 1))
    began = 0.0
    for number, sentence_N in enumerate(chosen):
        if number == 1:
            began = time.process_time()
        for pupil in pupils:
            pupil.stack.step(pupil.train.batch(sentence_N, pool.rows, opened.device))
    return (time.process_time() - began) / steps


def batches(opened: EdgeGroup, task: str, steps: int) -> Iterator[np.ndarray]:
    """Batches of a task's training sentences, the same each time."""
    n_sentences = opened.sets[task]["train"].n_sentences
    rng = np.random.default_rng(0)
    for _ in range(steps):
        yield rng.choice(n_sentences, min(BATCH, n_sentences), replace=False)


class Encoder:
    """A frozen model that keeps all its layers."""

    def __init__(self, model: Path, texts: list[str]) -> None:
        self.tokenizer, self.texts = AutoTokenizer.from_pretrained(model), texts
        self.model = AutoModel.from_pretrained(model).eval()

    @torch.no_grad()
    def seconds(self, chosen: Iterator[np.ndarray]) -> float:
        """Of a batch of sentences, tokenising included; the first is not timed."""
        took = []
        for sentence_N in chosen:
            began = time.process_time()
            batch = self.tokenizer([self.texts[at] for at in sentence_N], padding=True, return_tensors="pt")
            self.model(**batch, output_hidden_states=True)
            took.append(time.process_time() - began)
        return float(np.mean(took[1:]))


def _probe(task: str, mode: str, reads: tuple[int, ...], seed: int = 0) -> EdgeProbe:
    layer = reads[0] if mode == "each-layer" else None
    return EdgeProbe(task=task, checkpoint="", mode=mode, layer=layer, reads=reads, seed=seed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--study", required=True)
    parser.add_argument("--store")
    parser.add_argument("--block", required=True)
    parser.add_argument("--checkpoint", default="base")
    parser.add_argument("--steps", type=int, default=20, help="steps that are timed")
    parser.add_argument("--training", type=int, default=3000, help="steps of a training, for the sum")
    return parser.parse_args()


if __name__ == "__main__":
    main()
