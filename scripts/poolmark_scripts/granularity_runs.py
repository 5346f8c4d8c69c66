"""Runs bench/granularity: a fresh process for each subject, in rounds whose order is drawn anew."""

from __future__ import annotations

import ctypes
import json
import random
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Sequence

from poolmark_scripts.granularity_results import GranularityResults, Sample, Subject, judge
from poolmark_scripts.rounds import STRETCH

PR_SET_PDEATHSIG = 1
LONGEST_SAMPLE_S = 120.0  # usual ones take 1 to 3 s
MOST_ATTEMPTS = 3  # of a subject in a round

_libc = ctypes.CDLL(None, use_errno=True)


class ProgramError(Exception):
    """The program did not do what it was asked for; the text says what it said."""


@dataclass
class Plan:
    """What a run does."""

    rounds: int
    budget_s: float
    seed: int
    grains: Sequence[int]  # lengths of tasks in ns
    limit_s: float = LONGEST_SAMPLE_S
    # For so many rounds the budget is stretched: with fewer nothing has an interval.
    least_rounds: int = 0

    def budget_for(self, number: int) -> float:
        """The time at which a round of that number has to have ended."""
        return self.budget_s * (STRETCH if number <= self.least_rounds else 1.0)


@dataclass
class Progress:
    """Where a run is, for whoever shows it."""

    round: int
    rounds: int
    done: int
    subjects: int
    latest: str
    repeated: int
    elapsed_s: float
    left_s: float | None


@dataclass
class Run:
    """A run in progress. Interrupt it anywhere: `results` holds what was measured."""

    program: Path
    results: GranularityResults
    plan: Plan
    show: Callable[[Progress], None]
    _pace: dict[int, float] = field(default_factory=dict)
    _began: float = 0.0
    _repeated: int = 0

    def measure(self) -> None:
        """Calibrates, then measures round after round until all are done or the budget would not suffice for another."""
        self._began = time.monotonic()
        cores = sorted({subject.cores for subject in self.results.subjects.values()})
        counts = ",".join(map(str, cores))
        self._pace = {int(count): pace for count, pace in self._ask(["--calibrate", f"--workers={counts}"]).items()}
        drawn = random.Random(self.plan.seed)
        for number in range(1, self.plan.rounds + 1):
            began = time.monotonic()
            self._round(number, drawn)
            self._repeat_rejected([number], drawn)
            if self._elapsed() + (time.monotonic() - began) > self.plan.budget_for(number + 1):
                break
        # Later rounds may have moved the reference so far that earlier ones do not count any more.
        self._repeat_rejected(range(1, number + 1), drawn)

    def _round(self, number: int, drawn: random.Random) -> None:
        order = self._alive()
        drawn.shuffle(order)
        for done, subject in enumerate(order):
            self._show(number, done, len(order), subject.name)
            self._sample(subject, number, attempt=1)

    def _repeat_rejected(self, rounds: Sequence[int], drawn: random.Random) -> None:
        while again := self._rejected(rounds):
            drawn.shuffle(again)
            for done, (subject, number, attempts) in enumerate(again):
                if self._elapsed() > self.plan.budget_for(max(rounds)):
                    return
                self._repeated += 1
                self._show(number, done, len(again), subject.name)
                self._sample(subject, number, attempts + 1)

    def _rejected(self, rounds: Sequence[int]) -> list[tuple[Subject, int, int]]:
        """(subject, round, attempts) without an accepted sample. All are judged again: each changes the reference a little."""
        judge(self.results.samples, self.results.subjects)
        attempts: dict[tuple[str, int], int] = {}
        accepted = set()
        for sample in self.results.samples:
            key = sample.subject, sample.round
            attempts[key] = attempts.get(key, 0) + 1
            if not sample.rejected:
                accepted.add(key)
        return [
            (subject, number, attempts[subject.name, number])
            for subject in self._alive() for number in rounds
            if (subject.name, number) not in accepted and 0 < attempts.get((subject.name, number), 0) < MOST_ATTEMPTS
        ]  # fmt: skip

    def _alive(self) -> list[Subject]:
        failed = {failure["subject"] for failure in self.results.failures}
        return [subject for name, subject in self.results.subjects.items() if name not in failed]

    def _sample(self, subject: Subject, number: int, attempt: int) -> None:
        grains = ",".join(map(str, self.plan.grains))
        started = time.monotonic()
        try:
            said = self._ask(
                [f"--subject={subject.name}", f"--grains={grains}", f"--ns-per-step={self._pace[subject.cores]:.6f}"]
            )
            points = said["points"]
        except (ProgramError, KeyError) as error:
            self.results.failures.append({"subject": subject.name, "round": number, "message": str(error)})
            return
        self.results.samples.append(Sample(
            subject.name, number, attempt, len(self.results.samples), round(started - self._began, 3),
            round(time.monotonic() - started, 3), points,
        ))  # fmt: skip

    def _ask(self, arguments: Sequence[str]) -> dict[str, Any]:
        return ask(self.program, arguments, self.plan.limit_s)

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _show(self, number: int, done: int, subjects: int, latest: str) -> None:
        parts = (number - 1 + done / subjects) / self.plan.rounds
        elapsed = self._elapsed()
        budget_s = self.plan.budget_for(max(number, self.plan.least_rounds))
        left = min(elapsed / parts - elapsed, max(0.0, budget_s - elapsed)) if parts > 0 else None
        self.show(Progress(number, self.plan.rounds, done, subjects, latest, self._repeated, elapsed, left))


def ask(program: Path, arguments: Sequence[str], limit_s: float) -> dict[str, Any]:
    """Runs the program and returns the JSON it prints; ProgramError with a sentence if it prints none."""
    try:
        ended = subprocess.run(
            [program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", timeout=limit_s, check=False, start_new_session=True, preexec_fn=_end_with_parent,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ProgramError(f"not at its end after {limit_s:g} s; it was killed") from None
    except OSError as error:
        raise ProgramError(f"{program} cannot be run: {error.strerror}") from None
    if ended.returncode != 0:
        how = f"was killed by {_signal_name(-ended.returncode)}" if ended.returncode < 0 else f"ended with status {ended.returncode}"
        raise ProgramError(f"{how}: {_last_line(ended.stderr)}")
    try:
        said = json.loads(ended.stdout)
        if not isinstance(said, dict):
            raise ValueError
        return said
    except ValueError:
        raise ProgramError(f"printed no JSON but {_last_line(ended.stdout)!r}") from None


def _end_with_parent() -> None:
    """No measuring goes on when this script is killed; the workers end with the program by themselves."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
