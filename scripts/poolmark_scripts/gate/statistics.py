"""Exact tests on paired ratios: nothing is assumed of the times but that a block is as likely to lie on either side
of its median.

A ratio of two samples that were taken one right after the other keeps its sign whatever the machine does to both. How
many of n such ratios lie beyond a bound is binomial with 1/2 if the bound is their median, so the test needs no normal
distribution, no variance, and no equal spread, and no outlier can do more than one block's worth of harm.
"""

from __future__ import annotations

import math
from typing import Sequence


def sign_test(beyond: int, count: int) -> float:
    """P(at least `beyond` of `count` fair coins show heads): how often so many blocks lie beyond their median."""
    return sum(math.comb(count, k) for k in range(beyond, count + 1)) / 2**count


def needed(count: int, significance: float) -> int | None:
    """The fewest of `count` blocks that must lie beyond a bound for a p of at most `significance`; None if all of
    them are too few."""
    return next((k for k in range(count + 1) if sign_test(k, count) <= significance), None)


def p_above(values: Sequence[float], bound: float) -> float:
    """The p-value of "their median lies above the bound". A value on the bound counts against it."""
    return sign_test(sum(value > bound for value in values), len(values))


def p_below(values: Sequence[float], bound: float) -> float:
    """The p-value of "their median lies below the bound"."""
    return sign_test(sum(value < bound for value in values), len(values))


def p_within(values: Sequence[float], bound: float) -> float:
    """The p-value of "their median lies between -bound and bound": two one-sided tests, of which the larger counts."""
    return max(p_below(values, bound), p_above(values, -bound))


def detectable(values: Sequence[float], bound: float, significance: float) -> float | None:
    """How far the median must lie above 0 for values spread like these to be found above the bound; None if so few
    values never are.

    The values are moved until just enough of them lie beyond the bound. What is a shift of log ratios here is a change
    of the ratio for the user.
    """
    k = needed(len(values), significance)
    if k is None:
        return None
    ordered = sorted(values, reverse=True)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    kth = ordered[max(k, 1) - 1] - middle
    return bound - kth


def rounds_needed(
    spread: float, bound: float, shift: float, significance: float, step: int, least: int, most: int, power: float = 0.95
) -> int | None:
    """The fewest blocks, a multiple of `step`, that show a median of `shift` to lie above `bound` with that probability;
    None if not even `most` do.

    `spread` is the standard deviation of a block's log ratio, taken for normal: a guess at what it costs to find
    something, in no way a part of the test.
    """
    if spread <= 0:
        return least
    beyond = 0.5 * math.erfc((bound - shift) / (spread * math.sqrt(2)))
    for count in range(least, most + 1, step):
        k = needed(count, significance)
        if k is not None and 1 - _below(k, count, beyond) >= power:
            return count
    return None


def _below(k: int, count: int, chance: float) -> float:
    """P(Binomial(count, chance) < k)."""
    return sum(math.comb(count, j) * chance**j * (1 - chance) ** (count - j) for j in range(k))
