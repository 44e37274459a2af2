"""ReadReport: how many examples were read, and what was left out and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field

FIRST_LINES = 5


@dataclass(frozen=True, slots=True)
class Skipped:
    """Lines (or whatever the unit is) that gave no example, for one reason."""

    reason: str
    count: int
    first_lines: tuple[int | str, ...]
    """Numbers, from 1, of the first few, or their names."""
    unit: str = "line"
    """What is numbered or named, in the singular."""


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What came out of a corpus file; whole once its examples are exhausted."""

    examples: int
    skipped: tuple[Skipped, ...] = ()
    noted: Mapping[str, int] = field(default_factory=dict)
    """Things that were read in a way worth telling, by name: multi-word tokens, empty nodes."""

    def __str__(self) -> str:
        return ", ".join([f"{self.examples} examples", *self.remarks()])

    def remarks(self) -> list[str]:
        """What was left out, and what else is worth telling."""
        left_out = [f"{item.count} {item.reason} skipped ({_places(item)})" for item in self.skipped]
        noted = [f"{count} {name}" for name, count in self.noted.items()]
        return [*left_out, *noted]


class Tally:
    """Counts while a file is being read; `report` gives what it has so far."""

    def __init__(self) -> None:
        self._examples = 0
        self._skipped: dict[str, Skipped] = {}
        self._noted: dict[str, int] = {}

    def example(self) -> None:
        self._examples += 1

    def skip(self, reason: str, line: int | str, unit: str = "line") -> None:
        before = self._skipped.get(reason, Skipped(reason, 0, (), unit))
        first = before.first_lines if before.count >= FIRST_LINES else (*before.first_lines, line)
        self._skipped[reason] = Skipped(reason, before.count + 1, first, unit)

    def note(self, name: str, count: int = 1) -> None:
        if count:
            self._noted[name] = self._noted.get(name, 0) + count

    def report(self) -> ReadReport:
        return ReadReport(self._examples, tuple(self._skipped.values()), dict(self._noted))


def _places(item: Skipped) -> str:
    more = ", ..." if item.count > len(item.first_lines) else ""
    return f"{item.unit}{'s' if item.count > 1 else ''} {', '.join(map(str, item.first_lines))}{more}"
