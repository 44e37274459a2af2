"""Analysis: what `analyse` and `report` ask of a kind of analysis, whatever it computes."""

from typing import Any, Protocol

from actstore.schema.ports import Executor, Resources
from actstore.store.results import ResultWriter
from jobs.console import Console


class FinishedAnalysis(Protocol):
    """A finished result."""

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def n_computed(self) -> int:
        """Units computed now; 0 when all of it was there."""
        ...

    def show(self, console: Console) -> None:
        """Tables and the figures' names, for a person."""
        ...

    def told(self) -> dict[str, Any]:
        """The result as JSON."""
        ...


class PlannedAnalysis(Protocol):
    """A block with its stored runs and units; nothing is computed yet."""

    @property
    def name(self) -> str: ...

    @property
    def writer(self) -> ResultWriter: ...

    @property
    def device(self) -> str:
        """auto, cpu or cuda."""
        ...

    def run(self, executor: Executor, resources: Resources, console: Console) -> FinishedAnalysis:
        """Compute what has no part yet, then store table, provenance and figures."""
        ...

    def shown(self) -> FinishedAnalysis:
        """A finished result with its figures, drawn where they are not there yet."""
        ...
