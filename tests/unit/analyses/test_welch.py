"""Differences of small groups of runs, against SciPy's tests."""

import math

import pytest
from scipy import stats

from analyses.statistics.welch import Difference, against_one, critical, welch

THESE, OTHERS = [0.81, 0.83, 0.80, 0.84], [0.78, 0.79, 0.80]


def test_two_groups() -> None:
    found = welch(THESE, OTHERS)
    freedom = stats.ttest_ind(THESE, OTHERS, equal_var=False).df
    error = math.sqrt(stats.sem(THESE) ** 2 + stats.sem(OTHERS) ** 2)
    half = stats.t.ppf(0.975, math.floor(freedom)) * error
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=1e-5)
    assert found.value == pytest.approx(0.82 - 0.79)
    assert found.is_significant


def test_a_group_against_one_value() -> None:
    found = against_one(THESE, 0.79)
    interval = stats.ttest_1samp(THESE, 0.79).confidence_interval()
    expected = (interval.low - 0.79, interval.high - 0.79)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-5)
    assert (found.is_significant, against_one(THESE, 0.81).is_significant) == (True, False)


def test_without_a_spread_nothing_is_significant() -> None:
    assert welch([0.9], OTHERS) == Difference(value=pytest.approx(0.11))
    assert against_one([0.9], 0.5) == Difference(value=pytest.approx(0.4))
    assert not against_one([0.9], 0.5).is_significant


@pytest.mark.parametrize("freedom", [1, 2, 7, 30])
def test_students_t(freedom: int) -> None:
    assert critical(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=6e-4)


def test_many_runs_have_no_narrower_interval_than_theirs() -> None:
    assert critical(10_000) >= stats.t.ppf(0.975, 10_000)
