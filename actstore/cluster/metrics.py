"""Counters of finished work for Ray's metrics endpoint. What they count is told by outcomes alone."""

from collections.abc import Mapping
from typing import Any

from actstore.schema.ports import Outcome

MEASURED = {
    "tokens": ("actstore_tokens_total", "Tokens whose activations are stored."),
    "written_bytes": ("actstore_written_bytes_total", "Bytes of activations written."),
}
"""Keys of a result's `measured` mapping, with the counter that each adds to."""


class RayMetrics:
    """Adds outcomes up, on the driver's side; `prefix` ray_ is put before the names by Ray."""

    def __init__(self) -> None:
        from ray.util.metrics import Counter

        self._units = Counter("actstore_units_total", description="Units of work done.", tag_keys=("state",))
        self._measured = {
            key: Counter(name, description=description) for key, (name, description) in MEASURED.items()
        }

    def __call__(self, outcome: Outcome) -> None:
        self._units.inc(1, tags={"state": "done" if outcome.failure is None else "failed"})
        for key, value in measured(outcome.result).items():
            if key in self._measured and value > 0:
                self._measured[key].inc(value)


def measured(result: Any) -> Mapping[str, float]:
    """What a result tells about itself: its key or attribute `measured`, empty where it has none."""
    found = result.get("measured") if isinstance(result, Mapping) else getattr(result, "measured", None)
    return found if isinstance(found, Mapping) else {}
