"""METG, the minimum effective task granularity: the shortest tasks that a system still runs efficiently.

Defined by Task Bench (Slaughter et al., SC20). The *granularity* of a run is wall time x cores / tasks: what a
task took, overhead included. METG(50 %) is the smallest one at which half of that is work. The work alone is
called *grain* here; where the efficiency is e, granularity = grain / e.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Sequence

import numpy as np

LEVELS = (0.5, 0.9)
REPLICATES = 1000
CONFIDENCE = 0.95
FEW_ROUNDS = 3  # with fewer there is no interval
# Where METG / (2 x overhead of a task) should lie. A task with an overhead of o on a core of its own has half of
# its time for work when it works for o, so the ratio is 1; where the caller hands out alone and workers wait for
# it, 0.5; and when the overhead of empty tasks is not that of others, more or less.
PLAUSIBLE = (0.3, 3.0)


@dataclass(frozen=True)
class Bound:
    """A time that was found, or the end of what was measured beyond which it lies: below < 0 < above."""

    ns: float
    beyond: int = 0  # -1: smaller than ns, 1: larger than ns, 0: it is ns

    @property
    def found(self) -> bool:
        """Whether it is a number."""
        return self.beyond == 0


@dataclass(frozen=True)
class Metg:
    """METG at one level of efficiency, as granularity and as grain, with an interval of the granularity."""

    level: float
    granularity: Bound
    grain: Bound
    low: Bound | None = None
    high: Bound | None = None


def isotonic(values: Sequence[float]) -> np.ndarray:
    """The nondecreasing sequence nearest to `values` in the mean square: neighbours that fall are averaged."""
    blocks: list[list[float]] = []  # sum, count
    for value in values:
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    return np.repeat([total / count for total, count in blocks], [int(count) for _, count in blocks])


def crossing(grains: np.ndarray, efficiencies: np.ndarray, level: float) -> tuple[Bound, Bound]:
    """Where nondecreasing `efficiencies` reach `level`, as (granularity, grain); log-linear between neighbours.

    Where they never do, or do from the finest grain on, it is no number but the end of what was measured.
    """
    above = int(np.searchsorted(efficiencies, level, side="left"))
    if above == 0:
        return _end(grains[0], efficiencies[0], -1)
    if above == len(grains):
        return _end(grains[-1], efficiencies[-1], 1)
    lower, upper = efficiencies[above - 1], efficiencies[above]
    part = (level - lower) / (upper - lower)
    grain = math.exp((1 - part) * math.log(grains[above - 1]) + part * math.log(grains[above]))
    return Bound(grain / level), Bound(grain)


def _end(grain: float, efficiency: float, beyond: int) -> tuple[Bound, Bound]:
    return Bound(float(grain / efficiency), beyond), Bound(float(grain), beyond)


def metgs(grains: Sequence[float], rounds: np.ndarray, seed: int, levels: Sequence[float] = LEVELS) -> list[Metg]:
    """METG at each level from efficiencies, a row a round and a column a grain in ascending order.

    The interval comes from drawing whole rounds anew, because what disturbs a round disturbs all of its grains.
    With fewer than FEW_ROUNDS there is none.
    """
    ascending = np.asarray(grains, dtype=float)
    fitted = isotonic(np.median(rounds, axis=0))
    replicates = _replicates(rounds, seed) if len(rounds) >= FEW_ROUNDS else []
    made = []
    for level in levels:
        granularity, grain = crossing(ascending, fitted, level)
        low = high = None
        if replicates:
            drawn = sorted((crossing(ascending, one, level)[0] for one in replicates), key=_place)
            tail = (1 - CONFIDENCE) / 2
            low, high = drawn[int(tail * len(drawn))], drawn[math.ceil((1 - tail) * len(drawn)) - 1]
        made.append(Metg(level, granularity, grain, low, high))
    return made


def _replicates(rounds: np.ndarray, seed: int) -> list[np.ndarray]:
    chosen = np.random.default_rng(seed).integers(len(rounds), size=(REPLICATES, len(rounds)))
    return [isotonic(row) for row in np.median(rounds[chosen], axis=1)]


def _place(bound: Bound) -> tuple[int, float]:
    return bound.beyond, bound.ns


def overhead_per_task(sizes: Sequence[int], times_ns: Sequence[float]) -> float | None:
    """ns of wall time that one more empty task takes: the median of the slopes between any two batches (Theil-Sen).

    What a batch costs once, as waking the workers, is not in it. None if there are no two sizes.
    """
    slopes = [
        (times_ns[j] - times_ns[i]) / (sizes[j] - sizes[i])
        for i in range(len(sizes)) for j in range(i) if sizes[i] != sizes[j]
    ]  # fmt: skip
    return float(np.median(slopes)) if slopes else None


def plausible(ratio: float) -> bool:
    """Whether METG(50 %) / (2 x overhead of a task on its core) is what theory allows."""
    return PLAUSIBLE[0] <= ratio <= PLAUSIBLE[1]
