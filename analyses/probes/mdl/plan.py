"""What an MDL block asks for, as units of work. Pure: no store is read.

A unit is a stack: the probes of one task, checkpoint, mode, seed and code. The units of a group, a task at a
checkpoint, share the activations that a worker holds.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field

from actstore.schema.ports import Unit
from analyses.probes.edge.task_runs import TaskRuns, reads_of
from analyses.probes.mdl.rule import EdgeRule

WORKING_BYTES = 768 * 2**20
"""Probes, their moments, a batch of sentences, the tables of a task, roughly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MdlBlock:
    """A block with its defaults filled in."""

    name: str
    modes: tuple[str, ...]
    codes: tuple[str, ...]
    seeds: tuple[int, ...]
    layers: tuple[int, ...] | None = None
    """Of the modes that go through layers; None: all."""
    units: str = "bits"
    rule: EdgeRule = field(default_factory=EdgeRule)

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class MdlProbe:
    """One probe's code; with the block and its runs it decides every number."""

    task: str
    checkpoint: str
    mode: str
    layer: int | None
    """None for the mix of all layers."""
    reads: tuple[int, ...]
    """Layers that it mixes."""
    seed: int
    code: str

    @property
    def key(self) -> str:
        """The name of its part."""
        layer = "" if self.layer is None else f"-L{self.layer:02d}"
        return f"{self.code}-{self.task}-{self.checkpoint}-{self.mode}-s{self.seed}{layer}"


def probes_of(block: MdlBlock, tasks: Sequence[TaskRuns]) -> tuple[MdlProbe, ...]:
    """Every probe of a block, in the order of its table."""
    return tuple(
        MdlProbe(
            task=task.task,
            checkpoint=task.checkpoint,
            mode=mode,
            layer=layer,
            reads=reads,
            seed=seed,
            code=code,
        )
        for code in block.codes
        for task in tasks
        for mode in block.modes
        for seed in block.seeds
        for layer, reads in reads_of(mode, task.layers, block.layers)
    )


def units_left(probes: Sequence[MdlProbe], done: Collection[str]) -> tuple[Unit, ...]:
    """A unit for each stack that has a probe without a part; done probes are not trained again."""
    stacks: dict[tuple[str, str, str, int, str], list[MdlProbe]] = {}
    for probe in probes:
        if probe.key not in done:
            same = (probe.task, probe.checkpoint, probe.mode, probe.seed, probe.code)
            stacks.setdefault(same, []).append(probe)
    return tuple(
        Unit(
            key=f"{code}-{task}-{checkpoint}-{mode}-s{seed}",
            group=f"{task} of {checkpoint}",
            weight=float(len(stack)),
            args=tuple(stack),
        )
        for (task, checkpoint, mode, seed, code), stack in stacks.items()
    )
