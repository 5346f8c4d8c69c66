"""A results file of scripts/granularity: what was measured, and what follows from it."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterable, Mapping

import numpy as np

from poolmark_scripts import metg

VERSION = 1
# A coarse run whose steps take so much more or less time than the others' had another clock, or less than its CPUs.
COARSE_TOLERANCE = 0.10
# Of all coarse runs of one worker count: the pace of the work when nothing disturbs it.
REFERENCE_PERCENTILE = 25


class ResultsError(Exception):
    """A results file that cannot be used; the text is the sentence the user reads."""


@dataclass(frozen=True)
class Subject:
    """An executor or a peer, a way of handing out and collecting, so many workers."""

    name: str
    executor: str
    pattern: str
    workers: int
    cores: int  # that its workers can use at once
    chunked: bool
    most_tasks: int

    @property
    def is_ours(self) -> bool:
        """Whether it is a pool of poolmark's; the rest are peers, and what has no pool."""
        return self.executor in ("thread", "process")

    @property
    def is_peer(self) -> bool:
        """Whether it is a pool of others."""
        return self.executor not in ("thread", "process", "sequential", "loop")


@dataclass
class Sample:
    """One subject in one process: a wall time for each length of tasks."""

    subject: str
    round: int
    attempt: int
    order: int
    started_s: float
    wall_s: float
    points: list[dict[str, Any]]
    rejected: str = ""  # why it does not count; empty: it does

    @property
    def sized(self) -> list[dict[str, Any]]:
        """The points with work, the shortest tasks first."""
        return sorted((point for point in self.points if point["steps"] > 0), key=lambda point: point["steps"])

    @property
    def empty(self) -> list[dict[str, Any]]:
        """The points without."""
        return [point for point in self.points if point["steps"] == 0]


def coarse_pace(sample: Sample, subject: Subject) -> float:
    """ns a step takes a core in the longest tasks: there a pool costs next to nothing."""
    point = sample.sized[-1]
    return point["elapsed_ns"] * subject.cores / (point["tasks"] * point["steps"])


def references(samples: Iterable[Sample], subjects: Mapping[str, Subject]) -> dict[int, float]:
    """ns a step for each worker count, shared by all executors: none divides by its own coarsest run."""
    paces: dict[int, list[float]] = {}
    for sample in samples:
        subject = subjects[sample.subject]
        paces.setdefault(subject.workers, []).append(coarse_pace(sample, subject))
    return {workers: float(np.percentile(of_count, REFERENCE_PERCENTILE)) for workers, of_count in paces.items()}


def judge(samples: Iterable[Sample], subjects: Mapping[str, Subject]) -> dict[int, float]:
    """Marks the samples whose coarse point is too far from the reference; returns the references."""
    listed = list(samples)
    found = references(listed, subjects)
    for sample in listed:
        subject = subjects[sample.subject]
        off = coarse_pace(sample, subject) / found[subject.workers] - 1
        faster_or_slower = "more" if off > 0 else "less"
        sample.rejected = (
            f"its coarse run took {abs(off):.0%} {faster_or_slower} time than those of all with {subject.workers} workers"
            if abs(off) > COARSE_TOLERANCE else ""
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Outcome:
    """What the accepted rounds of a subject say."""

    subject: Subject
    rounds: int
    rejected: int
    grains: tuple[float, ...] = ()
    efficiencies: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))  # a row a round
    metgs: tuple[metg.Metg, ...] = ()
    overhead_ns: float | None = None  # wall time that one more empty task takes

    @property
    def efficiency(self) -> np.ndarray:
        """The median of the rounds for each grain."""
        return np.median(self.efficiencies, axis=0)

    def at(self, level: float) -> metg.Metg | None:
        """METG at a level; None without an accepted round."""
        return next((one for one in self.metgs if one.level == level), None)

    @property
    def ratio(self) -> float | None:
        """METG(50 %) / (2 x overhead of a task on its core): about 1 by theory."""
        half = self.at(0.5)
        if half is None or not half.granularity.found or not self.overhead_ns or self.overhead_ns <= 0:
            return None
        return half.granularity.ns / (2 * self.overhead_ns * self.subject.cores)


@dataclass
class GranularityResults:
    """One run."""

    context: dict[str, Any]
    settings: dict[str, Any]
    subjects: dict[str, Subject]
    samples: list[Sample] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    partial: bool = False

    def outcomes(self) -> dict[str, Outcome]:
        """What each subject that was measured has come to; marks samples on the way."""
        pace = judge(self.samples, self.subjects)
        by_subject: dict[str, list[Sample]] = {}
        for sample in self.samples:
            by_subject.setdefault(sample.subject, []).append(sample)
        return {
            name: _outcome(self.subjects[name], by_subject[name], pace[self.subjects[name].workers], self.settings["seed"])
            for name in self.subjects if name in by_subject
        }  # fmt: skip


def _outcome(subject: Subject, samples: list[Sample], pace: float, seed: int) -> Outcome:
    accepted = [sample for sample in samples if not sample.rejected]
    rejected = len(samples) - len(accepted)
    if not accepted:
        return Outcome(subject, 0, rejected)
    grains = tuple(point["steps"] * pace for point in accepted[0].sized)
    efficiencies = np.array([
        [point["tasks"] * point["steps"] * pace / (subject.cores * point["elapsed_ns"]) for point in sample.sized]
        for sample in accepted
    ])  # fmt: skip
    slopes = [
        metg.overhead_per_task([point["tasks"] for point in sample.empty], [point["elapsed_ns"] for point in sample.empty])
        for sample in accepted
    ]  # fmt: skip
    known = [slope for slope in slopes if slope is not None]
    return Outcome(
        subject, len(accepted), rejected, grains, efficiencies, tuple(metg.metgs(grains, efficiencies, seed)),
        statistics.median(known) if known else None,
    )  # fmt: skip


# ---- the file ---------------------------------------------------------------------------


def document(results: GranularityResults) -> dict[str, Any]:
    """The JSON of a run; docs/granularity-format.md describes it."""
    outcomes = results.outcomes()
    return {
        "granularity_version": VERSION,
        "context": results.context,
        "settings": results.settings,
        "subjects": {name: _without_name(subject) for name, subject in results.subjects.items()},
        "reference_ns_per_step": {str(workers): pace for workers, pace in judge(results.samples, results.subjects).items()},
        "metg": {name: _metg_json(outcome) for name, outcome in outcomes.items()},
        "samples": [vars(sample) for sample in results.samples],
        "failures": results.failures,
        "partial": results.partial,
    }


def _without_name(subject: Subject) -> dict[str, Any]:
    return {key: value for key, value in vars(subject).items() if key != "name"}


def _metg_json(outcome: Outcome) -> dict[str, Any]:
    made: dict[str, Any] = {"rounds": outcome.rounds, "rejected": outcome.rejected}
    if outcome.overhead_ns is not None:
        made["overhead_ns_per_task"] = outcome.overhead_ns
    if outcome.ratio is not None:
        made["metg_over_twice_overhead"] = outcome.ratio
    made["levels"] = {f"{one.level:g}": _level_json(one) for one in outcome.metgs}
    if outcome.rounds:
        made["efficiency"] = [
            {"grain_ns": grain, "efficiency": float(value)} for grain, value in zip(outcome.grains, outcome.efficiency)
        ]
    return made


def _level_json(one: metg.Metg) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, bound in (("granularity", one.granularity), ("grain", one.grain), ("low", one.low), ("high", one.high)):
        if bound is not None:
            # Never a number where it is none: a reader must look for another key to take the end for the thing.
            made[f"{key}_{ {-1: 'below_', 0: '', 1: 'above_'}[bound.beyond] }ns"] = bound.ns
    return made


def load(path: Path) -> GranularityResults:
    """Reads a results file; ResultsError with a sentence if it is none."""
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
        if made["granularity_version"] != VERSION:
            raise ResultsError(
                f"{path} has version {made['granularity_version']!r}, this script reads {VERSION}. Measure again."
            )
        return GranularityResults(
            made["context"], made["settings"],
            {name: Subject(name, **facts) for name, facts in made["subjects"].items()},
            [Sample(**one) for one in made["samples"]], made["failures"], made["partial"],
        )  # fmt: skip
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise ResultsError(f"{path} is no results file of scripts/granularity. Measure again, or name another.") from None
