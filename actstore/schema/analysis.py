"""AnalysisKind: an analysis that a package of somebody else's brings; LayerSample: what it gets to see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy.typing as npt
import pyarrow as pa

from actstore.errors import RequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSample:
    """The same sampled tokens of one layer of one checkpoint, or of two."""

    values: tuple[npt.NDArray[Any], ...]
    """Activations [T, D] of each checkpoint, in row order; float16 or float32, finite."""
    tokens: pa.Table
    """Their rows of the token table: example, token, row and what else `AnalysisKind.columns` names."""
    layer: int
    seed: int
    """The study's: of whatever is random."""


Measure = Callable[[LayerSample, Any], Mapping[str, float]]
"""Arrays in, named numbers out; the second argument is the kind's options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisKind:
    """Numbers for each layer of a checkpoint, or of a pair. The object of an entry point."""

    about: str
    """One sentence; stands with each result and in listings."""
    version: int
    """Raised by hand when the numbers may change: results of another version are other results."""
    of: Literal["pairs", "checkpoints"]
    """Whether it compares two checkpoints or describes one."""
    measure: Measure
    metrics: tuple[str, ...]
    """The names of the numbers that `measure` returns, in the order of the table."""
    options: type = field(default=type(None))
    """A frozen dataclass: keys of `options` in a study, types and defaults; by default there are none."""
    columns: tuple[str, ...] = ()
    """Further columns of the token table that `measure` reads (docs/format.md)."""

    def __post_init__(self) -> None:
        if not self.about or not self.metrics or self.version < 1:
            raise RequestError(
                f"an analysis {self.about!r} with metrics {self.metrics} of version {self.version}: give a "
                "sentence, one name of a number or more, and a version from 1"
            )
        if self.of not in {"pairs", "checkpoints"}:
            raise RequestError(f'an analysis of = {self.of!r}: allowed are "pairs" and "checkpoints"')

    @property
    def option_names(self) -> tuple[str, ...]:
        """The keys that `options` of a study may have."""
        return () if self.options is type(None) else tuple(item.name for item in fields(self.options))
