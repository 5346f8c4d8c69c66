"""Intervals of medians: the exact ranks, and how often they hold the truth."""

from __future__ import annotations

import math
import random

import pytest
from poolmark_scripts.intervals import Interval, median_interval, rank


@pytest.mark.parametrize(
    "count, expected", [(5, None), (6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (15, 4), (17, 5), (20, 6), (25, 8), (50, 18)]
)
def test_ranks_are_those_of_the_binomial_tables(count: int, expected: int | None) -> None:
    assert rank(count) == expected


@pytest.mark.parametrize("confidence, fewest", [(0.5, 2), (0.9, 5), (0.95, 6), (0.99, 8)])
def test_from_how_many_values_on_there_is_an_interval(confidence: float, fewest: int) -> None:
    assert median_interval([1.0] * (fewest - 1), confidence) is None
    assert median_interval([1.0] * fewest, confidence) == Interval(1.0, 1.0, 1.0)


def test_of_nothing_there_is_none() -> None:
    assert median_interval([]) is None and median_interval([1.0]) is None


def test_the_order_of_the_values_does_not_matter() -> None:
    values = [5.0, 1.0, 9.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0]
    assert median_interval(values) == Interval(5.0, 2.0, 8.0)
    assert values[0] == 5.0


def test_the_half_width_is_the_larger_side() -> None:
    assert Interval(100.0, 99.0, 103.0).half_width == pytest.approx(0.03)
    assert Interval(100.0, 95.0, 103.0).half_width == pytest.approx(0.05)
    assert Interval(0.0, -1.0, 1.0).half_width == math.inf


@pytest.mark.parametrize("count", [6, 9, 14, 30])
def test_at_least_95_percent_hold_the_truth(count: int) -> None:
    rng = random.Random(count)
    runs = 4000
    held = sum(
        median_interval([rng.lognormvariate(0.0, 0.5) for _ in range(count)]).contains(1.0) for _ in range(runs)
    )
    assert held / runs > 0.94  # 0.95, less three standard errors
