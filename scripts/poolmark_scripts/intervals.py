"""Where the true median lies, by exact order statistics: no distribution is assumed.

Each of n independent values is below the true median with probability 1/2, whatever they are spread like. So
the number that are below it is binomial, and the median lies between the k-th smallest and the k-th largest
value with probability 1 - 2 P(Binomial(n, 1/2) < k). From 5 values no interval reaches 95 %, from 6 on one does.
"""

from __future__ import annotations

import functools
import itertools
import math
import statistics
from dataclasses import dataclass
from typing import Sequence


@dataclass(frozen=True)
class Interval:
    """The median of some values, and between what the true one lies."""

    median: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """The larger of the two sides, as a part of the median."""
        return max(self.high - self.median, self.median - self.low) / abs(self.median) if self.median else math.inf

    def contains(self, value: float) -> bool:
        """Whether `value` may be the true median."""
        return self.low <= value <= self.high


@functools.lru_cache
def rank(count: int, confidence: float = 0.95) -> int | None:
    """The largest k for which [k-th smallest, k-th largest] of `count` values has that confidence; None if none has."""
    best, below = None, 0.0
    for k in range(1, count // 2 + 1):
        below += math.comb(count, k - 1) / 2**count
        if 1 - 2 * below < confidence:
            break
        best = k
    return best


def least_samples(confidence: float = 0.95) -> int:
    """From how many values on there is an interval of that confidence."""
    return next(count for count in itertools.count(1) if rank(count, confidence) is not None)


def median_interval(values: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Median and interval of `values`; None when there are too few for that confidence."""
    k = rank(len(values), confidence)
    if k is None:
        return None
    ordered = sorted(values)
    return Interval(statistics.median(ordered), ordered[k - 1], ordered[-k])
