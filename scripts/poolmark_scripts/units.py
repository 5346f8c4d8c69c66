"""Numbers as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

SIZES = (("s", 1e9), ("ms", 1e6), ("us", 1e3))


@dataclass(frozen=True)
class Unit:
    """The unit of a column of times, and the decimals that let its smallest time be told."""

    name: str
    size: float
    digits: int

    def shown(self, ns: float) -> str:
        """The number alone: the column's heading has the unit."""
        return f"{ns / self.size:.{self.digits}f}"


def common_unit(times: Sequence[float]) -> Unit:
    """For times, ns, that stand below each other: the points in line, at least three digits of the smallest."""
    smallest = min(times)
    name, size = next(((name, size) for name, size in SIZES if smallest >= size), ("ns", 1.0))
    value = smallest / size
    return Unit(name, size, 0 if value >= 100 or size == 1.0 else 1 if value >= 10 else 2)


def duration(ns: float | None) -> str:
    """A time in the unit in which it reads best, three significant digits; "-" for none."""
    if ns is None:
        return "-"
    for unit, size in SIZES:
        if ns >= size:
            value = ns / size
            digits = 2 if value < 10 else 1 if value < 100 else 0
            return f"{value:.{digits}f} {unit}"
    return f"{ns:.0f} ns"


def clock(seconds: float) -> str:
    """Seconds as m:ss."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes}:{rest:02d}"


def percent(share: float, digits: int = 0) -> str:
    """A share of 1 as sentences have it: "31 %"."""
    return f"{share * 100:.{digits}f} %"
