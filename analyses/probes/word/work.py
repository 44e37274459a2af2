"""WordWork: trains stacks of word probes from one scan and measures them. Reads through a source alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import WorkError
from actstore.schema.ports import ActivationSource, LabelSource, TextSource, Unit
from analyses.probes.device import torch_device
from analyses.probes.edge.target_set import TargetSet, target_set
from analyses.probes.edge.task_runs import SPLITS, LabelledRun, TaskRuns
from analyses.probes.scan.feed import Feed, Needed
from analyses.probes.scan.pools import Layout, pools_of_splits
from analyses.probes.word.control import control_labels, word_types
from analyses.probes.word.plan import Stack, WordBlock, WordProbe
from analyses.probes.word.rows import PROBES, measured
from analyses.probes.word.stack import Variant, WordShape, WordStack
from analyses.probes.word.training import Found, Pupil, Scan, fit, measure
from analyses.probes.word.word_set import WordSet
from analyses.readers.targets import unseen_labels
from analyses.readers.word_places import TOKEN_COLUMNS, WORD_COLUMNS, WordPlaces, word_places

Ints = npt.NDArray[np.int64]
NOTHING = Variant(reads=(None,))


class WordSource(ActivationSource, LabelSource, TextSource, Protocol):
    """Activations, labels and words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished probe."""

    probe: WordProbe
    rows: pa.Table
    predictions: pa.Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordWork:
    """Picklable; implements the port Work. A group is a checkpoint."""

    source: WordSource
    block: WordBlock
    tasks: Mapping[str, TaskRuns]
    """By checkpoint."""
    device: str = "auto"

    def open(self, group: str) -> "WordGroup":
        return WordGroup(self, self.tasks[group])


class WordGroup:
    """The words of three splits and their activations; implements the port Task."""

    def __init__(self, work: WordWork, task: TaskRuns) -> None:
        self.work, self.task, self.block = work, task, work.block
        self.device = torch_device(work.device)
        self.layers = work.block.reads_of(task)
        self.places = {split: self._places(getattr(task, split)) for split in SPLITS}
        tables = {split: self._labels(getattr(task, split)) for split in SPLITS}
        self.n_unseen = sum(unseen_labels(tables["train"], tables["test"]).values())
        targets = {split: self._targets(split, table) for split, table in tables.items()}
        types, self.n_types = word_types({split: self._texts(split, targets[split]) for split in SPLITS})
        self.words = {
            split: WordSet(targets=found, label_V=found.label_BK.argmax(axis=1), type_V=types[split])
            for split, found in targets.items()
        }
        self.feeds = self._feeds()

    def close(self) -> None:
        """Give the activations back."""
        self.feeds.clear()
        self.words.clear()

    def do(self, unit: Unit) -> list[Done]:
        """Train and measure the probes of some stacks, all from the same scan."""
        stacks: tuple[Stack, ...] = unit.args
        pupils = [pupil for stack in stacks for pupil in self._pupils(stack).values()]
        train, dev = self._scan("train"), self._scan("dev")
        fit(pupils, train, dev)
        each = len(pupils) // len(stacks)
        return [
            done
            for number, stack in enumerate(stacks)
            for done in self._measured(stack, pupils[number * each : (number + 1) * each])
        ]

    def _variants(self, probes: Stack) -> dict[int, dict[tuple[str, int | None], Variant]]:
        """By width, each probe that is trained, by what it is and its layer."""
        place = {layer: at for at, layer in enumerate(self.layers)}
        alone: dict[tuple[str, int | None], Variant] = {}
        for probe in probes:
            alone["label", probe.layer] = Variant(reads=(place[probe.layer],))
            if self.block.control:
                alone["control", probe.layer] = Variant(reads=(place[probe.layer],), control=True)
        if self.block.v_information:
            alone["nothing", None] = NOTHING
        if self.block.given is None:
            return {1: alone}
        given = place[self.block.given]
        beside: dict[tuple[str, int | None], Variant] = {("given", None): Variant(reads=(given, None))}
        for probe in probes:
            beside["beside", probe.layer] = Variant(reads=(given, place[probe.layer]))
        return {1: alone, 2: beside}

    def _pupils(self, probes: Stack) -> dict[int, Pupil]:
        first, n_labels = probes[0], len(self.task.labels)
        control = control_labels(self.n_types, self.words["train"].label_V, n_labels, first.seed)
        return {
            width: Pupil(
                stack=WordStack(
                    variants=tuple(variants.values()),
                    shape=WordShape(
                        kind=first.kind,
                        width=width * self.task.width,
                        n_labels=n_labels,
                        hidden=self.block.training.hidden,
                    ),
                    seed=first.seed,
                    rule=self.block.training,
                    device=self.device,
                ),
                control_of_type=control,
            )
            for width, variants in self._variants(probes).items()
        }

    def _measured(self, probes: Stack, pupils: list[Pupil]) -> list[Done]:
        found: dict[str, dict[tuple[str, int | None], Found]] = {"dev": {}, "test": {}}
        for pupil, variants in zip(pupils, self._variants(probes).values(), strict=True):
            for split, mine in found.items():
                mine.update(zip(variants, measure(pupil, self._scan(split)), strict=True))
        names = list(self._variants(probes)[1])
        about = self._about(pupils[0].control_of_type)
        out = []
        for probe in probes:
            test = {what: one for (what, layer), one in found["test"].items() if layer in {None, probe.layer}}
            at = names.index(("label", probe.layer))
            row = {
                **about,
                "checkpoint": probe.checkpoint,
                "layer": probe.layer,
                "kind": probe.kind,
                "seed": probe.seed,
                **measured(test),
                "dev_accuracy": found["dev"]["label", probe.layer].accuracy,
                "n_epochs": pupils[0].stack.states[at].n_evaluations,
                "best_epoch": pupils[0].stack.states[at].best_at,
            }
            out.append(Done(probe=probe, rows=pa.Table.from_pylist([row], schema=PROBES)))
        return out

    def _about(self, control_of_type: Ints) -> dict[str, Any]:
        """What the rows of a unit have in common."""
        train, test = self.words["train"], self.words["test"]
        control_V = control_of_type[test.type_V]
        return {
            "name": self.block.name,
            "task": self.task.task,
            "given": self.block.given,
            "majority": _majority(train.label_V, test.label_V),
            "control_majority": _majority(control_of_type[train.type_V], control_V),
            "n_words": test.n_words,
            "n_train_words": train.n_words,
            "n_labels": len(self.task.labels),
            "n_types": self.n_types,
            "n_without_tokens": sum(one.targets.n_without_tokens for one in self.words.values()),
            "n_without_values": sum(one.targets.n_without_values for one in self.words.values()),
            "n_unseen": self.n_unseen,
            "streamed": self.feeds["train"].is_streamed,
        }

    def _scan(self, split: str) -> Scan:
        return Scan(words=self.words[split], feed=self.feeds[split], device=self.device)

    def _labels(self, run: LabelledRun) -> pa.Table:
        return self.work.source.labels(run.text_id, run.label_set, run.label_hash)

    def _places(self, run: LabelledRun) -> WordPlaces:
        source = self.work.source
        tokens = source.tokens(run.tokens_id, TOKEN_COLUMNS)
        return word_places(tokens, source.word_tokens(run.tokens_id, WORD_COLUMNS))

    def _targets(self, split: str, table: pa.Table) -> TargetSet:
        run: LabelledRun = getattr(self.task, split)
        found = target_set(table, self.places[split], self.task.labels, run.excluded)
        if not found.n_targets:
            raise WorkError(
                f"word probe {self.block.name}, {split} ({run.corpus}): of {len(table)} words none has "
                f"tokens and values in the run of {self.task.checkpoint}; raise max_length"
            )
        return found

    def _texts(self, split: str, targets: TargetSet) -> list[str]:
        """The word that each target's first span begins with."""
        words = self.work.source.words(getattr(self.task, split).text_id, ("example", "word", "text"))
        first = np.searchsorted(words.column("example").to_numpy(), targets.examples)
        texts: list[str] = words.column("text").take(pa.array(first + targets.start_B)).to_pylist()
        return texts

    def _feeds(self) -> dict[str, Feed]:
        n_bytes = {split: self.task.split_bytes(split) for split in SPLITS}
        n_pools = pools_of_splits(n_bytes, self.block.kept_bytes)
        feeds = {}
        for split, words in self.words.items():
            row_R, example_R = words.targets.rows()
            run_id = getattr(self.task, split).run_id
            needed = Needed(run_id=run_id, layers=self.layers, row_R=row_R, example_R=example_R)
            places = self.places[split]
            layout = Layout.of_words(places.example_W, places.n_tokens_W, n_pools[split])
            feeds[split] = Feed(self.work.source, needed, layout)
        return feeds


def _majority(train_V: Ints, test_V: Ints) -> float:
    """Share of the most frequent training label among the test words."""
    return float((test_V == np.bincount(train_V).argmax()).mean())
