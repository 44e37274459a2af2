"""Group: the units of a schedule that need the same thing open, and how urgent they are."""

from collections import deque
from dataclasses import dataclass, field

from actstore.schema.ports import Unit

PLACE_REFUSALS = 2
"""Workers of one place that may fail to open a group, after which the place is taken for the cause."""
MAX_PLACES = 3
"""Places that fail to open a group, after which the group itself is taken for the cause."""


@dataclass(slots=True)
class Group:
    """What of a group is not done, and who works on it."""

    pending: deque[Unit] = field(default_factory=deque)
    pending_weight: float = 0.0
    flying_weight: float = 0.0
    workers: int = 0
    """Workers that have it open, or are about to."""
    opens: bool = False
    """Whether a worker had it open."""
    refused: dict[str, set[str]] = field(default_factory=dict)
    """Workers that could not open it, by place."""

    def may_open(self, worker: str, place: str) -> bool:
        """Whether to try here: not again by the same worker, nor where others could not."""
        refused = self.refused.get(place, ())
        return worker not in refused and len(refused) < PLACE_REFUSALS

    @property
    def opens_nowhere(self) -> bool:
        """Whether so many places could not open it that another one is not worth its loading."""
        return not self.opens and len(self.refused) >= MAX_PLACES

    @property
    def share(self) -> float:
        """Work left for each of its workers; units in hand count as half done."""
        return (self.pending_weight + self.flying_weight / 2) / self.workers

    @property
    def ends_after(self) -> float:
        """When its workers end it alone; a unit is done by one worker, so they go in rounds."""
        rounds = -(-len(self.pending) // self.workers)
        return self.flying_weight / 2 / self.workers + rounds * self.pending_weight / len(self.pending)


def urgency(entry: tuple[str, Group]) -> tuple[bool, float]:
    """What to open next: groups nobody works on, the largest first; then where most is left a worker."""
    group = entry[1]
    return (True, group.pending_weight) if not group.workers else (False, group.share)
