"""The rule that finds change points: exact where it says so, and as often right and wrong as its document says."""

from __future__ import annotations

import itertools
import math
import statistics
from typing import Sequence

import pytest
from change_point_rates import POINTS, drifting, even, found, heavy, is_found, stepped, wandering
from poolmark_scripts import history_change_points as rule

SEEDS = range(100)


def cost(values: Sequence[float], places: Sequence[int]) -> float:
    """What a partition costs, by the book."""
    edges = [0, *places, len(values)]
    segments = [values[start:end] for start, end in itertools.pairwise(edges)]
    return sum(abs(value - statistics.median(segment)) for segment in segments for value in segment)


def price(values: Sequence[float]) -> float:
    return math.log(len(values)) * statistics.median(abs(b - a) for a, b in itertools.pairwise(values))


@pytest.mark.parametrize("seed", range(30))
def test_no_partition_is_cheaper(seed: int) -> None:
    values = stepped(even(seed, 0.01, 16), (4 + seed % 3, 0.02), (9 + seed % 4, 0.012 * (-1) ** seed))
    every = [
        places
        for count in range(4)
        for places in itertools.combinations(range(1, 16), count)
        if all(end - start >= rule.LEAST_SEGMENT for start, end in itertools.pairwise([0, *places, 16]))
    ]
    cheapest = min(cost(values, places) + price(values) * len(places) for places in every)
    chosen = rule.candidates(values)
    assert cost(values, chosen) + price(values) * len(chosen) == pytest.approx(cheapest)


def test_the_p_value_is_exact() -> None:
    """Of 6 + 7 points that lie apart: 2 of the C(13, 6) orders are so extreme, and there were 6 places for the cut."""
    values = [0.001 * index for index in range(6)] + [1 + 0.001 * index for index in range(7)]
    cut = rule._test(values, 0, 6, 13)
    assert cut.p == pytest.approx(2 * 6 / math.comb(13, 6))
    assert (cut.index, cut.before, cut.after) == (6, pytest.approx(0.0025), pytest.approx(1.003))
    assert rule._test(values[::-1], 0, 7, 13).p == pytest.approx(cut.p)  # two-sided


@pytest.mark.parametrize("size", [0.05, 0.10, -0.05])
def test_a_step_is_found_where_it_is(size: float) -> None:
    for seed in SEEDS:
        cuts = rule.find(stepped(even(seed, 0.01), (30, size)), 0.03)
        assert len(cuts) == 1 and abs(cuts[0].index - 30) <= 1, seed
        assert math.expm1(cuts[0].shift) == pytest.approx(size, abs=0.015)
        assert cuts[0].p <= rule.SIGNIFICANCE


@pytest.mark.parametrize("second", [0.05, -0.05])
def test_two_steps_close_to_each_other(second: float) -> None:
    both = 0
    for seed in SEEDS:
        indices = found(stepped(even(seed, 0.01), (20, 0.05), (28, second)))
        both += len(indices) == 2 and abs(indices[0] - 20) <= 1 and abs(indices[1] - 28) <= 1
    assert both >= 98


def test_a_drift_is_no_burst() -> None:
    """By 10 % within the window: 3 steps of the tolerance would fit, at most 2 are said."""
    assert max(len(found(drifting(even(seed, 0.01), 0.10))) for seed in SEEDS) <= 2


@pytest.mark.parametrize("places", [(10,), (25, 26), (20, 21, 22), (47, 48, 49), (0, 1, 2), (5, 15, 25, 35, 45)])
def test_outliers_are_no_changes(places: tuple[int, ...]) -> None:
    for seed in range(20):
        values = even(seed, 0.01)
        for place in places:
            values[place] += 0.5
        assert found(values, 0.0) == [], seed


def test_outliers_do_not_hide_a_step() -> None:
    for seed in range(40):
        values = stepped(even(seed, 0.01), (30, 0.05))
        for place in (12, 13, 14, 40):
            values[place] += 0.3
        assert is_found(values, 30, near=1), seed


def test_noise_raises_hardly_an_alarm() -> None:
    """Measured: 2 of 1000. The tolerance takes no part in it."""
    assert sum(bool(found(even(seed, 0.03), 0.0)) for seed in range(200)) <= 1
    assert sum(bool(found(heavy(seed, 0.03), 0.0)) for seed in range(200)) <= 2


def test_a_wandering_machine_raises_some() -> None:
    """Measured: 12 %. Its points are not independent, which the test asks for; worse would need another rule."""
    assert sum(bool(found(wandering(seed, 0.03), 0.0)) for seed in range(200)) <= 30


@pytest.mark.parametrize("noise, after, share", [(0.01, 4, 0.93), (0.02, 10, 0.80), (0.02, 25, 0.95), (0.03, 25, 0.70)])
def test_power(noise: float, after: int, share: float) -> None:
    """A little less than was measured."""
    place = POINTS - after
    hits = sum(is_found(stepped(even(seed, noise), (place, 0.05)), place) for seed in SEEDS)
    assert hits >= share * len(SEEDS)


def test_a_step_at_the_end_is_found_after_the_stated_lag_and_not_before() -> None:
    for before in (8, 12, 20, 32, 46):
        needed = rule.points_needed(before)
        assert needed is not None
        # Evenly spaced, so that no order within the parts is in the way.
        values = [0.001 * (index % 3) for index in range(before)] + [0.2 + 0.001 * (index % 3) for index in range(needed)]
        assert found(values) == [before]
        assert found(values[:-1]) == []


def test_the_lag_as_it_is_stated() -> None:
    assert [rule.points_needed(before) for before in (8, 9, 13, 18, 32, 46)] == [9, 8, 6, 5, 4, 4]
    assert rule.points_needed(4) == 32
    assert [rule.points_needed(before) for before in (0, 3, 47, 60)] == [None] * 4
    assert rule.least_points() == 17


def test_what_is_within_the_tolerance_is_no_change() -> None:
    values = stepped(even(1, 0.001), (25, 0.04))
    assert found(values, 0.03) == [25]
    assert found(values, 0.05) == []


@pytest.mark.parametrize("values", [[], [0.0], [0.1] * 7, [0.0] * 50, [0.0] * 25 + [1.0] * 3])
def test_nothing_to_find(values: list[float]) -> None:
    assert found(values, 0.0) == []


def test_a_change_without_noise() -> None:
    assert found([0.0] * 25 + [0.1] * 25) == [25]


def test_the_same_series_gives_the_same_changes() -> None:
    values = stepped(even(7, 0.02), (20, 0.05), (35, -0.04))
    assert rule.find(values, 0.02) == rule.find(values, 0.02)
