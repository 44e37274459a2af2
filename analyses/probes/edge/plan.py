"""What an edge-probing block asks for, as units of work. Pure: no store is read.

A stack is the probes of one task, checkpoint and seed. A group is what a worker reads once: the union of what
tasks over the same corpora need of one checkpoint. Where that fits in memory, a unit is a stack, so that a
group can be shared by workers; where it does not, a unit is the whole group, so that one scan feeds all.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field

from actstore.schema.ports import Unit
from analyses.probes.edge.rule import EdgeTraining
from analyses.probes.edge.task_runs import KEPT_BYTES, SPLITS, TaskRuns, reads_of

PROBES_OF_A_STACK = 16
WORKING_BYTES = 1024 * 2**20
"""Probes with their moments, the products of a step, the tables of a task, roughly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeBlock:
    """A block with its defaults filled in."""

    name: str
    modes: tuple[str, ...]
    seeds: tuple[int, ...]
    layers: tuple[int, ...] | None = None
    """Of the modes that go through layers; None: all."""
    training: EdgeTraining = field(default_factory=EdgeTraining)
    kept_bytes: int = KEPT_BYTES

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeProbe:
    """One probe; with the block and its runs it decides every number."""

    task: str
    checkpoint: str
    mode: str
    layer: int | None
    """None for the mix of all layers."""
    reads: tuple[int, ...]
    """Layers that it mixes."""
    seed: int

    @property
    def key(self) -> str:
        """The name of its part; no name has a "~"."""
        layer = "" if self.layer is None else f"-L{self.layer:02d}"
        return f"{self.task}~{self.checkpoint}~{self.mode}{layer}-s{self.seed}"


Stack = tuple[EdgeProbe, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a worker holds for the units of a group: one scan of a checkpoint's runs over three corpora."""

    tasks: tuple[TaskRuns, ...]
    layers: tuple[int, ...]
    """That some probe reads, lowest first."""

    @property
    def most_bytes(self) -> int:
        """Every row of the three splits at every stored layer, whatever is read of them."""
        first = self.tasks[0]
        return sum(first.split_bytes(split) for split in SPLITS)

    def fits(self, block: EdgeBlock) -> bool:
        """Whether all of it fits in memory, whatever the targets and layers are."""
        return self.most_bytes <= block.kept_bytes

    def task(self, name: str) -> TaskRuns:
        """One of the tasks by name."""
        return next(task for task in self.tasks if task.task == name)


def probes_of(block: EdgeBlock, tasks: Sequence[TaskRuns]) -> tuple[EdgeProbe, ...]:
    """Every probe of a block, in the order of its table."""
    return tuple(
        EdgeProbe(task=task.task, checkpoint=task.checkpoint, mode=mode, layer=layer, reads=reads, seed=seed)
        for task in tasks
        for mode in block.modes
        for seed in block.seeds
        for layer, reads in reads_of(mode, task.layers, block.layers)
    )


def readings_of(probes: Sequence[EdgeProbe], tasks: Sequence[TaskRuns]) -> dict[str, Reading]:
    """By group: tasks of one checkpoint over the same corpora, and the layers that any probe of it reads."""
    groups: dict[str, list[TaskRuns]] = {}
    for task in tasks:
        groups.setdefault(group_of(task), []).append(task)
    out = {}
    for group, mine in groups.items():
        names = {(task.task, task.checkpoint) for task in mine}
        read = {layer for one in probes if (one.task, one.checkpoint) in names for layer in one.reads}
        out[group] = Reading(tasks=tuple(mine), layers=tuple(sorted(read)))
    return out


def group_of(task: TaskRuns) -> str:
    """A checkpoint and three corpora."""
    return "~".join([task.checkpoint, *(getattr(task, split).corpus for split in SPLITS)])


def units_left(
    block: EdgeBlock,
    probes: Sequence[EdgeProbe],
    readings: dict[str, Reading],
    done: Collection[str],
) -> tuple[Unit, ...]:
    """Units for the probes without a part; done probes are not trained again."""
    out = []
    for group, reading in readings.items():
        names = {(task.task, task.checkpoint) for task in reading.tasks}
        mine = [one for one in probes if (one.task, one.checkpoint) in names and one.key not in done]
        stacks = _stacks(mine)
        units = [(stack,) for stack in stacks] if reading.fits(block) else [tuple(stacks)]
        for unit in units:
            if unit:
                weight = float(sum(len(stack) for stack in unit))
                out.append(Unit(key=f"{group}~{unit[0][0].key}", group=group, weight=weight, args=unit))
    return tuple(out)


def _stacks(probes: Sequence[EdgeProbe]) -> list[Stack]:
    by: dict[tuple[str, int], list[EdgeProbe]] = {}
    for probe in probes:
        by.setdefault((probe.task, probe.seed), []).append(probe)
    return [
        tuple(mine[first : first + PROBES_OF_A_STACK])
        for mine in by.values()
        for first in range(0, len(mine), PROBES_OF_A_STACK)
    ]
