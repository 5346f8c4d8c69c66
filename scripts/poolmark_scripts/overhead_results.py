"""A results file of bench/overhead in memory."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PEERLESS = ("hardware", "kernel", "libc")  # stand where a peer does in the names of limits


class ResultsError(Exception):
    """A results file that cannot be used; the text is the sentence the user reads."""


@dataclass(frozen=True)
class Measured:
    """One number of one cell: a value a repetition."""

    name: str
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of the repetitions."""
        return statistics.median(self.samples)

    @property
    def spread(self) -> float:
        """Distance between the quartiles as a part of the median; 0 for one repetition."""
        if len(self.samples) < 2 or self.median == 0:
            return 0.0
        lower, _, upper = statistics.quantiles(self.samples, n=4, method="inclusive")
        return (upper - lower) / self.median

    @property
    def peer(self) -> str:
        """The peer that was measured: the part before n:... in the name."""
        return self.name.split("/")[-3]

    @property
    def variant(self) -> str:
        """The variant of the case."""
        return self.name.split("/")[-4]


@dataclass(frozen=True)
class OverheadResults:
    """What a run has measured: the counters of every repetition of every cell."""

    context: dict[str, Any]
    cells: dict[str, list[dict[str, Any]]]
    failures: dict[str, str]

    def get(self, name: str, counter: str) -> Measured | None:
        """A counter of the cell `name`; None if it was not measured or failed."""
        samples = tuple(float(entry[counter]) for entry in self.cells.get(name, []) if counter in entry)
        return Measured(name, samples) if samples else None

    def of_peers(self, case: str, tasks: int, workers: int, counter: str) -> list[Measured]:
        """The counter for every peer but poolmark that has the case; one without workers counts for any number."""
        found = []
        for name in self.cells:
            parts = name.split("/")
            if "/".join(parts[:-3]) != case or parts[-2] != f"n:{tasks}" or parts[-3] in ("poolmark", *PEERLESS):
                continue
            measured = self.get(name, counter) if parts[-1] in (f"workers:{workers}", "workers:0") else None
            if measured:
                found.append(measured)
        return found


def read(path: Path) -> dict[str, Any]:
    """The JSON of `path`; ResultsError with a sentence if it is no results file of bench/overhead."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document["benchmarks"], list) or not isinstance(document["context"], dict):
            raise TypeError
        return document
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise ResultsError(f"{path} is no results file of bench/overhead. Measure again with scripts/overhead.") from None


def load(path: Path) -> OverheadResults:
    """Reads `path`; ResultsError as of read()."""
    document = read(path)
    cells: dict[str, list[dict[str, Any]]] = {}
    failures: dict[str, str] = {}
    for entry in document["benchmarks"]:
        if entry.get("run_type") != "iteration":
            continue
        name = entry["run_name"]
        if entry.get("error_occurred"):
            failures[name] = entry.get("error_message", "failed")
        else:
            cells.setdefault(name, []).append(entry)
    return OverheadResults(document["context"], {n: e for n, e in cells.items() if n not in failures}, failures)
