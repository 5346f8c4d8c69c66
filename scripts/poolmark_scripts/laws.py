"""How a cell scales: speed-up, efficiency and Karp-Flatt's serial fraction, each with its 95 % interval."""

from __future__ import annotations

import statistics
from functools import lru_cache
from typing import Sequence

import numpy as np

from poolmark_scripts import judging
from poolmark_scripts.intervals import Interval
from poolmark_scripts.results import Cell, Results

# Below six values no exact interval of a median reaches 95 %; a ratio of two medians then has none either.
ROUNDS_OF_AN_INTERVAL = 6
SAME = 0.01  # a difference of medians that is surely below this is none


def quotient(one: Sequence[float], other: Sequence[float], labels: tuple[str, str]) -> Interval | None:
    """median(one) / median(other) and its interval, by resampling the rounds of both; None with too few rounds.

    The rounds of a cell are drawn again without looking at those of the other cell. What slowed both in the same
    round is thereby taken for two accidents, so the interval is rather too wide than too narrow. For rounds with
    normal, skewed or spiked noise it covered the true ratio in 95 to 97 % of cases with 6 to 20 rounds; joining the
    exact intervals of the two medians covers 98 to 99 % and is half as wide again. test_laws.py repeats the count.
    """
    if min(len(one), len(other)) < ROUNDS_OF_AN_INTERVAL:
        return None
    draws = median_draws(tuple(one), labels[0]) / median_draws(tuple(other), labels[1])
    low, high = judging.interval(draws)
    ratio = statistics.median(one) / statistics.median(other)
    return Interval(ratio, min(low, ratio), max(high, ratio))


@lru_cache(maxsize=512)
def median_draws(values: tuple[float, ...], label: str) -> np.ndarray:
    """judging.median_draws, remembered: a baseline is held against every cell of its workload."""
    return judging.median_draws(values, label)


def times_as_fast(cell: Cell, other: Cell) -> Interval | None:
    """How many times as fast `cell` is as `other`."""
    return quotient(other.real_times, cell.real_times, (other.name, cell.name))


def speedup(results: Results, cell: Cell) -> Interval | None:
    """Absolute speed-up: against the loop without a pool, of the same run."""
    baseline = results.baseline(cell.workload)
    if baseline is None:
        return None
    # The loop is its own measure: its speed-up is 1 and not uncertain.
    return Interval(1.0, 1.0, 1.0) if baseline is cell else times_as_fast(cell, baseline)


def relative_speedup(cell: Cell, one_worker: Cell) -> Interval | None:
    """Relative speed-up: against the same pool with one worker, which hides what the pool itself costs."""
    return times_as_fast(cell, one_worker)


def efficiency(results: Results, cell: Cell) -> Interval | None:
    """Absolute speed-up a worker."""
    found = speedup(results, cell)
    if found is None:
        return None
    return Interval(*(value / cell.workers for value in (found.median, found.low, found.high)))


def karp_flatt(results: Results, cell: Cell) -> Interval | None:
    """The serial fraction that would explain the speed-up; None for one worker and for more workers than CPUs.

    Negative means that the workers together did better than a CPU each: caches, the clock, or a bad baseline.
    """
    found = speedup(results, cell)
    if found is None or not has_serial_fraction(results, cell):
        return None
    # The fraction falls as the speed-up rises, so the ends of the interval change places.
    return Interval(*(serial_fraction(value, cell.workers) for value in (found.median, found.high, found.low)))


def has_serial_fraction(results: Results, cell: Cell) -> bool:
    """Whether Karp and Flatt's fraction means anything: several workers, and a CPU for each that needs one."""
    enough_cpus = cell.workers <= results.context["usable_cpus"] or not results.is_cpu_bound(cell.workload)
    return cell.workers > 1 and enough_cpus


def serial_fraction(speedup_: float, workers: int) -> float:
    """Karp and Flatt's experimentally determined serial fraction."""
    return (1 / speedup_ - 1 / workers) / (1 - 1 / workers)
