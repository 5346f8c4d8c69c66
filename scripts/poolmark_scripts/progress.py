"""How far a run is: from the events of the measuring program to an ETA, on a terminal or in lines."""

from __future__ import annotations

import statistics
import time
from typing import Any, Callable

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from poolmark_scripts.units import clock, duration

HEARTBEAT_S = 10.0


class Tracker:
    """Counts samples and estimates what is left. Knows no terminal."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._started = self._last = now()
        self._left_at_last: float | None = None
        self.times: dict[str, list[float]] = {}
        self.failed: dict[str, int] = {}
        self.repetitions = 0
        self.latest = ""

    def plan(self, cells: list[str], repetitions: int) -> None:
        """What is going to be measured; the clock of the estimate starts."""
        self.times = {name: [] for name in cells}
        self.failed = dict.fromkeys(cells, 0)
        self.repetitions = repetitions
        self._started = self._last = self._now()

    def take(self, event: dict[str, Any]) -> bool:
        """Takes a sample or failure; True if its cell is complete with it."""
        name = event["name"]
        if name not in self.times:  # a cell outside of the plan cannot be counted
            return False
        if event["event"] == "sample":
            self.times[name].append(float(event["real_time"]))
        else:
            self.failed[name] += 1
        self.latest = name
        self._last = self._now()
        self._left_at_last = self._estimate()
        return self._ended(name) == self.repetitions

    @property
    def done(self) -> int:
        """Repetitions that ended."""
        return sum(self._ended(name) for name in self.times)

    @property
    def total(self) -> int:
        """Repetitions of the whole run."""
        return len(self.times) * self.repetitions

    def complete_cells(self) -> int:
        """Cells all of whose repetitions ended."""
        return sum(self._ended(name) >= self.repetitions for name in self.times)

    def seconds_left(self) -> float | None:
        """Estimate of the time left; None before the first repetition ended."""
        if self._left_at_last is None:
            return None
        return max(0.0, self._left_at_last - (self._now() - self._last))

    def _ended(self, name: str) -> int:
        return len(self.times[name]) + self.failed[name]

    def _estimate(self) -> float | None:
        known = {name: statistics.fmean(times) for name, times in self.times.items() if times}
        if not known:
            return None
        # Cells not yet seen are taken to be as long as the mean of those seen.
        usual = statistics.fmean(known.values())
        measured = sum(sum(times) for times in self.times.values()) / 1e9
        left = sum((self.repetitions - self._ended(name)) * known.get(name, usual) for name in self.times) / 1e9
        # Warming up and checking take time too: scale by what a measured second has cost so far.
        return left * max(1.0, (self._last - self._started) / measured) if measured else left


class LineDisplay:
    """A line for each cell that is complete, and one now and then in between: for logs and pipes."""

    def __init__(self, console: Console, tracker: Tracker, now: Callable[[], float] = time.monotonic) -> None:
        self._console, self._tracker, self._now = console, tracker, now
        self._last_line = now()

    def __enter__(self) -> "LineDisplay":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def planned(self) -> None:
        """The plan is known."""
        tracker = self._tracker
        self._print(f"measuring {len(tracker.times)} cells, {tracker.repetitions} repetitions each")

    def advanced(self, event: dict[str, Any], complete: bool) -> None:
        """A repetition ended; `complete` if it was the last of its cell."""
        tracker, name = self._tracker, event["name"]
        if event["event"] == "failure":
            self._print(f"{name}: failed: {event['message']}")
        elif complete:
            width = len(str(len(tracker.times)))
            median = duration(statistics.median(tracker.times[name]))
            self._print(f"[{tracker.complete_cells():{width}d}/{len(tracker.times)}] {name}  {median}{self._eta()}")
        elif self._now() - self._last_line >= HEARTBEAT_S:
            self._print(f"{tracker.done} of {tracker.total} repetitions{self._eta()}")

    def _eta(self) -> str:
        left = self._tracker.seconds_left()
        return "" if left is None else f"  ETA {clock(left)}"

    def _print(self, line: str) -> None:
        self._last_line = self._now()
        self._console.print(line, soft_wrap=True)


class LiveDisplay:
    """One live line with a bar and an ETA: for terminals."""

    def __init__(self, console: Console, tracker: Tracker) -> None:
        self._console, self._tracker = console, tracker
        self._live = Live(console=console, get_renderable=self._line, refresh_per_second=4, transient=True)

    def __enter__(self) -> "LiveDisplay":
        self._live.__enter__()
        return self

    def __exit__(self, *reason: Any) -> None:
        self._live.__exit__(*reason)

    def planned(self) -> None:
        """The plan is known."""

    def advanced(self, event: dict[str, Any], complete: bool) -> None:
        """A repetition ended; failures are worth a line that stays."""
        if event["event"] == "failure":
            self._console.print(f"{event['name']}: failed: {event['message']}", soft_wrap=True)

    def _line(self) -> Table:
        tracker = self._tracker
        left = tracker.seconds_left()
        line = Table.grid(padding=(0, 1))
        line.add_row(
            "measuring",
            ProgressBar(total=max(1, tracker.total), completed=tracker.done, width=24),
            f"{tracker.done}/{tracker.total}",
            f"ETA {clock(left) if left is not None else '-:--'}",
            tracker.latest,
        )
        return line


def display(console: Console, tracker: Tracker) -> LineDisplay | LiveDisplay:
    """The display that suits the console."""
    # A dumb terminal cannot take a line back, so it gets lines like a log.
    lives = console.is_terminal and not console.is_dumb_terminal
    return LiveDisplay(console, tracker) if lives else LineDisplay(console, tracker)
