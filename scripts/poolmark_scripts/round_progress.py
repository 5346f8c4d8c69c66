"""How far a run of rounds is: a live line on a terminal, lines in a pipe."""

from __future__ import annotations

import time
from typing import Any, Callable, Sequence

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from poolmark_scripts.rounds import STRETCH, Line, Samples
from poolmark_scripts.sampling import DISTURBED, FAILED
from poolmark_scripts.stopping import half_width, is_precise
from poolmark_scripts.units import clock, duration

HEARTBEAT_S = 10.0


class Position:
    """Where the run is. Knows no terminal."""

    def __init__(
        self, samples: Samples, budget_s: float | None, rounds: int | None, least_rounds: int = 0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.samples = samples
        self.number = 0
        self.latest = ""
        self._budget_s, self._rounds, self._least_rounds, self._now = budget_s, rounds, least_rounds, now
        self._began = now() - samples.spent_s
        self._running: Sequence[str] = samples.cells
        self._wall_s: dict[str, float] = {}

    def round_begins(self, number: int, names: Sequence[str]) -> None:
        """A round of these cells."""
        self.number, self._running = number, names

    def sampled(self, line: Line) -> None:
        """A sample has ended."""
        self._wall_s[line["name"]] = line["wall_s"]

    @property
    def precise(self) -> int:
        """Cells whose interval is narrow enough."""
        return sum(is_precise(self.samples.values(name)) for name in self.samples.cells)

    @property
    def part(self) -> float:
        """How much of the run is over, at least."""
        left_s = self.left_s()
        elapsed_s = self._now() - self._began
        return 0.0 if left_s is None else elapsed_s / max(1e-9, elapsed_s + left_s)

    def left_s(self) -> float | None:
        """What is left at most; None before anything is known."""
        if self._budget_s is None:
            return self._left_of_rounds(self._rounds) if self._rounds is not None else None
        elapsed_s = self._now() - self._began
        wanted_s = min(self._left_of_rounds(self._least_rounds) or 0.0, STRETCH * self._budget_s - elapsed_s)
        return max(0.0, self._budget_s - elapsed_s, wanted_s)

    def _left_of_rounds(self, number: int) -> float | None:
        if not self._wall_s:
            return None
        usual = sum(self._wall_s.values()) / len(self._wall_s)
        missing = {
            name: max(0, number - len(self.samples.counted(name)))
            for name in self.samples.cells if name not in self.samples.failed
        }  # fmt: skip
        return sum(count * self._wall_s.get(name, usual) for name, count in missing.items())

    def eta(self) -> str:
        """Of the end; an upper bound, since cells may become precise sooner."""
        left_s = self.left_s()
        return "ETA -:--" if left_s is None else f"ETA {clock(left_s)}"


def _outcome(samples: Samples, line: Line) -> str:
    """What a sample of a cell adds to what is known of it."""
    values = samples.values(line["name"])
    width = half_width(values)
    known = "" if width is None else f" ±{width:.1%}"
    return f"{line['name']}  {duration(line['entry']['real_time'])}{known}"


class LineDisplay:
    """A line a round, one for each failure, and one now and then in between: for logs and pipes."""

    def __init__(self, console: Console, position: Position, now: Callable[[], float] = time.monotonic) -> None:
        self._console, self._position, self._now = console, position, now
        self._last_line = now()
        self._disturbed = 0

    def __enter__(self) -> "LineDisplay":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def round_begins(self, number: int, names: Sequence[str]) -> None:
        """A round of these cells."""
        self._position.round_begins(number, names)
        self._disturbed = 0

    def sample_begins(self, name: str) -> None:
        """A cell is about to be measured."""
        self._position.latest = name

    def sampled(self, line: Line) -> None:
        """A sample has ended."""
        position = self._position
        position.sampled(line)
        if line["status"] == FAILED:
            self._print(f"{line['name']}: failed: {line['message']}")
        elif line["status"] == DISTURBED:
            self._disturbed += 1
        if self._now() - self._last_line >= HEARTBEAT_S:
            at = line["name"] if line["status"] == FAILED else _outcome(position.samples, line)
            self._print(f"round {position.number}: {at}  {position.eta()}")

    def round_ended(self, number: int) -> None:
        """Every cell that is running has been measured once more."""
        position = self._position
        disturbed = f", {self._disturbed} sample{'' if self._disturbed == 1 else 's'} disturbed" if self._disturbed else ""
        cells = len(position.samples.cells)
        self._print(f"round {number}: {position.precise} of {cells} cells are precise{disturbed}  {position.eta()}")

    def _print(self, line: str) -> None:
        self._last_line = self._now()
        self._console.print(line, soft_wrap=True)


class LiveDisplay:
    """One live line with a bar. It moves between samples only: drawing it takes CPU time from what is measured."""

    def __init__(self, console: Console, position: Position) -> None:
        self._console, self._position = console, position
        self._shown = ""
        self._live = Live(console=console, get_renderable=self._line, auto_refresh=False, transient=True)

    def __enter__(self) -> "LiveDisplay":
        self._live.__enter__()
        return self

    def __exit__(self, *reason: Any) -> None:
        self._live.__exit__(*reason)

    def round_begins(self, number: int, names: Sequence[str]) -> None:
        """A round of these cells."""
        self._position.round_begins(number, names)

    def sample_begins(self, name: str) -> None:
        """A cell is about to be measured."""
        self._position.latest = name
        self._live.refresh()

    def sampled(self, line: Line) -> None:
        """A sample has ended; failures are worth a line that stays."""
        self._position.sampled(line)
        if line["status"] == FAILED:
            self._console.print(f"{line['name']}: failed: {line['message']}", soft_wrap=True)
        else:
            self._shown = _outcome(self._position.samples, line)

    def round_ended(self, number: int) -> None:
        """Every cell that is running has been measured once more."""

    def _line(self) -> Table:
        position = self._position
        line = Table.grid(padding=(0, 1))
        line.add_row(
            f"round {position.number}",
            ProgressBar(total=1.0, completed=position.part, width=20),
            f"{position.precise}/{len(position.samples.cells)} precise",
            position.eta(),
            self._shown or position.latest,
        )
        return line


def display(console: Console, position: Position) -> LineDisplay | LiveDisplay:
    """The display that suits the console."""
    # A dumb terminal cannot take a line back, so it gets lines like a log.
    lives = console.is_terminal and not console.is_dumb_terminal
    return LiveDisplay(console, position) if lives else LineDisplay(console, position)
