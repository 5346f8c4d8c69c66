"""The rule that ends the measuring of a cell, and what it does to the intervals."""

from __future__ import annotations

import random
import statistics
from typing import Callable

import pytest
from poolmark_scripts.intervals import median_interval
from poolmark_scripts.stopping import PRECISE, Stop, half_width, is_precise

MOST_ROUNDS = 40


def test_five_samples_are_never_enough() -> None:
    assert half_width([1.0] * 5) is None and not is_precise([1.0] * 5)


def test_the_interval_must_be_narrow_twice_in_a_row() -> None:
    assert not is_precise([1.0] * 6)
    assert is_precise([1.0] * 7)
    assert not is_precise([1.0] * 6 + [1.1])  # of 7 values the interval is all of them
    narrow_at_nine_alone = [1.0] * 3 + [1.1] + [1.0] * 5
    assert half_width(narrow_at_nine_alone[:8]) > 0.01
    assert half_width(narrow_at_nine_alone) <= 0.01
    assert not is_precise(narrow_at_nine_alone)
    assert is_precise(narrow_at_nine_alone + [1.0])


def test_one_percent_counts() -> None:
    assert is_precise([100, 100, 100, 100, 101, 99, 100])
    assert not is_precise([100, 100, 100, 100, 101.1, 99, 100])


def test_what_is_not_known_is_left_out() -> None:
    assert Stop(PRECISE, 7, 0.004).as_json() == {"reason": "precise", "rounds": 7, "half_width": 0.004}
    assert Stop("budget", 3, None).as_json() == {"reason": "budget", "rounds": 3}


Draw = Callable[[random.Random, float], float]
SHAPES: dict[str, Draw] = {
    "normal": lambda rng, spread: rng.gauss(1.0, spread),
    "skewed": lambda rng, spread: 1.0 + spread * (rng.lognormvariate(0.0, 0.9) - 1.0),
    "spiked": lambda rng, spread: rng.gauss(1.0, spread) + (rng.random() < 0.15) * 10 * spread * rng.expovariate(1.0),
    "two humps": lambda rng, spread: rng.gauss(1.0, 0.2 * spread) + (rng.random() < 0.4) * 2 * spread,
}


def measured(draw: Draw, spread: float, rng: random.Random) -> list[float]:
    """The samples of one cell by the rule."""
    values: list[float] = []
    while len(values) < MOST_ROUNDS and not is_precise(values):
        values.append(draw(rng, spread))
    return values


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spread", [0.004, 0.01, 0.02])
def test_stopping_early_leaves_the_intervals_honest(shape: str, spread: float) -> None:
    rng = random.Random(f"{shape} {spread}")
    truth = statistics.median(SHAPES[shape](rng, spread) for _ in range(40_000))
    runs = 700
    held = sum(median_interval(measured(SHAPES[shape], spread, rng)).contains(truth) for _ in range(runs))
    assert held / runs > 0.92, f"{held} of {runs}"
