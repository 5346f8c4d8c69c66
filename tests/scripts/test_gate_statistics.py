"""The tests behind scripts/gate, against closed forms and against scipy."""

from __future__ import annotations

import math
import random

import pytest
from poolmark_scripts.gate import statistics as tests
from scipy.stats import binomtest


@pytest.mark.parametrize("count", [1, 8, 24, 40])
def test_the_sign_test_is_the_binomial_tail(count: int) -> None:
    for beyond in range(count + 1):
        exact = binomtest(beyond, count, 0.5, alternative="greater").pvalue
        assert tests.sign_test(beyond, count) == pytest.approx(exact, rel=1e-12)


def test_so_many_blocks_are_needed() -> None:
    assert tests.needed(24, 0.01) == 19
    assert tests.needed(24, 0.01 / 20) == 21
    assert tests.needed(8, 0.05) == 7
    assert tests.needed(8, 1 / 256) == 8
    assert tests.needed(6, 0.01) is None  # 1/64 is all that six blocks can show


def test_a_value_on_the_bound_counts_against_the_finding() -> None:
    assert tests.p_above([0.02] * 8, 0.02) == 1.0
    assert tests.p_below([0.02] * 8, 0.02) == 1.0
    assert tests.p_above([0.021] * 8, 0.02) == pytest.approx(1 / 256)
    assert tests.p_below([0.019] * 8, 0.02) == pytest.approx(1 / 256)


def test_within_needs_both_sides() -> None:
    assert tests.p_within([0.0] * 8, 0.02) == pytest.approx(1 / 256)
    assert tests.p_within([-0.03] * 8, 0.02) == 1.0
    assert tests.p_within([0.03] * 8, 0.02) == 1.0
    assert tests.p_within([0.0] * 7 + [0.5], 0.02) == pytest.approx(9 / 256)


def test_what_is_detectable_is_detected_and_hardly_less() -> None:
    drawn = random.Random(5)
    for count in (8, 24, 41):
        values = [drawn.gauss(0.004, 0.02) for _ in range(count)]
        found = tests.detectable(values, 0.03, 0.01)
        assert found is not None
        middle = sorted(values)[count // 2] if count % 2 else sum(sorted(values)[count // 2 - 1 : count // 2 + 1]) / 2
        moved = [value - middle + found for value in values]
        assert tests.p_above([value + 1e-9 for value in moved], 0.03) <= 0.01
        assert tests.p_above([value - 1e-9 for value in moved], 0.03) > 0.01


def test_nothing_is_detectable_in_too_few_blocks() -> None:
    assert tests.detectable([0.0] * 6, 0.03, 0.01) is None


def test_the_rounds_that_are_needed_have_the_power_and_fewer_have_not() -> None:
    bound, shift = math.log(1.03), math.log(1.05)
    found = tests.rounds_needed(0.02, bound, shift, 0.01, step=8, least=24, most=400, power=0.95)
    drawn = random.Random(1)

    def power(count: int) -> float:
        runs = 2000
        return sum(tests.p_above([drawn.gauss(shift, 0.02) for _ in range(count)], bound) <= 0.01 for _ in range(runs)) / runs

    assert 24 < found < 400 and found % 8 == 0
    assert power(found) > 0.93
    assert power(found - 16) < 0.955


def test_rounds_have_a_least_and_a_most_number() -> None:
    assert tests.rounds_needed(0.0, 0.02, 0.04, 0.01, 8, 24, 96) == 24
    assert tests.rounds_needed(0.001, 0.02, 0.04, 0.01, 8, 24, 96) == 24
    assert tests.rounds_needed(0.5, 0.02, 0.04, 0.01, 8, 24, 96) is None
