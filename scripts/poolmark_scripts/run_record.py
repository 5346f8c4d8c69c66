"""How a run went: its samples in the order of running, what disturbed them, and why each cell was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One cell, measured once in a process of its own."""

    name: str
    round: int
    order: int
    started_s: float
    real_time: float  # ns
    counts: bool  # False: disturbed, measured again, and no part of any median
    steal: float | None = None  # share of the CPUs that the hypervisor gave to others
    foreign: float | None = None  # share of the CPUs that other programs had
    reasons: tuple[str, ...] = ()  # what disturbed it


@dataclass(frozen=True)
class Stop:
    """Why a cell was measured no further; the half width is a part of the median, None with too few rounds."""

    reason: str
    rounds: int
    half_width: float | None = None


@dataclass(frozen=True)
class RunRecord:
    """Of a run in rounds; a file of one process has none."""

    samples: tuple[Sample, ...]
    stops: dict[str, Stop]

    def of(self, name: str) -> list[Sample]:
        """The samples of a cell, in the order of running."""
        return [sample for sample in self.samples if sample.name == name]


def record(document: dict[str, Any]) -> RunRecord | None:
    """What a results document says of its run; None if it was not measured in rounds."""
    counted = [(entry, True) for entry in document["benchmarks"] if "round" in entry]
    if not counted:
        return None
    everything = counted + [(entry, False) for entry in document.get("disturbed", [])]
    samples = sorted((_sample(entry, counts) for entry, counts in everything), key=lambda sample: sample.order)
    stops = {
        name: Stop(stop["reason"], stop["rounds"], stop.get("half_width"))
        for name, stop in document.get("stops", {}).items()
    }
    return RunRecord(tuple(samples), stops)


def _sample(entry: dict[str, Any], counts: bool) -> Sample:
    reasons = entry.get("reasons") or ([entry["disturbed_by"]] if entry.get("disturbed_by") else [])
    if entry.get("disturbed") and not reasons:
        reasons = ["disturbed"]
    return Sample(
        entry["name"], entry["round"], entry["order"], entry["started_s"], entry["real_time"], counts,
        entry.get("steal"), entry.get("foreign"), tuple(reasons),
    )  # fmt: skip
