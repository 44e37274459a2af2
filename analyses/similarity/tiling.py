"""How comparisons are grouped into units of work: sides that are read together fit in memory. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from analyses.similarity.measures import Measure, forms_of
from analyses.similarity.request import Side
from analyses.statistics.prepared import Form

ROWS_PER_STEP = 4096
STEP_BYTES = 256 * 2**20
FLOAT64, FLOAT32 = 8, 4
SidePair = tuple[Side, Side]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large units of work may get."""

    grid_bytes: int = 512 * 2**20
    """Of the sums (and rows, where all are needed) of one unit."""
    flops_per_part: float = 1e12
    """Work of a part of a grid over all tokens: ten seconds or so of a core."""
    rows_per_step: int = ROWS_PER_STEP
    """Parts end where steps do."""
    parts_per_merge: int = 8


LIMITS = Limits()


def grids(
    pairs: Sequence[SidePair],
    measures: Sequence[Measure],
    held_tokens: int,
    bound_bytes: int,
) -> list[list[SidePair]]:
    """Pairs in groups that fit, few groups and each side in few of them; one pair always fits.

    `held_tokens`: rows of each side that are held.
    """
    found = list(pairs)
    if len(found) == 1 or grid_bytes(found, measures, held_tokens) <= bound_bytes:
        return [found]
    sides = [list(dict.fromkeys(pair[k] for pair in found)) for k in (0, 1)]
    longer = 0 if len(sides[0]) >= len(sides[1]) else 1
    first = set(sides[longer][: (len(sides[longer]) + 1) // 2])
    halves = [[pair for pair in found if (pair[longer] in first) == inside] for inside in (True, False)]
    return [group for half in halves for group in grids(half, measures, held_tokens, bound_bytes)]


def grid_bytes(pairs: Sequence[SidePair], measures: Sequence[Measure], held_tokens: int) -> int:
    """Memory of a grid's sums and held rows."""
    sides = sides_of(pairs)
    cells = sum(side.width**2 for side in sides) + sum(a.width * b.width for a, b in pairs)
    held = held_tokens * sum(side.width for side in sides)
    return FLOAT64 * cells * len(forms_of(measures)) + FLOAT32 * held


def grid_flops(pairs: Sequence[SidePair], measures: Sequence[Measure], n_tokens: int) -> float:
    """Floating-point operations of a grid's products; float64 counts twice."""
    products = sum(side.width**2 for side in sides_of(pairs)) + sum(2 * a.width * b.width for a, b in pairs)
    return float(n_tokens * products * sum(map(_cost, forms_of(measures))))


def sides_of(pairs: Sequence[SidePair]) -> tuple[Side, ...]:
    """The sides of some pairs, each once."""
    return tuple(dict.fromkeys(side for pair in pairs for side in pair))


def row_ranges(n_rows: int, flops: float, limits: Limits = LIMITS) -> list[tuple[int, int]]:
    """First row and row after the last of each part of a grid of so much work, on the bounds of steps."""
    step = limits.rows_per_step
    n_parts = max(1, min(int(-(-flops // limits.flops_per_part)), -(-n_rows // step)))
    rows = step * -(-n_rows // (n_parts * step))
    return [(first, min(first + rows, n_rows)) for first in range(0, n_rows, rows)]


def group_ranges(n_rows: int, n_groups: int) -> list[tuple[int, int]]:
    """Rows of each group, as many in each; a reader moves bounds to the next start of an example."""
    edges = [round(n_rows * at / n_groups) for at in range(n_groups + 1)]
    return [(a, b) for a, b in pairwise(edges) if a < b]


def rows_per_step(widths: Sequence[int], most: int = ROWS_PER_STEP) -> int:
    """Rows that are read at once: a power of two, fewer where there are many sides."""
    fitting = max(512, STEP_BYTES // (3 * FLOAT32 * sum(widths)))
    return min(most, 1 << (fitting.bit_length() - 1))


def _cost(form: Form) -> int:
    return 2 if form.exact else 1
