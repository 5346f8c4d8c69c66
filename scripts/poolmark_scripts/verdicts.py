"""Whether a run can tell two cells apart, and which is the one to take."""

from __future__ import annotations

import enum
import statistics
from dataclasses import dataclass
from typing import Sequence

from poolmark_scripts import laws
from poolmark_scripts.intervals import Interval
from poolmark_scripts.results import Cell, Results

PATTERN_ORDER = ("map", "as_completed", "wait")  # of two that do as well, the simpler one to use


class Verdict(enum.Enum):
    """What the rounds say of how long one cell takes beside another."""

    LONGER = "longer"
    SHORTER = "shorter"
    SAME = "same"  # surely no further apart than laws.SAME, or not further apart than that, measured
    UNTOLD = "untold"  # the interval holds 1 and more than laws.SAME
    TOO_FEW_ROUNDS = "too few rounds"


@dataclass(frozen=True)
class Compared:
    """How many times as long one takes as the other; without an interval when there are too few rounds."""

    verdict: Verdict
    ratio: float
    interval: Interval | None

    @property
    def is_alike(self) -> bool:
        """Whether nobody should choose by it."""
        return self.verdict in (Verdict.SAME, Verdict.UNTOLD)


def compare(cell: Cell, other: Cell) -> Compared:
    """How many times as long a batch of `cell` takes as one of `other`."""
    return compare_times(cell.real_times, other.real_times, (cell.name, other.name))


def compare_times(one: Sequence[float], other: Sequence[float], labels: tuple[str, str]) -> Compared:
    """The same of any times, one a round; `labels` names the two for the seeded draws."""
    ratio = statistics.median(one) / statistics.median(other)
    interval = laws.quotient(one, other, labels)
    if interval is None:
        return Compared(Verdict.TOO_FEW_ROUNDS, ratio, None)
    if interval.low > 1 and ratio > 1 + laws.SAME:
        verdict = Verdict.LONGER
    elif interval.high < 1 and ratio < 1 - laws.SAME:
        verdict = Verdict.SHORTER
    elif not interval.contains(1.0) or (interval.low > 1 - laws.SAME and interval.high < 1 + laws.SAME):
        verdict = Verdict.SAME
    else:
        verdict = Verdict.UNTOLD
    return Compared(verdict, ratio, interval)


def warm_or_all(results: Results, workload: str) -> list[Cell]:
    """The cells that may be held against each other: where both were measured, the cold ones are left out."""
    both = results.context["pool"] == "both"
    return [cell for cell in results.of_workload(workload) if not (both and cell.pool == "cold")]


def choose(cells: Sequence[Cell]) -> Cell:
    """The cell to take: the fastest, or one that is measured as fast and is simpler."""
    fastest = min(cells, key=lambda cell: cell.median)
    as_fast = [
        cell for cell in cells
        if cell is fastest or (cell.median <= fastest.median * (1 + laws.SAME) and compare(cell, fastest).is_alike)
    ]  # fmt: skip
    return min(as_fast, key=lambda cell: (cell.workers, cell.chunksize or 0, PATTERN_ORDER.index(cell.pattern), cell.median))
