"""The statistics behind scripts/compare: small, exact where it can be, and without a random verdict."""

from __future__ import annotations

import zlib
from functools import lru_cache
from math import comb
from typing import Sequence

import numpy as np

BOOTSTRAP_DRAWS = 4000
CONFIDENCE = 0.95


@lru_cache(maxsize=None)
def _rank_sum_counts(larger: int, smaller: int) -> tuple[int, ...]:
    """How many orders of `larger` + `smaller` values have U = 0, 1, ... (pairs in which the first wins)."""
    if larger == 0 or smaller == 0:
        return (1,)
    counts = [0] * (larger * smaller + 1)
    for u, ways in enumerate(_rank_sum_counts(larger - 1, smaller)):
        counts[u + smaller] += ways  # the greatest value is one of the first: it wins against all others
    for u, ways in enumerate(_rank_sum_counts(larger, smaller - 1)):
        counts[u] += ways
    return tuple(counts)


def p_greater(values: Sequence[float], reference: Sequence[float]) -> float:
    """Exact one-sided Mann-Whitney p-value for "`values` tend to be greater than `reference`".

    A tie counts for the null hypothesis, so the value is never too small.
    """
    u = int(np.sum(np.asarray(values)[:, None] > np.asarray(reference)[None, :]))
    counts = _rank_sum_counts(len(values), len(reference))
    return sum(counts[u:]) / comb(len(values) + len(reference), len(values))


def smallest_p(count: int, reference_count: int) -> float:
    """The p-value of samples that do not overlap at all: no smaller one can come out."""
    return 1 / comb(count + reference_count, count)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number by Holm's step-down rule, in the order given."""
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def median_draws(values: Sequence[float], label: str) -> np.ndarray:
    """Medians of resampled `values`: what other medians these repetitions could have given.

    The draws depend on `label` alone, so the same file always yields the same interval.
    """
    rng = np.random.default_rng(zlib.crc32(label.encode()))
    picks = rng.integers(0, len(values), size=(BOOTSTRAP_DRAWS, len(values)))
    return np.median(np.asarray(values, dtype=float)[picks], axis=1)


def interval(draws: np.ndarray) -> tuple[float, float]:
    """The central CONFIDENCE part of the draws."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)
