"""What scripts/at-once has measured: points, their samples, and the file they are kept in."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from poolmark_scripts.intervals import Interval, median_interval

FORMAT = "poolmark at-once 1"
WAYS = ("loop", "threads")
WAY_NAMES = {"loop": "event loop", "threads": "thread pool"}
WORK_NAMES = {"sleep": "naps", "download": "downloads"}


class ResultsError(Exception):
    """A file is not one of scripts/at-once; the text says what is wrong."""


@dataclass(frozen=True)
class Plan:
    """What a run measures."""

    works: tuple[str, ...]
    counts: tuple[int, ...]
    latency_ms: int
    rounds: int
    seed: int


@dataclass(frozen=True)
class Point:
    """So many tasks of one kind, in one way."""

    work: str  # "sleep" or "download"
    way: str  # "loop" or "threads"
    count: int

    def __str__(self) -> str:
        return f"{self.work}/{self.way}/{self.count}"


@dataclass(frozen=True)
class Sample:
    """A point in a process of its own."""

    point: Point
    first_ns: float  # with a new executor
    second_ns: float  # with the same
    first_cpu_ns: float
    second_cpu_ns: float
    threads: int
    memory_bytes: float  # that the process has grown by


@dataclass
class AtOnceResults:
    """A run."""

    plan: Plan
    context: dict[str, Any] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)
    partial: bool = False

    def points(self) -> list[Point]:
        """Those with samples, in the order of the plan."""
        seen = {sample.point for sample in self.samples}
        return [point for point in points_of(self.plan) if point in seen]

    def values(self, point: Point, what: str) -> list[float]:
        """One number of every sample of a point."""
        return [float(getattr(sample, what)) for sample in self.samples if sample.point == point]

    def median(self, point: Point, what: str) -> float | None:
        """None: there is no sample."""
        values = self.values(point, what)
        return statistics.median(values) if values else None

    def interval(self, point: Point, what: str) -> Interval | None:
        """None: there are too few samples."""
        return median_interval(self.values(point, what))


def points_of(plan: Plan) -> list[Point]:
    """Everything that a plan measures."""
    return [Point(work, way, count) for work in plan.works for way in WAYS for count in plan.counts]


def document(results: AtOnceResults) -> dict[str, Any]:
    """The content of the results file."""
    return {
        "format": FORMAT, "context": results.context, "plan": asdict(results.plan), "partial": results.partial,
        "failures": results.failures,
        "samples": [{**asdict(sample.point), **{k: v for k, v in asdict(sample).items() if k != "point"}} for sample in results.samples],
    }  # fmt: skip


def load(path: Path) -> AtOnceResults:
    """Raises ResultsError."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        if read["format"] != FORMAT:
            raise ResultsError(f"{path} is a {read['format']!r}; this script reads {FORMAT!r}.")
        plan = Plan(**{**read["plan"], "works": tuple(read["plan"]["works"]), "counts": tuple(read["plan"]["counts"])})
        samples = [
            Sample(Point(one.pop("work"), one.pop("way"), one.pop("count")), **one) for one in map(dict, read["samples"])
        ]
        return AtOnceResults(plan, read["context"], samples, read["failures"], read["partial"])
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ResultsError(f"{path} was not written by scripts/at-once ({type(error).__name__}: {error}).") from None
