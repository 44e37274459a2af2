"""What a structural-probing block asks for, as units of work. Pure: no store is read.

A unit is a stack: probes of one checkpoint, kind, rank and seed, one for each layer of a group. The units of
a group share what a worker holds in memory: its layers of all three splits are read once for all of them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field

from actstore.errors import RequestError
from actstore.schema.ports import Unit
from analyses.probes.structural.rule import TrainingRule

KEPT_BYTES = 3 * 2**30
"""Activations and probes that a worker holds in memory."""
COPIES_OF_A_PROBE = 6
"""Its map, gradient, two moments, the best map so far, and one in the making."""
BATCH_BYTES = 256 * 2**20
"""What a batch of sentences, its distances and the tables of a treebank take, roughly."""
SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRun:
    """A split as one checkpoint's run over a corpus."""

    corpus: str
    text_id: str
    labels: str
    """Hash of the label set `words`."""
    run_id: str
    tokens_id: str
    n_words: int
    excluded: tuple[int, ...] = ()
    """Examples that some run holds no values for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedCheckpoint:
    """A checkpoint with the layers asked for and its run over each split."""

    name: str
    layers: tuple[int, ...]
    width: int
    item_bytes: int
    """Of a stored value as it is read: 2 or 4."""
    train: SplitRun
    dev: SplitRun
    test: SplitRun

    @property
    def n_words(self) -> int:
        """Of all splits."""
        return sum(split.n_words for split in (self.train, self.dev, self.test))

    @property
    def layer_bytes(self) -> int:
        """All words at one layer."""
        return self.n_words * self.width * self.item_bytes

    def probe_bytes(self, block: "StructuralBlock") -> int:
        """One probe of the block's highest rank in training."""
        return COPIES_OF_A_PROBE * self.width * max(rank or self.width for rank in block.ranks) * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuralBlock:
    """A block with its defaults filled in."""

    name: str
    kinds: tuple[str, ...]
    ranks: tuple[int | None, ...]
    """None: the layer's width."""
    seeds: tuple[int, ...]
    pool: str = "mean"
    punctuation: str = "xpos"
    self_distances: bool = True
    undefined: str = "exclude"
    training: TrainingRule = field(default_factory=TrainingRule)

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One probe; with the block and its runs it decides every number."""

    checkpoint: str
    kind: str
    rank: int
    seed: int
    layer: int

    @property
    def key(self) -> str:
        """The name of its part."""
        return f"{self.kind}-{self.checkpoint}-r{self.rank:04d}-s{self.seed}-L{self.layer:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a worker holds for the units of a group."""

    checkpoint: ProbedCheckpoint
    layers: tuple[int, ...]
    kept: bool
    """Whether words are held in memory; else each batch is read when its turn comes."""

    def memory_bytes(self, block: StructuralBlock) -> int:
        """What a worker needs beyond its libraries; one layer twice, while it is read."""
        held = self.checkpoint.layer_bytes * (len(self.layers) + 1) if self.kept else 0
        return held + self.checkpoint.probe_bytes(block) * len(self.layers) + BATCH_BYTES


def probes_of(block: StructuralBlock, checkpoints: Sequence[ProbedCheckpoint]) -> tuple[Probe, ...]:
    """Every probe of a block, in the order of its table. Raises RequestError for a rank above the width."""
    for checkpoint in checkpoints:
        for rank in block.ranks:
            if rank is not None and rank > checkpoint.width:
                raise RequestError(
                    f'structural_probe "{block.name}": rank = {rank}, but the layers of {checkpoint.name} '
                    f"have {checkpoint.width} units; a map of more rows is the full one: leave rank out"
                )
    return tuple(
        Probe(checkpoint=checkpoint.name, kind=kind, rank=rank or checkpoint.width, seed=seed, layer=layer)
        for kind in block.kinds
        for checkpoint in checkpoints
        for rank in block.ranks
        for seed in block.seeds
        for layer in checkpoint.layers
    )


def readings_of(
    block: StructuralBlock, checkpoints: Sequence[ProbedCheckpoint], kept_bytes: int = KEPT_BYTES
) -> dict[str, Reading]:
    """By group: as many layers of a checkpoint as fit in memory, all of them where one alone does not."""
    out = {}
    for checkpoint in checkpoints:
        probe_bytes = checkpoint.probe_bytes(block)
        kept = checkpoint.layer_bytes + probe_bytes <= kept_bytes
        at_once = max(1, kept_bytes // (probe_bytes + checkpoint.layer_bytes * kept))
        for first in range(0, len(checkpoint.layers), at_once):
            layers = checkpoint.layers[first : first + at_once]
            group = f"{checkpoint.name}-L{layers[0]:02d}-L{layers[-1]:02d}"
            out[group] = Reading(checkpoint=checkpoint, layers=layers, kept=kept)
    return out


def units_left(
    probes: Sequence[Probe], readings: dict[str, Reading], done: Collection[str]
) -> tuple[Unit, ...]:
    """A unit for each stack that has a probe without a part; done probes are not trained again."""
    return tuple(_units(probes, readings, done))


def _units(probes: Sequence[Probe], readings: dict[str, Reading], done: Collection[str]) -> Iterator[Unit]:
    for group, reading in readings.items():
        stacks: dict[tuple[str, int, int], list[Probe]] = {}
        for probe in probes:
            mine = probe.checkpoint == reading.checkpoint.name and probe.layer in reading.layers
            if mine and probe.key not in done:
                stacks.setdefault((probe.kind, probe.rank, probe.seed), []).append(probe)
        for (kind, rank, seed), stack in stacks.items():
            key = f"{kind}-{group}-r{rank:04d}-s{seed}"
            yield Unit(key=key, group=group, weight=float(len(stack)), args=tuple(stack))
