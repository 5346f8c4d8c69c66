"""Numbers and names as the sentences of a report have them."""

from __future__ import annotations

from poolmark_scripts.intervals import Interval
from poolmark_scripts.results import Cell
from poolmark_scripts.units import duration

POOLS = {"thread": "thread pool", "process": "process pool", "async": "event loop", "sequential": "plain loop"}
EVENT_LOOP = "async"
WHOLE_TIMES_FROM = 100
ONE_DIGIT_FROM = 10


def pool(cell: Cell) -> str:
    """`the thread pool`, or the name of a user's own executor."""
    return f"the {POOLS[cell.executor]}" if cell.executor in POOLS else cell.executor


def named(cell: Cell) -> str:
    """A cell in words: `the thread pool, 2 workers, map`."""
    if cell.executor == "sequential":
        return "the plain loop"
    chunks = f" in chunks of {cell.chunksize}" if cell.chunksize else ""
    return f"{pool(cell)}, {crew(cell)}, {cell.pattern}{chunks}"


def crew(cell: Cell) -> str:
    """`2 workers`, or `2 at once` of an event loop, which has one thread however many tasks are under way."""
    return f"{cell.workers} at once" if cell.executor == EVENT_LOOP else workers(cell.workers)


def workers(count: int) -> str:
    """`1 worker`, `2 workers`."""
    return f"{count} worker{'' if count == 1 else 's'}"


def times(value: float) -> str:
    """A factor with as many digits as a reader can use."""
    return f"{value:.0f}" if value >= WHOLE_TIMES_FROM else f"{value:.1f}" if value >= ONE_DIGIT_FROM else f"{value:.2f}"


def times_between(interval: Interval | None) -> str:
    """` (1.87 to 1.92)` to go behind a factor; nothing without an interval."""
    return "" if interval is None else f" ({times(interval.low)} to {times(interval.high)})"


def durations_between(interval: Interval | None) -> str:
    """` (1.20 ms to 1.31 ms)` to go behind a time; nothing without an interval."""
    return "" if interval is None else f" ({duration(interval.low)} to {duration(interval.high)})"


def percent(part: float) -> str:
    """A share or a difference in percent, with a digit where it is small."""
    if abs(part) >= 0.1:
        return f"{part:.0%}"
    return f"{round(part, 3) + 0.0:.1%}"  # + 0.0: no "-0.0%"


def percent_between(interval: Interval | None) -> str:
    """A ratio's interval as differences from 1: ` (-0.3% to 1.2%)`."""
    return "" if interval is None else f" ({percent(interval.low - 1)} to {percent(interval.high - 1)})"


def listed(parts: list[str], last: str = "and") -> str:
    """`a, b and c`."""
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}" if len(parts) > 1 else parts[0]
