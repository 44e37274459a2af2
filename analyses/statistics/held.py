"""Held rows: for what needs every pair of rows, the rows themselves."""

from dataclasses import dataclass

from analyses.statistics.prepared import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRows:
    """Paired rows [T, D], [T, E] in memory."""

    x_TD: Array
    y_TE: Array

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.x_TD.shape[0])
