"""TaskRuns: a task of spans at one checkpoint, and which layers the probes of a mode mix. Pure."""

from dataclasses import dataclass

KEPT_BYTES = 3 * 2**30
"""Activations that a worker holds in memory, unless a block says otherwise."""
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
        return sum(self.split_bytes(split) for split in SPLITS)

    def split_bytes(self, split: str) -> int:
        """Every row of a split at every layer."""
        run: LabelledRun = getattr(self, split)
        return run.n_rows * len(self.layers) * self.width * self.item_bytes

    @property
    def is_kept(self) -> bool:
        """Whether its activations are held in memory."""
        return self.held_bytes <= KEPT_BYTES


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
