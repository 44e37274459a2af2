"""Held rows: for what needs every pair of rows, the rows themselves, merged by appending."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from analyses.statistics.centred import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRows:
    """Paired rows [T, D], [T, E] in memory, in parts."""

    parts: tuple[tuple[Array, Array], ...]

    @property
    def n(self) -> int:
        """Number of rows."""
        return sum(int(x_TD.shape[0]) for x_TD, _ in self.parts)

    def merge(self, other: "HeldRows") -> "HeldRows":
        """These rows, then the others."""
        return HeldRows(parts=self.parts + other.parts)

    def sides(self) -> tuple[Array, Array]:
        """All rows of each side, one array each."""
        xp = array_namespace(self.parts[0][0])
        x_TD, y_TE = (xp.concat(side, axis=0) for side in zip(*self.parts, strict=True))
        return x_TD, y_TE
