#!/usr/bin/python3
"""How often scripts/history finds change points in noise, and how many of the true ones it finds how late.

    tests/scripts/change_point_rates.py                  the tables of docs/history.md, in three minutes
    tests/scripts/change_point_rates.py --series=200     the same from fewer series

It is a tool, not a test; tests/scripts/test_change_points.py holds the rule to what it measured.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from poolmark_scripts import history_change_points as rule  # noqa: E402

POINTS = rule.WINDOW
TOLERANCE = 0.03  # the gate's for pools
STEP = 0.05
NEAR = 3  # points between a true change and one that was found
QUIET = 30  # points before a step whose delay is measured


def even(seed: int, noise: float, count: int = POINTS) -> list[float]:
    """Logarithms of ratios with normal noise and no change."""
    rng = random.Random(seed)
    return [rng.gauss(0, noise) for _ in range(count)]


def heavy(seed: int, noise: float, count: int = POINTS) -> list[float]:
    """The same with far outliers: Student's t with 2 degrees of freedom, which has no variance."""
    rng = random.Random(seed)
    return [noise * rng.gauss(0, 1) / math.sqrt(rng.expovariate(1)) for _ in range(count)]


def wandering(seed: int, noise: float, count: int = POINTS) -> list[float]:
    """The same, each point drawn half-way to the one before: what a machine does that is not the same every day."""
    values: list[float] = []
    for value in even(seed, noise, count):
        values.append(0.5 * values[-1] + value * math.sqrt(0.75) if values else value)
    return values


def stepped(values: list[float], *steps: tuple[int, float]) -> list[float]:
    """The values with changes: from that point on slower by that part."""
    return [value + sum(math.log1p(size) for place, size in steps if index >= place) for index, value in enumerate(values)]


def drifting(values: list[float], total: float) -> list[float]:
    """The values, slower bit by bit, in the end by that part."""
    return [value + math.log1p(total) * index / (len(values) - 1) for index, value in enumerate(values)]


def found(values: list[float], tolerance: float = TOLERANCE) -> list[int]:
    """Where change points are found."""
    return [cut.index for cut in rule.find(values, tolerance)]


def is_found(values: list[float], place: int, near: int = NEAR) -> bool:
    """Whether one is found near `place`."""
    return any(abs(index - place) <= near for index in found(values))


def delay(values: list[float], place: int) -> float:
    """How many points from the change on there are when it is found, looking anew at each; infinite if it never is."""
    ends = range(place + rule.LEAST_SEGMENT, len(values) + 1)
    looks = ((end, max(0, end - POINTS)) for end in ends)
    return next((end - place for end, start in looks if is_found(values[start:end], place - start)), math.inf)


def _print_noise(series: int) -> None:
    print(f"series of {POINTS} points without a change: how many have a change point, and how many had one at some time when")
    print("looked at after each point (of a tenth of the series)")
    print(f"  {'noise':24}{'any size':>18}{'at some time':>18}{f'beyond {TOLERANCE:.0%}':>18}")
    kinds: tuple[tuple[str, Callable[[int, float], list[float]]], ...] = (
        ("normal", even), ("far outliers", heavy), ("wandering", wandering),
    )  # fmt: skip
    few = series // 10
    for name, make in kinds:
        for noise in (0.01, 0.03):
            alarms = sum(bool(found(make(seed, noise), 0.0)) for seed in range(series))
            ever = sum(any(found(make(seed, noise)[:end], 0.0) for end in range(1, POINTS + 1)) for seed in range(few))
            beyond = sum(bool(found(make(seed, noise))) for seed in range(series))
            cells = (f"{alarms} of {series}", f"{ever} of {few}", f"{beyond} of {series}")
            print(f"  {f'{name}, {noise:.0%}':24}" + "".join(f"{cell:>18}" for cell in cells))


def _print_power(series: int) -> None:
    after = (4, 6, 8, 10, 25)
    print(f"\na step of {STEP:.0%}, tolerance {TOLERANCE:.0%}, {POINTS} points: share found with so many points behind the step,")
    print(f"and points until it is found after {QUIET} quiet ones, looking at each: median, 95 % of the series")
    print(f"  {'noise':6}" + "".join(f"{count:>7}" for count in after) + "    median   95 %")
    for noise in (0.01, 0.02, 0.03):
        shares = [
            sum(is_found(stepped(even(seed, noise), (place, STEP)), place) for seed in range(series)) / series
            for place in (POINTS - count for count in after)
        ]
        steps = range(series // 5)
        delays = sorted(delay(stepped(even(seed, noise, QUIET + 45), (QUIET, STEP)), QUIET) for seed in steps)
        late = delays[math.ceil(0.95 * len(delays)) - 1]
        row = "".join(f"{share:>7.0%}" for share in shares)
        print(f"  {noise:<6.0%}{row}{statistics.median(delays):>10g}{late:>7g}")


def _print_drift(series: int) -> None:
    print(f"\nslower bit by bit over {POINTS} points, noise 1 %, tolerance {TOLERANCE:.0%}:")
    print("how many series have so many change points")
    for total in (0.05, 0.1, 0.2):
        counts = Counter(len(found(drifting(even(seed, 0.01), total))) for seed in range(series))
        print(f"  by {total:<5.0%}" + ", ".join(f"{count}: {times}" for count, times in sorted(counts.items())))


def main(argv: list[str]) -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=3000, metavar="N", help="of each kind (default: 3000)")
    options = parser.parse_args(argv)
    _print_noise(options.series)
    _print_power(options.series)
    _print_drift(options.series)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
