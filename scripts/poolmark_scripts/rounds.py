"""A run: every cell once a round, each sample in a fresh process, in an order drawn anew for each round."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass, field
from typing import Any, Protocol, Sequence

from poolmark_scripts.journal import Journal
from poolmark_scripts.sampling import DISTURBED, FAILED
from poolmark_scripts.stopping import BUDGET, INTERRUPTED, PRECISE, ROUNDS, Stop, half_width, is_precise
from poolmark_scripts.stopping import FAILED as STOPPED_BY_FAILURE

MOST_TRIES = 3  # of a cell in a round, while it is disturbed
# Beside one for each cell. When so many samples are repeats, the machine is not disturbed now and then: it is busy.
# More repeats would only take away rounds; what is measured counts then, and says that it was disturbed.
MOST_REPEATS = 1 / 3
# A budget that may be stretched grows to so many times itself, for as many rounds as an interval takes.
STRETCH = 2.0

Line = dict[str, Any]


class BudgetTooSmall(Exception):
    """The budget was spent before every cell had been measured once; the text is the sentence the user reads."""


class Sampling(Protocol):
    """What measures (sampling.Sampler)."""

    def measure(self, name: str) -> Line: ...


class Display(Protocol):
    """Who is told how the run goes on (round_progress)."""

    def round_begins(self, number: int, names: Sequence[str]) -> None: ...
    def sample_begins(self, name: str) -> None: ...
    def sampled(self, line: Line) -> None: ...
    def round_ended(self, number: int) -> None: ...


@dataclass
class Samples:
    """What has been measured, by cell and round. The last try of a round counts, whatever disturbed it."""

    cells: Sequence[str]
    lines: list[Line] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    tries: dict[str, dict[int, list[Line]]] = field(default_factory=dict)  # by cell and round

    def add(self, line: Line) -> None:
        """Takes a line of the journal."""
        self.lines.append(line)
        if line["status"] == FAILED:
            self.failed.add(line["name"])
        else:
            self.tries.setdefault(line["name"], {}).setdefault(line["round"], []).append(line)

    def of(self, name: str, number: int) -> list[Line]:
        """The tries of a cell in a round."""
        return self.tries.get(name, {}).get(number, [])

    def counted(self, name: str) -> list[Line]:
        """The samples of a cell that count, by round."""
        return [lines[-1] for lines in self.tries.get(name, {}).values()]

    def repeated(self) -> list[Line]:
        """The disturbed samples that were measured again and do not count, in the order of measuring."""
        again = [line for rounds in self.tries.values() for lines in rounds.values() for line in lines[:-1]]
        return sorted(again, key=lambda line: line["index"])

    def values(self, name: str, last_round: float = math.inf) -> list[float]:
        """The times of a cell, by round."""
        return [line["entry"]["real_time"] for line in self.counted(name) if line["round"] <= last_round]

    @property
    def last_round(self) -> int:
        """The latest round in which something was measured; 0 before the first."""
        return max((line["round"] for line in self.lines), default=0)

    @property
    def spent_s(self) -> float:
        """When the last sample ended, since the run began."""
        return self.lines[-1]["started_s"] + self.lines[-1]["wall_s"] if self.lines else 0.0


class Run:
    """Measures until every cell is precise, has failed, or nothing more may be spent."""

    def __init__(
        self, samples: Samples, sampler: Sampling, journal: Journal, display: Display, seed: int,
        budget_s: float | None, rounds: int | None, least_rounds: int = 0,
    ) -> None:  # fmt: skip
        """`samples` may hold what was measured before; `rounds` measures so many and asks for no precision.

        `budget_s` is stretched for `least_rounds`.
        """
        self.samples = samples
        self.stops: dict[str, Stop] = {}
        self._sampler, self._journal, self._display, self._seed = sampler, journal, display, seed
        self._budget_s, self._rounds, self._least_rounds = budget_s, rounds, least_rounds
        self._began = time.monotonic() - samples.spent_s

    @property
    def elapsed_s(self) -> float:
        """Since the run began; what passed before it was resumed does not count."""
        return time.monotonic() - self._began

    def measure(self) -> None:
        """Measures to the end. Raises Interrupted, BudgetTooSmall, JournalError, NotMeasured."""
        number = 0
        resumed_at = self.samples.last_round
        while running := [name for name in self.samples.cells if name not in self.stops]:
            number += 1
            if self._rounds is not None and number > self._rounds:
                return self._stop_all(ROUNDS)
            within_budget = number < resumed_at or self._measure_round(number, running)
            self._decide(number, running)
            if not within_budget:
                return self._stop_all(BUDGET)

    def give_up(self) -> None:
        """What was still running has been interrupted."""
        self._stop_all(INTERRUPTED)

    def _measure_round(self, number: int, running: list[str]) -> bool:
        """Measures each once, and again what was disturbed; False if the budget ended it."""
        if number > 1 and self._is_spent(number):
            return False
        order = list(running)
        random.Random(f"{self._seed} {number}").shuffle(order)
        self._display.round_begins(number, order)
        first = [name for name in order if not self.samples.of(name, number) and name not in self.samples.failed]
        for place, name in enumerate(first):
            if self._is_spent(number):
                if number == 1:
                    raise BudgetTooSmall(self._too_small(len(order) - len(first) + place, len(order)))
                return False
            self._measure(number, name)
        while again := [name for name in order if self._is_worth_repeating(number, name)]:
            for name in again:
                if self._is_spent(number):
                    return False
                if self._is_worth_repeating(number, name):
                    self._measure(number, name)
        self._display.round_ended(number)
        return True

    def _measure(self, number: int, name: str) -> None:
        self._display.sample_begins(name)
        started_s = self.elapsed_s
        measured = self._sampler.measure(name)
        line = {"round": number, "index": len(self.samples.lines), "started_s": started_s, **measured}
        self._journal.add(line)
        self.samples.add(line)
        self._display.sampled(line)

    def _is_worth_repeating(self, number: int, name: str) -> bool:
        tries = self.samples.of(name, number)
        if name in self.samples.failed or not tries or tries[-1]["status"] != DISTURBED or len(tries) >= MOST_TRIES:
            return False
        repeats = len(self.samples.repeated())
        return repeats < len(self.samples.cells) + MOST_REPEATS * len(self.samples.lines)

    def _decide(self, number: int, running: list[str]) -> None:
        for name in running:
            if name in self.samples.failed:
                self._stop(name, STOPPED_BY_FAILURE)
            elif self._rounds is None and is_precise(self.samples.values(name, number)):
                self._stop(name, PRECISE)

    def _stop(self, name: str, reason: str) -> None:
        values = self.samples.values(name)
        self.stops[name] = Stop(reason, len(values), half_width(values))

    def _stop_all(self, reason: str) -> None:
        for name in self.samples.cells:
            if name not in self.stops:
                self._stop(name, STOPPED_BY_FAILURE if name in self.samples.failed else reason)

    def _is_spent(self, number: int) -> bool:
        if self._budget_s is None:
            return False
        # What one round does not fit into is too small, and no stretching makes it anything else.
        stretched = 1 < number <= self._least_rounds
        return self.elapsed_s >= self._budget_s * (STRETCH if stretched else 1.0)

    def _too_small(self, measured: int, of: int) -> str:
        assert self._budget_s is not None
        needed = self.elapsed_s / max(1, measured) * of
        return (
            f"the budget of {self._budget_s:g} s was spent when {measured} of {of} cells had been measured once; one "
            f"round needs about {needed:.0f} s. Nothing is lost: go on with --resume and a larger --budget, or "
            "measure fewer cells."
        )
