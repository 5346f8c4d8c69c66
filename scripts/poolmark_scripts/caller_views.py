"""What the caller of a batch saw: when it held how many results, and how long each had taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Completions:
    """Median time, ns from the start of a batch, until the caller held k results; k rises."""

    k: tuple[int, ...]
    ns: tuple[float, ...]

    def until(self, results: int) -> float | None:
        """Until it held so many; None unless just that was measured."""
        return self.ns[self.k.index(results)] if results in self.k else None


@dataclass(frozen=True)
class Latencies:
    """How long results took to reach the caller, ns from the submission of the task, over `count` tasks."""

    count: int
    quantiles: tuple[float, ...]
    ns: tuple[float, ...]

    def at(self, quantile: float) -> float | None:
        """The time that this part of the tasks did not exceed; None if there were too few to tell."""
        return self.ns[self.quantiles.index(quantile)] if quantile in self.quantiles else None


def completions(document: dict[str, Any], name: str) -> Completions | None:
    """Those of the cell `name` of a results document; older files have none."""
    found = document.get("completions", {}).get(name)
    return Completions(tuple(found["k"]), tuple(found["ns"])) if found else None


def latencies(document: dict[str, Any], name: str) -> Latencies | None:
    """Those of the cell `name` of a results document; older files have none."""
    found = document.get("latencies", {}).get(name)
    return Latencies(found["count"], tuple(found["quantiles"]), tuple(found["ns"])) if found else None


def problem(document: dict[str, Any]) -> str | None:
    """A sentence on what no schema can state: views are of cells that have a time, and their columns fit together."""
    tasks = {entry["name"]: entry["tasks"] for entry in document["benchmarks"]}
    for part, column in (("completions", "k"), ("latencies", "quantiles")):
        for name, view in document.get(part, {}).items():
            if name not in tasks:
                return f"{part} has {name}, which is not among the benchmarks."
            if len(view[column]) != len(view["ns"]):
                return f"{part} of {name} has {len(view[column])} {column} and {len(view['ns'])} times."
            if len(view.get("each", ())) not in (0, view.get("count")):
                return f"{part} of {name} has a count of {view['count']} and {len(view['each'])} times in `each`."
            if not _rises(view[column]):
                return f"{part} of {name}: its {column} do not rise."
            if part == "completions" and view["ns"] != sorted(view["ns"]):
                return f"completions of {name}: its times fall."
            if part == "completions" and view["k"][-1] > tasks[name]:
                return f"completions of {name} go to {view['k'][-1]} of {tasks[name]} results."
    return None


def _rises(steps: list[float]) -> bool:
    return all(earlier < later for earlier, later in zip(steps, steps[1:]))
