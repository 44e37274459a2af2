"""Welch's test of two small groups of runs: is a difference larger than the spread of seeds? Pure numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

CRITICAL = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
            2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048,
            2.045, 2.042)  # fmt: skip
"""Student's t at 5 %, two-sided, for 1, 2, ... degrees of freedom; the last serves beyond, a little wide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The mean of one group less that of another."""

    value: float
    low: float | None = None
    """Of the 95 % interval; None where a group has one run alone and so no spread."""
    high: float | None = None

    @property
    def is_significant(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def welch(these: Sequence[float], others: Sequence[float]) -> Difference:
    """The difference of means with its interval (Welch 1947), degrees of freedom rounded down."""
    value = fmean(these) - fmean(others)
    if min(len(these), len(others)) < 2:
        return Difference(value=value)
    a, b = variance(these) / len(these), variance(others) / len(others)
    if a + b == 0:
        return Difference(value=value, low=value, high=value)
    freedom = (a + b) ** 2 / (a**2 / (len(these) - 1) + b**2 / (len(others) - 1))
    half = critical(math.floor(freedom)) * math.sqrt(a + b)
    return Difference(value=value, low=value - half, high=value + half)


def against_one(these: Sequence[float], other: float) -> Difference:
    """As `welch`, from one value without a spread of its own (Student 1908): one base, several trainings."""
    value = fmean(these) - other
    if len(these) < 2:
        return Difference(value=value)
    half = critical(len(these) - 1) * math.sqrt(variance(these) / len(these))
    return Difference(value=value, low=value - half, high=value + half)


def critical(freedom: int) -> float:
    """Student's t at 5 %, two-sided."""
    return CRITICAL[min(max(1, freedom), len(CRITICAL)) - 1]
