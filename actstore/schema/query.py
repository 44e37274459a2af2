"""Query: what is asked of a store. Block: activations of consecutive examples."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.errors import RequestError

UNITS = ("token", "word")
POOLS = ("mean", "first", "last")


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
