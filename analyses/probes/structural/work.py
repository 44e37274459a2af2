"""StructuralWork: trains the probes of a stack and scores them. Reads through a source alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import torch

from actstore.schema.ports import ActivationSource, LabelSource, Unit
from analyses.probes.device import torch_device
from analyses.probes.structural.batch import Batcher
from analyses.probes.structural.plan import SPLITS, Probe, Reading, SplitRun, StructuralBlock
from analyses.probes.structural.rows import prediction_rows, score_rows
from analyses.probes.structural.score_set import Scored, score_set
from analyses.probes.structural.scores import ScoreRule
from analyses.probes.structural.training import Trained, train
from analyses.probes.structural.treebank import LABEL_COLUMNS, Treebank, treebank
from analyses.probes.structural.vectors import WordVectors
from analyses.readers.word_places import TOKEN_COLUMNS, WORD_COLUMNS, word_places


class TreeSource(ActivationSource, LabelSource, Protocol):
    """Activations and trees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished probe."""

    probe: Probe
    rows: pa.Table
    predictions: pa.Table | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuralWork:
    """Picklable; implements the port Work. A group is some layers of a checkpoint."""

    source: TreeSource
    block: StructuralBlock
    readings: Mapping[str, Reading]
    device: str = "auto"
    predictions: bool = False

    def open(self, group: str) -> "StructuralTask":
        return StructuralTask(self, self.readings[group])


class StructuralTask:
    """Some layers of the three splits, read once for all units; implements the port Task."""

    def __init__(self, work: StructuralWork, reading: Reading) -> None:
        self.work, self.reading = work, reading
        self.device = torch_device(work.device)
        checkpoint = reading.checkpoint
        self.vectors = {name: self._vectors(getattr(checkpoint, name)) for name in SPLITS}
        self.batchers: dict[str, dict[str, Batcher]] = {}

    def close(self) -> None:
        """Give the activations back."""
        self.vectors.clear()
        self.batchers.clear()

    def do(self, unit: Unit) -> list[Done]:
        """Train and score the probes of a stack."""
        stack: tuple[Probe, ...] = unit.args
        first, layers = stack[0], tuple(probe.layer for probe in stack)
        sets = self._batchers(first.kind)
        rule = self.work.block.training
        trained = train(
            sets["train"], sets["dev"], layers=layers, rank=first.rank, seed=first.seed, rule=rule
        )
        maps = torch.from_numpy(np.stack([one.map_DR for one in trained])).to(self.device)
        scoring = ScoreRule(
            self_distances=self.work.block.self_distances, undefined=self.work.block.undefined
        )
        scored = {
            split: score_set(sets[split], maps, layers, scoring, keep_predictions=self.work.predictions)
            for split in ("dev", "test")
        }
        return [self._done(probe, trained[at], scored, at) for at, probe in enumerate(stack)]

    def _done(self, probe: Probe, trained: Trained, scored: Mapping[str, Scored], at: int) -> Done:
        sets = self._batchers(probe.kind)
        predictions = None
        if self.work.predictions:
            predictions = prediction_rows(
                {
                    split: (sets[split].vectors.bank, found.predicted[at], sets[split].targets)
                    for split, found in scored.items()
                }
            )
        scores = {split: found.scores[at] for split, found in scored.items()}
        counts = {split: data.vectors.bank.counts() for split, data in sets.items()}
        return Done(
            probe=probe,
            rows=score_rows(self.work.block.name, probe, trained, scores, counts),
            predictions=predictions,
        )

    def _batchers(self, kind: str) -> dict[str, Batcher]:
        if kind not in self.batchers:
            self.batchers[kind] = {
                name: Batcher(vectors, kind, self.device) for name, vectors in self.vectors.items()
            }
        return self.batchers[kind]

    def _vectors(self, split: SplitRun) -> WordVectors:
        vectors = WordVectors(
            source=self.work.source,
            run_id=split.run_id,
            width=self.reading.checkpoint.width,
            bank=self._bank(split),
            pool=self.work.block.pool,
        )
        return vectors.keep(self.reading.layers) if self.reading.kept else vectors

    def _bank(self, split: SplitRun) -> Treebank:
        source = self.work.source
        places = word_places(
            source.tokens(split.tokens_id, TOKEN_COLUMNS), source.word_tokens(split.tokens_id, WORD_COLUMNS)
        )
        labels = source.labels(split.text_id, "words", split.labels).select(list(LABEL_COLUMNS))
        return treebank(
            labels,
            places,
            punctuation=self.work.block.punctuation,
            excluded=split.excluded,
            corpus=split.corpus,
        )
