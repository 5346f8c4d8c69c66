"""Whether two results files may be compared at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from poolmark_scripts.results import Results

# What must be equal, by kind. Not here: what differs between any two runs (date, load, frequency of
# the moment) and what a comparison is about (commit, version). The number of repetitions may differ.
FIELDS = {
    "machine": (
        "host_name", "cpu_model", "num_cpus", "usable_cpus", "affinity", "cpu_quota", "governor",
        "cpu_scaling_enabled", "virtualization", "kernel",
    ),
    "compiler": ("compiler", "compiler_flags", "build_type", "library_build_type"),
    "settings": ("pool", "min_time_s", "batches", "interleaved", "timeline"),
}


@dataclass(frozen=True)
class Difference:
    """One field in which the files differ."""

    kind: str
    field: str
    base: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.kind}: {self.field} is {self.base!r} in the base and {self.new!r} in the new file"


def differences(base: Results, new: Results) -> list[Difference]:
    """The fields that make the times of the two files incomparable; empty when they may be compared."""
    found = [
        Difference(kind, field, base.context.get(field), new.context.get(field))
        for kind, fields in FIELDS.items()
        for field in fields
        if base.context.get(field) != new.context.get(field)
    ]
    return found + work_differences(base, new)


def work_differences(base: Results, new: Results) -> list[Difference]:
    """Other work under the same name: not even the speed-ups of such cells may be compared."""
    long = [results.context["long"] for results in (base, new)]
    found = [Difference("work", "long", *long)] if long[0] != long[1] else []
    return found + [
        Difference("work", f"tasks of {name}", cell.task_count, new.cells[name].task_count)
        for name, cell in base.cells.items()
        if name in new.cells and new.cells[name].task_count != cell.task_count
    ]
