"""One run of the gate in an experiment, and the reports of all that have ended."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

from rich.console import Console

from poolmark_scripts.building import ROOT
from poolmark_scripts.gate import report_json, run, trees
from poolmark_scripts.gate.model import GateReport
from poolmark_scripts.gate_validation import builds, sabotage
from poolmark_scripts.gate_validation.plan import Experiment
from poolmark_scripts.one_process import EXIT_INTERRUPTED, Interrupted

KEPT = ROOT / "results" / "gate-validation"
BUDGET_S = 420.0  # of a trial: with the screen, less than ten minutes


@dataclass(frozen=True)
class Kept:
    """A run that has ended."""

    experiment: str
    number: int
    status: int
    report: GateReport


def kept(experiment: str) -> list[Kept]:
    """All runs of an experiment that have ended, by number."""
    return [_read(path) for path in sorted((KEPT / experiment).glob("*.json.gz"))]


def _read(path: Path) -> Kept:
    document = json.loads(gzip.decompress(path.read_bytes()))
    return Kept(path.parent.name, int(path.name.split(".")[0]), document["status"], report_json.parse(document["report"], str(path)))


def keep(experiment: str, number: int, status: int, report: dict[str, Any]) -> None:
    """Whole or not at all, and the same bytes for the same report. Paths below the checkout are kept relative to it: what is
    kept is read elsewhere."""
    path = KEPT / experiment / f"{number:03d}.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    content = json.dumps({"status": status, "report": report}, separators=(",", ":")).replace(f"{json.dumps(str(ROOT))[1:-1]}/", "").encode()
    unfinished.write_bytes(gzip.compress(content, mtime=0))
    unfinished.replace(path)


def missing(experiments: tuple[Experiment, ...]) -> Iterator[tuple[Experiment, int]]:
    """What is still to be run, every experiment once before any of them twice."""
    most = max(experiment.runs for experiment in experiments)
    for number in range(1, most + 1):
        for experiment in experiments:
            if number <= experiment.runs and not (KEPT / experiment.name / f"{number:03d}.json.gz").exists():
                yield experiment, number


def perform(experiment: Experiment, number: int, commit: str, console: Console) -> int:
    """Runs the gate once and keeps its report; returns its exit status. Raises Interrupted, and keeps no part of a run."""
    base = builds.base(commit, console)
    new = base
    if experiment.injected or experiment.edit:
        new = builds.changed(commit, experiment.injected, experiment.edit, console)
    first, second = (new, base) if experiment.exchanged else (base, new)
    documents: list[dict[str, Any]] = []
    request = run.Request(
        base=trees.find(str(first.directory)), new=trees.find(str(second.directory)), target=builds.TARGET, flags=(),
        cells=experiment.cells, output=KEPT / "unused.json", seed=_seed(experiment, number), budget_s=BUDGET_S,
        command=f"scripts/validate-gate --only {experiment.name}", counts=experiment.counts, anyway=True,
        make_sampler=sabotage.KINDS.get(experiment.sabotage, run.Sampler), relinked=experiment.relinked,
        write=lambda report, status: documents.append(report_json.document(report)),
    )  # fmt: skip
    status = run.run(request, console)
    if status == EXIT_INTERRUPTED:
        raise Interrupted
    keep(experiment.name, number, status, documents[0])
    return status


def _seed(experiment: Experiment, number: int) -> int:
    """Fixed, so that a run can be repeated, and of each run another one: other layouts, other orders."""
    return sum(map(ord, experiment.name)) * 1000 + number
