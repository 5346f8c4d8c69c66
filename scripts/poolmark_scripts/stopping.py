"""When a cell has been measured often enough.

A rule that looks after every sample and stops at the first interval that is narrow enough stops too often at one
that is narrow by luck, and such intervals miss the truth more often than they say. What seeded draws say of three
rules (1500 runs each of normal, log-normal, exponential, spiked and two-humped times, with spreads of 0.3 % to 3 %;
at most 40 rounds): the share of 95 % intervals that hold the true median, in the worst and the mean case, and the
rounds that a cell takes whose times spread by 0.7 %:

    narrow once             0.92 in the worst case   0.95 in the mean   9 rounds
    narrow twice in a row   0.93                     0.96              10 rounds
    looks at 8, 12, 18, 27  0.94                     0.97              12 rounds

The second is used. tests/scripts/test_stopping.py holds it to 0.92.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from poolmark_scripts.intervals import median_interval

PRECISION = 0.01  # of the median, to either side
LOOKS_IN_A_ROW = 2

PRECISE, BUDGET, ROUNDS, FAILED, INTERRUPTED = "precise", "budget", "rounds", "failed", "interrupted"


@dataclass(frozen=True)
class Stop:
    """Why a cell was not measured further, and how well it is known."""

    reason: str
    rounds: int
    half_width: float | None  # of the interval, as a part of the median; None: too few samples for one

    def as_json(self) -> dict[str, Any]:
        """For the results file; what is not known is left out."""
        known = {} if self.half_width is None else {"half_width": self.half_width}
        return {"reason": self.reason, "rounds": self.rounds, **known}


def half_width(values: Sequence[float]) -> float | None:
    """Half the width of the interval of their median, as a part of it; None for too few values."""
    interval = median_interval(values)
    return interval.half_width if interval else None


def is_precise(values: Sequence[float]) -> bool:
    """Whether the interval of the median, in the order of measuring, is narrow now and was so one sample ago."""
    widths = [half_width(values[: len(values) - back]) for back in range(LOOKS_IN_A_ROW)]
    return all(width is not None and width <= PRECISION for width in widths)
