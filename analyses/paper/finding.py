"""Finding: one statement of the paper beside what a study found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

Row = Mapping[str, Any]
Verdict = Literal["same direction", "differs", "not comparable", "not there yet"]
MISSING: Verdict = "not there yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A statement, our numbers and the verdict."""

    exhibit: str
    statement: str
    """In our words, with the paper's number where it gives one."""
    ours: str
    verdict: Verdict
    reason: str = ""
    of_tasks: bool = True
    """Whether it is about fine-tuned models; else about the base and random weights alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What is known of a study's checkpoints."""

    task_of: Mapping[str, str]
    base_of: Mapping[str, str]
    n_layers: int
    """Of the base."""
    randoms: frozenset[str] = frozenset()
    """Checkpoints with random weights."""

    def kind_of(self, checkpoint: str) -> str | None:
        """A checkpoint's task; 'random', or 'base' of one that others were trained from; else None."""
        if checkpoint in self.randoms:
            return "random"
        base = "base" if checkpoint in self.base_of.values() else None
        return self.task_of.get(checkpoint, base)

    def at(self, layer_of_12: int) -> int:
        """The layer as deep as one of the paper's twelve."""
        return max(1, round(layer_of_12 * self.n_layers / 12))


def missing(exhibit: str, statement: str, what: str) -> Finding:
    """A statement for which the study has no numbers."""
    return Finding(exhibit=exhibit, statement=statement, ours="–", verdict=MISSING, reason=what)  # noqa: RUF001


def judged(exhibit: str, statement: str, ours: str, *, same: bool, reason: str = "") -> Finding:
    """A statement whose direction the study has, or has not."""
    verdict: Verdict = "same direction" if same else "differs"
    return Finding(exhibit=exhibit, statement=statement, ours=ours, verdict=verdict, reason=reason)


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that are there, None where none is."""
    there = [value for value in values if value is not None]
    return fmean(there) if there else None
