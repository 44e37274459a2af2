"""Counters of finished work on Ray's metrics endpoint, told by outcomes alone: work itself knows no Ray."""

from collections.abc import Mapping
from typing import Any

from actstore.schema.ports import Outcome

UNITS = ("actstore_units", "Units of work that ended, by state.")
MEASURED = {
    "tokens": ("actstore_tokens", "Tokens whose activations are stored."),
    "written_bytes": ("actstore_written_bytes", "Bytes of activations written."),
}
"""Keys of a result's `measured` mapping, with the counter that each adds to. Ray puts `ray_` before."""


class RayMetrics:
    """Adds outcomes up in the driver. Made before Ray is connected, as a part of the executor."""

    def __init__(self) -> None:
        self._counters: dict[str, Any] = {}

    def __call__(self, outcome: Outcome) -> None:
        self._add(*UNITS, 1, {"state": "done" if outcome.failure is None else "failed"})
        for key, value in measured(outcome.result).items():
            if key in MEASURED and value > 0:
                self._add(*MEASURED[key], value, {})

    def _add(self, name: str, description: str, value: float, tags: dict[str, str]) -> None:
        if name not in self._counters:
            # Ray reads its settings when it is imported, and `connect` makes them.
            from ray.util.metrics import Counter

            self._counters[name] = Counter(name, description=description, tag_keys=tuple(tags))
        self._counters[name].inc(value, tags=tags)


def measured(result: Any) -> Mapping[str, float]:
    """What a result tells about itself: its key or attribute `measured`, empty where it has none."""
    found = result.get("measured") if isinstance(result, Mapping) else getattr(result, "measured", None)
    return found if isinstance(found, Mapping) else {}
