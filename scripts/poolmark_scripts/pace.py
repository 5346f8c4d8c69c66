"""How steadily a CPU computes: what no counter tells of a core that is shared with others.

A virtual CPU is often one of two threads of a core, and nothing says so when the other one, which may be another
guest's, makes it slower: no time is stolen, the clock goes on. It shows in how long the same work takes.
"""

from __future__ import annotations

import time
from typing import Sequence

PROBED_S = 0.3
SETTLING_S = 0.05  # a CPU that was idle takes so long to reach its clock rate
STEPS = 10_000  # of a slice: some 0.3 ms, short beside the moods of a neighbour


def probe() -> list[int]:
    """What slices of the same work took, in ns of CPU time; being kept waiting by others here does not count."""
    began = time.monotonic()
    settled = began + SETTLING_S
    slices = []
    while (now := time.monotonic()) < began + PROBED_S:
        took = _slice()
        if now >= settled:
            slices.append(took)
    return slices


def _slice() -> int:
    started = time.thread_time_ns()
    total = 0
    for step in range(STEPS):
        total += step
    return time.thread_time_ns() - started


def spread(slices: Sequence[int]) -> float | None:
    """How much longer the slow ones took than the quick ones, a tenth of each left out; None for too few."""
    ordered = sorted(slices)
    tenth = len(ordered) // 10
    if tenth == 0:
        return None
    return ordered[-1 - tenth] / max(1, ordered[tenth]) - 1
