"""EdgeWork: trains stacks of edge probes from one scan and scores them. Reads through a source alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import torch

from actstore.errors import WorkError
from actstore.schema.ports import ActivationSource, LabelSource, Unit
from analyses.probes.device import torch_device
from analyses.probes.edge.network import Shape
from analyses.probes.edge.plan import EdgeBlock, EdgeProbe, Reading, Stack
from analyses.probes.edge.rows import PREDICTIONS, PROBES, mix_of, prediction_rows, probe_row, split_row
from analyses.probes.edge.stack import EdgeStack
from analyses.probes.edge.tally import Tally, clean_labels
from analyses.probes.edge.target_set import TargetSet, target_set
from analyses.probes.edge.task_runs import SPLITS, LabelledRun, TaskRuns
from analyses.probes.edge.training import Pupil, Trained, fit, tallies
from analyses.probes.scan.feed import Feed, Needed
from analyses.probes.scan.norms import layer_norms
from analyses.probes.scan.pools import Layout, pools_of_splits
from analyses.readers.targets import unseen_labels
from analyses.readers.word_places import TOKEN_COLUMNS, WORD_COLUMNS, WordPlaces, word_places

SCORED = ("dev", "test")
Sets = dict[str, TargetSet]
"""By split."""


class EdgeSource(ActivationSource, LabelSource, Protocol):
    """Activations and labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished probe."""

    probe: EdgeProbe
    rows: pa.Table
    predictions: pa.Table | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeWork:
    """Picklable; implements the port Work. A group is a checkpoint over three corpora."""

    source: EdgeSource
    block: EdgeBlock
    readings: Mapping[str, Reading]
    device: str = "auto"
    predictions: bool = False

    def open(self, group: str) -> "EdgeGroup":
        return EdgeGroup(self, self.readings[group])


class EdgeGroup:
    """The targets of all tasks and the rows that any of them needs; implements the port Task."""

    def __init__(self, work: EdgeWork, reading: Reading) -> None:
        self.work, self.reading = work, reading
        self.device = torch_device(work.device)
        self.n_unseen: dict[tuple[str, str], int] = {}
        places = {split: self._places(getattr(reading.tasks[0], split)) for split in SPLITS}
        self.sets = {task.task: self._sets(task, places) for task in reading.tasks}
        self.feeds = self._feeds(places)
        self._norms: dict[int, float] = {}

    def close(self) -> None:
        """Give the activations back."""
        self.feeds.clear()
        self.sets.clear()

    def do(self, unit: Unit) -> list[Done]:
        """Train and score the probes of some stacks, all from the same scan."""
        stacks: tuple[Stack, ...] = unit.args
        pupils = [self.pupil(stack) for stack in stacks]
        fit(pupils, self.feeds["train"], self.feeds["dev"], self.device)
        return [
            done
            for probes, pupil in zip(stacks, pupils, strict=True)
            for done in self._score(probes, pupil.stack)
        ]

    def pupil(self, probes: Stack) -> Pupil:
        """A stack before its training, with its task's targets."""
        task, sets = self.reading.task(probes[0].task), self.sets[probes[0].task]
        layers = self.reading.layers
        stack = EdgeStack(
            shape=Shape(
                width=task.width,
                n_layers=len(layers),
                n_spans=len(sets["train"].spans),
                n_labels=len(task.labels),
                units=self.work.block.training.units,
            ),
            reads_PL=torch.tensor([[layer in probe.reads for layer in layers] for probe in probes]),
            seed=probes[0].seed,
            rule=self.work.block.training.of(sets["train"].n_sentences),
            device=self.device,
        )
        return Pupil(stack=stack, train=sets["train"], dev=sets["dev"])

    def _score(self, probes: Stack, stack: EdgeStack) -> list[Done]:
        task, sets = self.reading.task(probes[0].task), self.sets[probes[0].task]
        params = stack.trained()
        trained = Trained(params=params, reads_PL=stack.reads_PL, shape=stack.shape, device=self.device)
        clean_K = clean_labels(task.labels)
        found = {
            split: tallies(trained, sets[split], self.feeds[split], clean_K, keeps=self.work.predictions)
            for split in SCORED
        }
        norms = self._layer_norms()
        out = []
        for at, probe in enumerate(probes):
            mix = self._mix(probe, {name: value[at] for name, value in params.items()}, norms)
            about = probe_row(self.work.block.name, probe, stack.climbs[at], mix)
            about |= {
                "n_steps": stack.n_steps,
                "n_train_targets": sets["train"].n_targets,
                "streamed": self.feeds["train"].is_streamed,
            }
            rows = [
                {
                    **about,
                    **split_row(split, found[split][at], sets[split], task.labels),
                    "n_unseen": self.n_unseen[task.task, split],
                }
                for split in SCORED
            ]
            out.append(
                Done(
                    probe=probe,
                    rows=pa.Table.from_pylist(rows, schema=PROBES),
                    predictions=self._predictions(found, at, sets, task.labels),
                )
            )
        return out

    def _mix(
        self, probe: EdgeProbe, params: Mapping[str, torch.Tensor], norms: Mapping[int, float]
    ) -> dict[str, Any]:
        places = [self.reading.layers.index(layer) for layer in probe.reads]
        weight_L = torch.softmax(params["mix"][places].double(), dim=-1).cpu().numpy()
        return {
            "gamma": float(params["gamma"]),
            "mix_weights": weight_L.tolist(),
            "layer_norms": [norms[layer] for layer in probe.reads],
            **mix_of(np.asarray(weight_L), probe.reads),
        }

    def _predictions(
        self, found: Mapping[str, list[Tally]], at: int, sets: Sets, labels: tuple[str, ...]
    ) -> pa.Table | None:
        if not self.work.predictions:
            return None
        parts = [
            prediction_rows(split, found[split][at].all_logits(), sets[split], labels) for split in SCORED
        ]
        return pa.concat_tables([PREDICTIONS.empty_table(), *parts])

    def _layer_norms(self) -> dict[int, float]:
        if not self._norms:
            self._norms = layer_norms(self.feeds["test"])
        return self._norms

    def _places(self, split: LabelledRun) -> WordPlaces:
        source = self.work.source
        tokens = source.tokens(split.tokens_id, TOKEN_COLUMNS)
        return word_places(tokens, source.word_tokens(split.tokens_id, WORD_COLUMNS))

    def _sets(self, task: TaskRuns, places: Mapping[str, WordPlaces]) -> Sets:
        tables = {}
        for split in SPLITS:
            run: LabelledRun = getattr(task, split)
            tables[split] = self.work.source.labels(run.text_id, run.label_set, run.label_hash)
            self.n_unseen[task.task, split] = sum(unseen_labels(tables["train"], tables[split]).values())
        out = {}
        for split, table in tables.items():
            run = getattr(task, split)
            out[split] = target_set(table, places[split], task.labels, run.excluded)
            if not out[split].n_targets:
                raise WorkError(
                    f"task {task.task}, {split} ({run.corpus}): of {len(table)} targets none has tokens and "
                    f"values in the run of {task.checkpoint}; raise max_length"
                )
        return out

    def _feeds(self, places: Mapping[str, WordPlaces]) -> dict[str, Feed]:
        """What any task needs of each split, within the memory of the block."""
        first = self.reading.tasks[0]
        n_bytes = {split: first.split_bytes(split) for split in SPLITS}
        n_pools = pools_of_splits(n_bytes, self.work.block.kept_bytes)
        feeds = {}
        for split in SPLITS:
            layout = Layout.of_words(places[split].example_W, places[split].n_tokens_W, n_pools[split])
            feeds[split] = Feed(self.work.source, self._needed(split, getattr(first, split).run_id), layout)
        return feeds

    def _needed(self, split: str, run_id: str) -> Needed:
        found = [sets[split].rows() for sets in self.sets.values()]
        row_R, first_R = np.unique(np.concatenate([rows for rows, _ in found]), return_index=True)
        example_R = np.concatenate([examples for _, examples in found])[first_R]
        return Needed(run_id=run_id, layers=self.reading.layers, row_R=row_R, example_R=example_R)
