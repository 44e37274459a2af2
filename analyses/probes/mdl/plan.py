"""What an MDL block asks for, as units of work. Pure: no store is read.

A unit is a stack: the probes of one task, checkpoint, mode, seed and code. The units of a group, a task at a
checkpoint, share the activations that a worker holds.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field

from actstore.schema.ports import Unit
from analyses.probes.mdl.rule import EdgeRule

KEPT_BYTES = 3 * 2**30
"""Activations that a worker holds in memory; a task with more reads each batch when its turn comes."""
WORKING_BYTES = 768 * 2**20
"""Probes, their moments, a batch of sentences, the tables of a task, roughly."""
SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRun:
    """A split of a task as one checkpoint's run over a corpus."""

    corpus: str
    text_id: str
    label_set: str
    label_hash: str
    run_id: str
    tokens_id: str
    n_rows: int
    excluded: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRuns:
    """A task at one checkpoint."""

    task: str
    checkpoint: str
    labels: tuple[str, ...]
    """Of all splits, sorted."""
    multi_label: bool
    """Whether some target has not exactly one label."""
    layers: tuple[int, ...]
    """Stored, lowest first."""
    width: int
    item_bytes: int
    train: LabelledRun
    dev: LabelledRun
    test: LabelledRun

    @property
    def group(self) -> str:
        """What its units are grouped by."""
        return f"{self.task} of {self.checkpoint}"

    @property
    def held_bytes(self) -> int:
        """At most: every row of the three splits at every layer."""
        n_rows = sum(split.n_rows for split in (self.train, self.dev, self.test))
        return n_rows * len(self.layers) * self.width * self.item_bytes

    @property
    def is_kept(self) -> bool:
        """Whether its activations are held in memory."""
        return self.held_bytes <= KEPT_BYTES


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


def reads_of(
    mode: str, stored: tuple[int, ...], chosen: tuple[int, ...] | None
) -> list[tuple[int | None, tuple[int, ...]]]:
    """(layer of the row, layers mixed) of each probe of a mode."""
    through = chosen or stored
    if mode == "mix":
        return [(None, stored)]
    if mode == "top":
        return [(stored[-1], stored[-1:])]
    if mode == "lexical":
        return [(stored[0], stored[:1])]
    if mode == "cumulative":
        return [(layer, tuple(one for one in stored if one <= layer)) for layer in through]
    return [(layer, (layer,)) for layer in through]


def units_left(probes: Sequence[MdlProbe], done: Collection[str]) -> Iterator[Unit]:
    """A unit for each stack that has a probe without a part; done probes are not trained again."""
    stacks: dict[tuple[str, str, str, int, str], list[MdlProbe]] = {}
    for probe in probes:
        if probe.key not in done:
            same = (probe.task, probe.checkpoint, probe.mode, probe.seed, probe.code)
            stacks.setdefault(same, []).append(probe)
    for (task, checkpoint, mode, seed, code), stack in stacks.items():
        yield Unit(
            key=f"{code}-{task}-{checkpoint}-{mode}-s{seed}",
            group=f"{task} of {checkpoint}",
            weight=float(len(stack)),
            args=tuple(stack),
        )
