"""Structural distance probes of all layers of a checkpoint: one reading against one layer at a time.

    python benchmarks/structural.py --study studies/structural.toml --block small

Three ways to the same probes, from the same stored activations:

* `stack`: each layer is read once, and the probes of all layers are trained on the same batches;
* `one by one`: the same code, a run for each layer;
* `reference`: written from the description of the released code of Hewitt and Manning: a HDF5 file with a
  data set [layer, token, unit] for each sentence, read whole by each run, which takes one layer; words are
  means of their tokens; batches are padded, all differences of words are made, autograd differentiates them.

Each trains for the same epochs over the same sentences in the same order, from the same map, with one
thread, and looks at the dev set after each epoch. Processor seconds are counted, which other programs
disturb less than the clock. Making the HDF5 files is not timed. Needs h5py.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import h5py
import numpy as np
import torch
from torch import Tensor

from actstore.store.root import open_root
from actstore.store.source import StoreSource
from analyses.probes.plateau import PlateauRule
from analyses.probes.structural.batch import Batcher
from analyses.probes.structural.plan import ProbedCheckpoint, Reading, StructuralBlock
from analyses.probes.structural.training import order, start, train
from analyses.probes.structural.treebank import Treebank
from analyses.probes.structural.trees import distances
from analyses.probes.structural.work import StructuralTask, StructuralWork
from benchmarks.common import machine, markdown, scratch
from jobs.structural import plan_structural
from jobs.study.load import load_study

SPLITS = ("train", "dev")
ALONE = "one layer alone"


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    study = load_study(arguments.study, store=arguments.store)
    objects = open_root(study.store)
    given = next(block for block in study.structural_probe if block.name == arguments.block)
    planned = plan_structural(objects, objects, study, given)
    one = next(found for found in planned.checkpoints if found.name == arguments.checkpoint)
    # early stopping would end the ways at different epochs
    rule = replace(
        planned.block.training, epochs=arguments.epochs, plateau=PlateauRule(stop_after=arguments.epochs + 1)
    )
    block = replace(planned.block, training=rule, kinds=("distance",), ranks=(arguments.rank,), seeds=(0,))
    work = StructuralWork(source=StoreSource(objects.url), block=block, readings={}, device="cpu")
    with scratch(arguments.folder) as folder:
        task = _open(work, one, arguments.sentences)
        n_sentences = {split: task.vectors[split].bank.n_sentences for split in SPLITS}
        for split in SPLITS:
            write_hdf5(task, split, folder / f"{split}.hdf5")
        ways: dict[str, Callable[[], dict[int, float]]] = {
            "stack": lambda: ours(work, one, arguments.sentences),
            "one by one": lambda: {
                layer: loss
                for layer in one.layers
                for loss in ours(work, replace(one, layers=(layer,)), arguments.sentences).values()
            },
            "reference": lambda: reference(task, folder, block, one),
        }
        found, seconds = {}, {name: [] for name in ways}
        for number in range(arguments.rounds):
            for name, way in ways.items():
                if name != "reference" or number == 0:
                    started = time.process_time()
                    found[name] = way()
                    seconds[name].append(time.process_time() - started)
            started = time.process_time()
            ours(work, replace(one, layers=one.layers[:1]), arguments.sentences)
            seconds.setdefault(ALONE, []).append(time.process_time() - started)
        best = {name: min(rounds) for name, rounds in seconds.items()}
        _tell(arguments, one, found, best, n_sentences, folder)


def ours(work: StructuralWork, one: ProbedCheckpoint, sentences: int) -> dict[int, float]:
    """Dev loss of each layer's probe after the last epoch."""
    task = _open(work, one, sentences)
    sets = {split: Batcher(task.vectors[split], "distance", task.device) for split in SPLITS}
    rank = work.block.ranks[0] or one.width
    trained = train(
        sets["train"], sets["dev"], layers=one.layers, rank=rank, seed=0, rule=work.block.training
    )
    return {probe.layer: probe.dev_losses[-1] for probe in trained}


def reference(
    task: StructuralTask, folder: Path, block: StructuralBlock, one: ProbedCheckpoint
) -> dict[int, float]:
    """The same by the way of the released code, a run for each layer."""
    losses = {}
    for layer in one.layers:
        data = {
            split: _read_layer(folder / f"{split}.hdf5", task.vectors[split].bank, layer) for split in SPLITS
        }
        losses[layer] = _train_reference(data, block, one.width)
    return losses


def _train_reference(
    data: dict[str, list[tuple[Tensor, Tensor]]], block: StructuralBlock, width: int
) -> float:
    rule = block.training
    proj = start(width, block.ranks[0] or width, 0, rule.init_range).requires_grad_()
    optimiser = torch.optim.Adam([proj], lr=rule.learning_rate)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.1, patience=0)
    loss = 0.0
    for epoch in range(rule.epochs):
        mixed = [data["train"][i] for i in order(len(data["train"]), 0, epoch)]
        for batch in _padded(mixed, rule.batch_size):
            optimiser.zero_grad()
            _loss(proj, *batch).backward()
            optimiser.step()
        with torch.no_grad():
            parts = [(_loss(proj, *batch), len(batch[2])) for batch in _padded(data["dev"], rule.batch_size)]
        loss = sum(float(value) * n for value, n in parts) / len(data["dev"])
        schedule.step(loss)
    return loss


def _loss(proj: Tensor, words: Tensor, gold: Tensor, lengths: Tensor) -> Tensor:
    """All differences of mapped words, squared and summed; L1 over the real places; mean of sentences."""
    mapped = words @ proj
    n_words = mapped.shape[1]
    across = mapped.unsqueeze(2).expand(-1, -1, n_words, -1)
    guess = (across - across.transpose(1, 2)).pow(2).sum(-1)
    mask = (gold != -1).float()
    error = torch.abs(guess * mask - gold * mask).sum(dim=(1, 2))
    return (error / lengths.pow(2)).sum() / len(lengths)


def _padded(sentences: list[tuple[Tensor, Tensor]], size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    for first in range(0, len(sentences), size):
        batch = sentences[first : first + size]
        longest = max(len(words) for words, _ in batch)
        words = torch.nn.utils.rnn.pad_sequence([words for words, _ in batch], batch_first=True)
        gold = torch.full((len(batch), longest, longest), -1.0)
        for at, (_, found) in enumerate(batch):
            gold[at, : len(found), : len(found)] = found
        yield words, gold, torch.tensor([float(len(words)) for words, _ in batch])


def _read_layer(path: Path, bank: Treebank, layer: int) -> list[tuple[Tensor, Tensor]]:
    """Every sentence's words at one layer, each data set read whole, and its distances."""
    out = []
    with h5py.File(path) as file:
        for sentence in range(bank.n_sentences):
            tokens = file[str(sentence)][()][layer]
            counts = bank.n_tokens_V[bank.words(sentence)]
            ends = np.cumsum(counts)
            words = [tokens[end - n : end].mean(axis=0) for end, n in zip(ends, counts, strict=True)]
            gold = distances(bank.head_V[bank.words(sentence)])
            out.append((torch.from_numpy(np.stack(words)), torch.from_numpy(gold)))
    return out


def write_hdf5(task: StructuralTask, split: str, path: Path) -> None:
    """A data set [layer, token, unit] float32 for each sentence, special tokens left out."""
    run, source = getattr(task.reading.checkpoint, split), task.work.source
    bank = task.vectors[split].bank
    with h5py.File(path, "w") as file:
        for sentence in range(bank.n_sentences):
            words = bank.words(sentence)
            first, n = bank.first_row_V[words], bank.n_tokens_V[words]
            rows = np.concatenate([np.arange(f, f + c) for f, c in zip(first, n, strict=True)])
            layers = [source.gather(run.run_id, f"L{layer:02d}", rows) for layer in task.reading.layers]
            file[str(sentence)] = np.stack(layers).astype(np.float32)


def _open(work: StructuralWork, one: ProbedCheckpoint, sentences: int) -> StructuralTask:
    """The first sentences alone, so that the slow way ends; their words at all layers are read."""
    reading = Reading(checkpoint=one, layers=one.layers, kept=False)
    task = replace(work, readings={one.name: reading}).open(one.name)
    for split in SPLITS:
        most = sentences if split == "train" else sentences // 3
        vectors, bank = task.vectors[split], task.vectors[split].bank
        end = bank.offset_S1[: most + 1]
        few = replace(
            bank,
            example_S=bank.example_S[:most],
            offset_S1=end,
            head_V=bank.head_V[: end[-1]],
            first_row_V=bank.first_row_V[: end[-1]],
            n_tokens_V=bank.n_tokens_V[: end[-1]],
        )
        task.vectors[split] = replace(vectors, bank=few).keep(one.layers)
    return task


def _tell(
    arguments: argparse.Namespace,
    one: ProbedCheckpoint,
    found: dict[str, dict[int, float]],
    seconds: dict[str, float],
    n_sentences: dict[str, int],
    folder: Path,
) -> None:
    rows = [
        {
            "way": name,
            "processor seconds": round(seconds[name], 1),
            "times the stack": round(seconds[name] / seconds["stack"], 1),
            "dev loss of layer 0 / middle / last": " / ".join(
                f"{losses[layer]:.4f}"
                for layer in (one.layers[0], one.layers[len(one.layers) // 2], one.layers[-1])
            ),
        }
        for name, losses in found.items()
    ]
    first = seconds[ALONE]
    more = (seconds["stack"] - first) / (len(one.layers) - 1) / first
    print(machine(folder))
    print(
        f"\n{arguments.checkpoint}: {len(one.layers)} layers x {one.width} units, rank "
        f"{arguments.rank or one.width}; {n_sentences['train']:,} training and {n_sentences['dev']:,} dev "
        f"sentences, {arguments.epochs} epochs\n"
    )
    print(markdown(rows))
    print(f"\nOne layer alone takes {first:.1f} s; each further layer {more:.2f} of that.")


def _arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--study", type=Path, required=True)
    made.add_argument("--store")
    made.add_argument("--block", default="small", help="name of a [[structural_probe]], its runs stored")
    made.add_argument("--checkpoint", default="base")
    made.add_argument("--sentences", type=int, default=120, help="to train on; a third as many of dev")
    made.add_argument("--epochs", type=int, default=3)
    made.add_argument("--rank", type=int)
    made.add_argument("--rounds", type=int, default=3, help="of which the best counts; the reference has one")
    made.add_argument("--folder", help="where the HDF5 files are made")
    return made.parse_args()


if __name__ == "__main__":
    main()
