"""Points: what one [[ablation]] block trains, a point for each number of layers and seed. Pure."""

from dataclasses import dataclass, replace

from actstore.errors import RequestError
from analyses.tuning.settings import TrainSettings, default_settings
from jobs.study.ablation import NONE, Ablation
from jobs.training.settings import KEYS

FREEZE, TRUNCATE, TRUNCATE_FROZEN = "freeze", "truncate", "truncate-frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One training: which layers are kept, and which of them are frozen."""

    kind: str
    n_layers: int | None
    """Frozen or kept layers; None: nothing is frozen."""
    seed: int

    @property
    def key(self) -> str:
        """What its part is called."""
        return f"{NONE if self.n_layers is None else self.n_layers}-s{self.seed}"

    @property
    def n_frozen(self) -> int | None:
        """Layers that are replaced by stored activations; None where the model trains whole."""
        return None if self.kind == TRUNCATE else self.n_layers

    @property
    def keep_layers(self) -> int | None:
        """Layers that are kept; None: all."""
        return None if self.kind == FREEZE else self.n_layers


def points_of(block: Ablation, n_layers: int) -> tuple[Point, ...]:
    """Every point of a block over a base of so many layers; seeds the fastest. Raises RequestError."""
    if isinstance(block.layers, str):
        numbers: list[int | None] = list(range(n_layers + 1))
        wanted = [None, *numbers] if block.kind == FREEZE else numbers
    else:
        wanted = [None if isinstance(item, str) else item for item in block.layers]
    above = [item for item in wanted if item is not None and item > n_layers]
    if above:
        raise RequestError(
            f'[[ablation]] "{block.name}": layers has {above[0]}; the base has {n_layers} layers, so allowed '
            f"are 0 (the embeddings) to {n_layers}" + (', and "none"' if block.kind == FREEZE else "")
        )
    return tuple(
        Point(kind=block.kind, n_layers=item, seed=seed)
        for item in wanted
        for seed in dict.fromkeys(block.seeds)
    )


def point_settings(block: Ablation, seed: int) -> TrainSettings:
    """The task's recipe with what the study says. Raises RequestError."""
    given = {key: value for key in KEYS if (value := getattr(block, key)) is not None}
    return replace(default_settings(block.task), **given, seed=seed)
