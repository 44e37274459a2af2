"""MdlWork: trains the probes of a stack and measures their codes. Reads through a source alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import torch

from actstore.errors import WorkError
from actstore.schema.ports import ActivationSource, LabelSource, Unit
from analyses.probes.device import torch_device
from analyses.probes.edge import network
from analyses.probes.edge.network import Params, Shape
from analyses.probes.edge.rows import prediction_rows
from analyses.probes.edge.task_runs import SPLITS, LabelledRun, TaskRuns
from analyses.probes.mdl import bayes
from analyses.probes.mdl.edges import EdgeSet, edge_set
from analyses.probes.mdl.plan import MdlBlock, MdlProbe
from analyses.probes.mdl.rows import PROBES, online_row, variational_row
from analyses.probes.mdl.training import Logits, Task, all_logits, online, variational
from analyses.readers.targets import unseen_labels
from analyses.readers.word_places import TOKEN_COLUMNS, WORD_COLUMNS, word_places

SCORED = ("dev", "test")


class EdgeSource(ActivationSource, LabelSource, Protocol):
    """Activations and labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A finished probe."""

    probe: MdlProbe
    rows: pa.Table
    predictions: pa.Table | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MdlWork:
    """Picklable; implements the port Work. A group is a task at a checkpoint."""

    source: EdgeSource
    block: MdlBlock
    tasks: Mapping[str, TaskRuns]
    """By group."""
    device: str = "auto"
    predictions: bool = False

    def open(self, group: str) -> "MdlTask":
        return MdlTask(self, self.tasks[group])


class MdlTask:
    """The targets of three splits and their activations, read once; implements the port Task."""

    def __init__(self, work: MdlWork, runs: TaskRuns) -> None:
        self.work, self.runs = work, runs
        self.device = torch_device(work.device)
        self.tables = {name: self._labels(getattr(runs, name)) for name in SPLITS}
        self.sets = {name: self._set(getattr(runs, name), self.tables[name]) for name in SPLITS}
        for name, found in self.sets.items():
            if not found.n_targets:
                raise WorkError(
                    f"task {runs.task}, {name} ({getattr(runs, name).corpus}): of {len(self.tables[name])} "
                    f"targets none has tokens and values in the run of {runs.checkpoint}; raise max_length"
                )

    def close(self) -> None:
        """Give the activations back."""
        self.sets.clear()
        self.tables.clear()

    def do(self, unit: Unit) -> list[Measured]:
        """Train the probes of a stack and measure their codes."""
        stack: tuple[MdlProbe, ...] = unit.args
        task = self._task(stack)
        name, rule, units = self.work.block.name, self.work.block.rule, self.work.block.units
        train, dev, test = (self.sets[split] for split in SPLITS)
        rows: list[dict[str, Any]]
        if stack[0].code == "online":
            coded = online(train, dev, test, task, rule)
            predictions = self._predictions(coded.params, network.logits, task)
            rows = [
                online_row(name, one, self.runs, found=coded, at=at, units=units)
                for at, one in enumerate(stack)
            ]
        else:
            bayesian = variational(train, test, task, rule)
            predictions = self._predictions(bayesian.params, bayes.logits, task)
            n_targets = train.n_targets
            rows = [
                variational_row(name, one, self.runs, found=bayesian, at=at, n_targets=n_targets, units=units)
                for at, one in enumerate(stack)
            ]
        about = {
            "n_sentences": train.n_sentences,
            "n_without_tokens": sum(found.n_without_tokens for found in self.sets.values()),
            "n_without_values": sum(found.n_without_values for found in self.sets.values()),
            "n_unseen": sum(unseen_labels(self.tables["train"], self.tables["test"]).values()),
        }
        return [
            Measured(
                probe=one, rows=pa.Table.from_pylist([{**row, **about}], schema=PROBES), predictions=said
            )
            for one, row, said in zip(stack, rows, predictions, strict=True)
        ]

    def _predictions(self, params: Params, run: Logits, task: Task) -> list[pa.Table] | list[None]:
        """Of each probe of a stack, where they are kept: those of the probe of all training data."""
        if not self.work.predictions:
            return [None] * task.n_probes
        found = {split: all_logits(self.sets[split], params, run, task) for split in SCORED}
        return [
            pa.concat_tables(
                [
                    prediction_rows(split, logit_PBK[at], self.sets[split].labelled, self.runs.labels)
                    for split, logit_PBK in found.items()
                ]
            )
            for at in range(task.n_probes)
        ]

    def _task(self, stack: tuple[MdlProbe, ...]) -> Task:
        layers = self.runs.layers
        reads = [[layer in probe.reads for layer in layers] for probe in stack]
        shape = Shape(
            width=self.runs.width,
            n_layers=len(layers),
            n_spans=len(self.sets["train"].spans),
            n_labels=len(self.runs.labels),
            units=self.work.block.rule.units,
        )
        return Task(
            shape=shape,
            reads_PL=torch.tensor(reads, device=self.device),
            multi_label=self.runs.multi_label,
            seed=stack[0].seed,
            device=self.device,
        )

    def _labels(self, split: LabelledRun) -> pa.Table:
        return self.work.source.labels(split.text_id, split.label_set, split.label_hash)

    def _set(self, split: LabelledRun, table: pa.Table) -> EdgeSet:
        source = self.work.source
        places = word_places(
            source.tokens(split.tokens_id, TOKEN_COLUMNS), source.word_tokens(split.tokens_id, WORD_COLUMNS)
        )
        return edge_set(
            source,
            split.run_id,
            layers=self.runs.layers,
            table=table,
            places=places,
            labels=self.runs.labels,
            excluded=split.excluded,
            keep=self.runs.is_kept,
        )
