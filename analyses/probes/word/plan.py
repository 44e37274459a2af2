"""What a word-probing block asks for, as units of work. Pure: no store is read."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field

from actstore.schema.ports import Unit
from analyses.probes.edge.task_runs import KEPT_BYTES, TaskRuns
from analyses.probes.word.rule import WordTraining

WORKING_BYTES = 768 * 2**20
"""Probes with their moments, a batch, the tables of a task, roughly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordBlock:
    """A block with its defaults filled in."""

    name: str
    kinds: tuple[str, ...]
    seeds: tuple[int, ...]
    layers: tuple[int, ...] | None = None
    control: bool = False
    v_information: bool = False
    given: int | None = None
    """The layer that conditional information is beyond."""
    training: WordTraining = field(default_factory=WordTraining)
    kept_bytes: int = KEPT_BYTES

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    def layers_of(self, task: TaskRuns) -> tuple[int, ...]:
        """Layers that get a probe."""
        return self.layers or task.layers

    def reads_of(self, task: TaskRuns) -> tuple[int, ...]:
        """Layers that are read."""
        extra = () if self.given is None else (self.given,)
        return tuple(sorted({*self.layers_of(task), *extra}))


@dataclass(frozen=True, slots=True, kw_only=True)
class WordProbe:
    """One row of the table: a probe with those that it is read beside."""

    checkpoint: str
    layer: int
    kind: str
    seed: int

    @property
    def key(self) -> str:
        """The name of its part."""
        return f"{self.kind}~{self.checkpoint}~L{self.layer:02d}-s{self.seed}"


Stack = tuple[WordProbe, ...]


def probes_of(block: WordBlock, tasks: Sequence[TaskRuns]) -> tuple[WordProbe, ...]:
    """Every probe of a block, in the order of its table."""
    return tuple(
        WordProbe(checkpoint=task.checkpoint, layer=layer, kind=kind, seed=seed)
        for task in tasks
        for kind in block.kinds
        for seed in block.seeds
        for layer in block.layers_of(task)
    )


def units_left(
    block: WordBlock, probes: Sequence[WordProbe], tasks: Sequence[TaskRuns], done: Collection[str]
) -> tuple[Unit, ...]:
    """Units for the probes without a part: a unit a stack (a checkpoint, kind and seed).

    A unit a checkpoint, so that one scan feeds all, where its activations do not fit in memory.
    """
    out = []
    for task in tasks:
        by: dict[tuple[str, int], list[WordProbe]] = {}
        for probe in probes:
            if probe.checkpoint == task.checkpoint and probe.key not in done:
                by.setdefault((probe.kind, probe.seed), []).append(probe)
        stacks = [tuple(mine) for mine in by.values()]
        fits = task.held_bytes <= block.kept_bytes
        for unit in [(stack,) for stack in stacks] if fits else [tuple(stacks)]:
            if unit:
                weight = float(sum(len(stack) for stack in unit))
                out.append(Unit(key=unit[0][0].key, group=task.checkpoint, weight=weight, args=unit))
    return tuple(out)
