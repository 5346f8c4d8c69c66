"""What a history shows: for each cell its series, where it changed, and how far all of it lags behind."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Sequence

from poolmark_scripts import history_change_points as rule
from poolmark_scripts.gate.model import Band
from poolmark_scripts.history_commits import Line
from poolmark_scripts.history_file import Entry, Epoch, Measured
from poolmark_scripts.intervals import Interval

SAME_PLACE = 2  # points: a change that later points place anew by so much is still the same


@dataclass(frozen=True)
class Change:
    """A change point of a cell, as ratios."""

    cell: str
    index: int  # in the window of its series
    last_before: str  # the last measured commit before it
    first_after: str  # the first measured one with it
    commits: int | None  # from the one to the other; 1: it is `first_after`. None: git does not tell
    before: float  # level, as a ratio to the reference
    after: float
    p: float
    found_after: int  # measured commits from the change on, the first included, when it was found
    stands: bool  # it is a slow-down, and the latest level still lies above the one before it by more than the tolerance
    reference_rebuilt: bool  # the reference is another build of its commit behind it

    @property
    def size(self) -> float:
        """As a part of the level before; above 0 is slower."""
        return self.after / self.before - 1


@dataclass(frozen=True)
class Series:
    """A cell in the window: what was measured at each commit that has it, and what that shows."""

    cell: str
    band: Band
    commits: tuple[str, ...]
    ratios: tuple[Interval, ...]
    changes: tuple[Change, ...]

    def levels(self) -> list[tuple[int, int, float]]:
        """The segments: first point, point behind the last, level."""
        edges = [0, *(change.index for change in self.changes), len(self.commits)]
        values = [ratio.median for ratio in self.ratios]
        return [(start, end, statistics.median(values[start:end])) for start, end in zip(edges, edges[1:])]


@dataclass(frozen=True)
class Findings:
    """Of one epoch."""

    epoch: Epoch
    line: Line
    commits: tuple[str, ...]  # measured, in order, of the whole epoch
    series: tuple[Series, ...]

    @property
    def changes(self) -> list[Change]:
        """All change points: what stands first, then the largest first."""
        found = [change for series in self.series for change in series.changes]
        return sorted(found, key=lambda change: (not change.stands, -abs(math.log1p(change.size))))

    @property
    def behind_head(self) -> int | None:
        """By how many commits HEAD is ahead of the newest measured one; None if git does not tell."""
        newest = [commit for commit in self.commits if self.line.place(commit) is not None]
        return self.line.steps(newest[-1], self.line.head) if newest else None

    @property
    def off_the_line(self) -> list[str]:
        """Measured commits that are none of HEAD's first parents."""
        return [commit for commit in self.commits if self.line.place(commit) is None] if self.line.commits else []

    def exit_status(self) -> int:
        """1 if a slow-down is still there at the end."""
        return int(any(change.stands for change in self.changes))


def examine(epoch: Epoch, line: Line) -> Findings:
    """Everything there is to say of an epoch; the same entries always say the same."""
    commits = line.ordered(entry.commit for entry in epoch.entries)
    entries: dict[str, list[Entry]] = {commit: [] for commit in commits}
    for entry in epoch.entries:
        entries[entry.commit].append(entry)
    cells = sorted({cell for entry in epoch.entries for cell in entry.cells})
    return Findings(epoch, line, tuple(commits), tuple(_series(cell, entries, line) for cell in cells))


def _series(cell: str, entries: dict[str, list[Entry]], line: Line) -> Series:
    measured = {
        commit: [entry.cells[cell] for entry in of_commit if cell in entry.cells] for commit, of_commit in entries.items()
    }
    commits = [commit for commit, found in measured.items() if found]
    ratios = [_pooled(measured[commit]) for commit in commits]
    band = measured[commits[-1]][-1].band
    values = [math.log(ratio.median) for ratio in ratios]
    start = max(0, len(values) - rule.WINDOW)
    cuts = rule.find(values[start:], band.tolerance)
    end = cuts[-1].after if cuts else 0.0
    changes = []
    for cut in cuts:
        place = start + cut.index
        before, after = commits[place - 1], commits[place]
        changes.append(Change(
            cell, cut.index, before, after, line.steps(before, after), math.exp(cut.before), math.exp(cut.after), cut.p,
            found_after=_found_after(values, place, cut.shift, band.tolerance),
            stands=cut.shift > 0 and end - cut.before > band.bound,
            reference_rebuilt=_is_rebuilt(entries[before], entries[after]),
        ))  # fmt: skip
    return Series(cell, band, tuple(commits[start:]), tuple(ratios[start:]), tuple(changes))


def _pooled(measured: Sequence[Measured]) -> Interval:
    """One value for a commit: the median of its measurements, in logarithms, so that no direction is preferred."""
    ends = ([getattr(one.ratio, name) for one in measured] for name in ("median", "low", "high"))
    return Interval(*(math.exp(statistics.median(map(math.log, values))) for values in ends))


def _found_after(values: Sequence[float], place: int, shift: float, tolerance: float) -> int:
    """How many points from `place` on were there when the change was first found, looking anew at each."""
    for end in range(place + rule.LEAST_SEGMENT, len(values)):
        start = max(0, end - rule.WINDOW)
        for cut in rule.find(values[start:end], tolerance):
            if abs(start + cut.index - place) <= SAME_PLACE and cut.shift * shift > 0:
                return end - place
    return len(values) - place


def _is_rebuilt(before: Sequence[Entry], after: Sequence[Entry]) -> bool:
    return any(one.has_rebuilt_reference(other) for one in before for other in after)
