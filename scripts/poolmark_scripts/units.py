"""Numbers as people read them."""

from __future__ import annotations


def duration(ns: float | None) -> str:
    """A time in the unit in which it reads best, three significant digits; "-" for none."""
    if ns is None:
        return "-"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
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
