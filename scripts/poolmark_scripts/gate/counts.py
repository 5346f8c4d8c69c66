"""Stage 0: what does not depend on the clock, counted in both builds before anything is measured.

A count that rises needs no statistics where the same program always counts the same, and on a noisy machine nothing
else shows 2 %. Each count says how far it may rise (counts_instructions.py, counts_calls.py, counts_bytes.py): not at
all where it is exact, by what it was seen to vary where it is not, and without limit where it says more about the
machine's moods than about the program; such a count is information.

A rise is counted again, and only the least of it is reported: the lowest count of the new build beside the highest of
the base. A kernel that works by chance, or by the clock, gives no alarm so.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Protocol, Sequence

from poolmark_scripts.gate.counts_bytes import CrossedBytes
from poolmark_scripts.gate.counts_calls import Calls, compile_library
from poolmark_scripts.gate.counts_instructions import NO_VALGRIND, Instructions
from poolmark_scripts.gate.counts_runs import Counted, NotCounted
from poolmark_scripts.gate.model import CountChange
from poolmark_scripts.one_process import Runner
from poolmark_scripts.wording import listed

AGAIN = 2  # further counts of both builds where one rises
NAMED = 3  # cells that a note names


class Counter(Protocol):
    """Counts something in a cell."""

    what: str

    def applies(self, cell: str) -> bool:
        """Whether the cell is one that it counts."""

    def count(self, program: Path, cell: str) -> list[Counted]:
        """Each thing at most once. Raises NotCounted and Interrupted."""


def count_changes(
    base: Path, new: Path, cells: Sequence[str], runner: Runner, workspace: Path, flags: Sequence[str] = ()
) -> tuple[dict[str, list[CountChange]], list[str]]:
    """What is counted of each cell in the programs `base` and `new`, and sentences about what could not be.

    `flags` are the user's, for both programs. Raises Interrupted.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    counters, notes = _counters(runner, workspace.resolve(), flags)
    changes: dict[str, list[CountChange]] = {}
    failed: dict[tuple[str, str], list[str]] = {}  # cells by what was not counted in them, and why
    for cell in cells:
        for counter in counters:
            if not counter.applies(cell):
                continue
            try:
                changes.setdefault(cell, []).extend(compare(counter, base, new, cell))
            except NotCounted as reason:
                failed.setdefault((counter.what, str(reason)), []).append(cell)
    notes += [_note(what, names, reason) for (what, reason), names in failed.items()]
    return {cell: found for cell, found in changes.items() if found}, notes


def _counters(runner: Runner, workspace: Path, flags: Sequence[str]) -> tuple[list[Counter], list[str]]:
    """Those that work here, and a sentence for each that does not."""
    counters: list[Counter] = [CrossedBytes(runner, workspace, flags)]
    notes = []
    if valgrind := Instructions.find():
        counters.append(Instructions(valgrind, runner, workspace, flags))
    else:
        notes.append(NO_VALGRIND)
    try:
        counters.append(Calls(compile_library(runner, workspace), runner, workspace, flags))
    except NotCounted as reason:
        notes.append(f"{Calls.what.capitalize()} were not counted: {reason}.")
    return counters, notes


def compare(counter: Counter, base: Path, new: Path, cell: str) -> list[CountChange]:
    """One cell in both builds; what neither does is left out. Raises NotCounted and Interrupted."""
    bases, news = [_count(counter, base, cell, "base")], [_count(counter, new, cell, "new build")]
    if any(change.has_risen for change in _changes(bases, news)):
        for _ in range(AGAIN):
            bases.append(_count(counter, base, cell, "base"))
            news.append(_count(counter, new, cell, "new build"))
    return [change for change in _changes(bases, news) if change.base or change.new]


def _count(counter: Counter, program: Path, cell: str, name: str) -> list[Counted]:
    try:
        return counter.count(program, cell)
    except NotCounted as reason:
        raise NotCounted(f"in the {name} {reason}") from None


def _changes(bases: Sequence[list[Counted]], news: Sequence[list[Counted]]) -> list[CountChange]:
    """The least rise that the counts allow to speak of; of what both builds count."""
    of_bases, of_news = _by_name(bases), _by_name(news)
    return [
        change_of(max(counted, key=_value), min(of_news[name], key=_value))
        for name, counted in of_bases.items()
        if name in of_news
    ]


def _by_name(counts: Sequence[list[Counted]]) -> dict[tuple[str, str], list[Counted]]:
    found: dict[tuple[str, str], list[Counted]] = {}
    for counted in itertools.chain.from_iterable(counts):
        found.setdefault((counted.what, counted.per), []).append(counted)
    return found


def _value(counted: Counted) -> float:
    return counted.value


def change_of(base: Counted, new: Counted) -> CountChange:
    """Both counts, and how far the second may lie above the first."""
    if base.value > 0:
        allowed = max(base.share, base.slack / base.value)
    else:
        # A rise from nothing is infinite, so it is allowed altogether or not at all.
        allowed = math.inf if new.value <= base.slack or math.isinf(base.share) else 0.0
    return CountChange(base.what, base.per, base.value, new.value, allowed)


def _note(what: str, cells: Sequence[str], reason: str) -> str:
    others = len(cells) - NAMED
    named = [*cells[:NAMED], *([f"{others} more"] if others > 0 else [])]
    return f"{what.capitalize()} were not counted of {listed(named)}: {reason}."
