"""Ports: what a part may ask of another. Each has two or more real implementations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.schema.tokens import TokenBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One piece of work: small enough to send anywhere, whole enough to restart."""

    key: str
    """Unique within one map."""
    group: str
    """What has to be open to do it (a checkpoint, a corpus); a worker opens a group once."""
    weight: float = 1.0
    """Relative cost, for the schedule and the progress."""
    args: Any = None
    """Small, frozen, picklable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What one worker asks for."""

    cpus: float = 1.0
    gpus: float = 0.0
    threads: int = 1
    """Compute threads of a worker process (OMP_NUM_THREADS)."""
    memory_bytes: int = 0
    """Upper bound of a worker's memory beyond its libraries; 0: not stated."""
    overlap: int = 1
    """How many units one worker may have in hand at once, each in a thread of its own."""
    ahead: bool = False
    """Whether a worker opens the next group while it does the last units of the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a unit failed, without the exception object (which may not unpickle elsewhere)."""

    kind: str
    """Class name of the exception."""
    message: str
    request_error: bool = False
    """Whether the request was at fault (exit code 2) rather than the work."""
    details: str = ""
    """Traceback, for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a unit: a result or a failure."""

    unit: Unit
    result: Any = None
    failure: Failure | None = None
    attempts: int = 1
    worker: str = ""


class Task(Protocol):
    """An open group inside a worker."""

    def do(self, unit: Unit) -> Any:
        """Do one unit and return a small result. Called from `overlap` threads at once."""
        ...

    def close(self) -> None:
        """Give back what was opened."""
        ...


class Work(Protocol):
    """A picklable description of work; heavy things are built by `open`, inside the worker."""

    def open(self, group: str) -> Task: ...


class Executor(Protocol):
    """Runs units somewhere. Implementations: Ray actors, and one process."""

    @property
    def n_workers(self) -> int: ...

    def map(self, work: Work, units: Sequence[Unit], resources: Resources) -> Iterator[Outcome]:
        """Yield one outcome a unit, in the order they end. A lost worker's units are done again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorInfo:
    """What an extractor is: for identity, receipts and buffers."""

    sites: tuple[str, ...]
    widths: tuple[int, ...]
    environment: Mapping[str, Any] = field(default_factory=dict)


class Extractor(Protocol):
    """A loaded checkpoint. Implementations: torch, and a fake for tests."""

    @property
    def info(self) -> ExtractorInfo: ...

    def forward(self, batch: TokenBatch) -> Mapping[str, npt.NDArray[np.float32]]:
        """Each site's activations [T, D] of the batch's tokens in order, without padding."""
        ...

    def close(self) -> None: ...


class LabelSource(Protocol):
    """Where an analysis reads annotations. Picklable. Implementations: store, and tables in memory."""

    def labels(self, text_id: str, name: str, hash_: str) -> pa.Table:
        """One label set of a text: of spans, `words`, `examples`, or a column of its treebank as spans."""
        ...


class TextSource(Protocol):
    """Where an analysis reads words as their source has them. Picklable; implementations as LabelSource."""

    def words(self, text_id: str, columns: Sequence[str]) -> pa.Table:
        """Columns of a text's word table, by example and word."""
        ...


class ActivationSource(Protocol):
    """Where an analysis reads. Picklable. Implementations: store, Flight, HTTP."""

    def tokens(self, tokens_id: str, columns: Sequence[str], rows: tuple[int, int] | None = None) -> pa.Table:
        """Columns of a tokenisation's token table, in row order; of all rows or from a first to an end."""
        ...

    def word_tokens(self, tokens_id: str, columns: Sequence[str]) -> pa.Table:
        """Columns of a tokenisation's word table, by example and word."""
        ...

    def gather(self, run_id: str, site: str, row_T: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Activations [T, D] of the given rows, in that order; float16 or float32."""
        ...

    def scan(
        self, run_id: str, site: str, *, rows_per_step: int
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]]:
        """All used rows in order, in steps: (rows [T], activations [T, D])."""
        ...
