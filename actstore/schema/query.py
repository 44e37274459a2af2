"""Query and Nearest: what is asked of a store. Block: activations of consecutive examples."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.errors import RequestError

UNITS = ("token", "word")
POOLS = ("mean", "first", "last")
K_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which stored activations, in which form."""

    checkpoints: tuple[str, ...]
    corpus: str
    layers: tuple[int, ...] | None = None
    """None: every stored layer."""
    sites: tuple[str, ...] = ()
    """Further sites by name, beside the layers."""
    where: str | None = None
    """A SQL predicate over the columns of the token, word and example tables."""
    unit: str = "token"
    pool: str = "mean"
    """How a word's tokens become one vector; for unit = 'word'."""
    limit: int | None = None
    sample: int | None = None
    """A seeded uniform sample of this many tokens or words."""
    seed: int = 0
    runs: tuple[str, ...] = ()
    """Run ids, where several runs of a checkpoint fit."""
    allow_partial: bool = False
    """Read the finished shards of runs that are not complete."""

    def __post_init__(self) -> None:
        if not self.checkpoints:
            raise RequestError("a query names at least one checkpoint")
        if self.layers == () and not self.sites:
            raise RequestError("layers = []: name at least one layer, or leave it out for all of them")
        if self.unit not in UNITS:
            raise RequestError(f"unit = {self.unit!r}: allowed are {', '.join(UNITS)}")
        if self.pool not in POOLS:
            raise RequestError(f"pool = {self.pool!r}: allowed are {', '.join(POOLS)}")
        for name in ("limit", "sample"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise RequestError(f"{name} = {value}: it must be 0 or more")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """Which stored tokens or words are nearest to one of them, at which layers of which checkpoints."""

    checkpoints: tuple[str, ...]
    corpus: str
    example: int
    position: int
    """Of the token (or word) in its example."""
    layers: tuple[int, ...] | None = None
    """None: every stored layer."""
    sites: tuple[str, ...] = ()
    k: int = 10
    where: str | None = None
    """Which candidates are compared; None: every token that is not special, or every word."""
    unit: str = "token"
    pool: str = "mean"
    runs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        Query(checkpoints=self.checkpoints, corpus=self.corpus, layers=self.layers, sites=self.sites,
              unit=self.unit, pool=self.pool)  # fmt: skip
        if not 1 <= self.k <= K_MAX:
            raise RequestError(f"k = {self.k}: allowed are 1 to {K_MAX}")
        for name in ("example", "position"):
            if getattr(self, name) < 0:
                raise RequestError(f"{name} = {getattr(self, name)}: it must be 0 or more")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Activations of consecutive examples at one site."""

    values_TD: npt.NDArray[Any]
    """float16 or float32."""
    offset_N1: npt.NDArray[np.int64]
    """Example i is the rows offset[i] to offset[i + 1]."""
    example_N: npt.NDArray[np.int64]

    @property
    def values(self) -> npt.NDArray[Any]:
        return self.values_TD

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        return self.offset_N1
