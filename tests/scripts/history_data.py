"""Made-up histories: a repository of empty commits, and reports of scripts/gate about them."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
from pathlib import Path
from typing import Any, Callable, Sequence

from poolmark_scripts.gate import report_json
from poolmark_scripts.gate.model import ArmFacts, Band, CellReport, GateReport, Kind, Stage, Verdict
from poolmark_scripts.intervals import Interval

REFERENCE = "a" * 40
LINKS = ("1" * 64, "2" * 64)
CONTEXT = {
    "date": "2026-01-31T12:00:00+00:00", "host_name": "bench-1", "cpu_model": "Testing 3000", "usable_cpus": 2,
    "compiler": "GCC 12.2.0", "compiler_flags": "-O3", "build_type": "Release", "dirty": False, "kernel": "6.1",
}  # fmt: skip
BANDS = {"primes/thread/map/workers:2": Band(Kind.POOL, 0.03), "sum/sequential/map/workers:1": Band(Kind.CPU, 0.02)}
CELL = next(iter(BANDS))


def commits(directory: Path, count: int) -> list[str]:
    """Makes a repository with so many commits; their hashes, the oldest first."""
    environment = {
        **os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "A"), ("EMAIL", "a@b"), ("DATE", "2026-01-01T00:00:00+00:00"))},
    }  # fmt: skip

    def git(*words: str, **options: Any) -> str:
        command = ["git", "-C", str(directory), *words]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, **options).stdout

    directory.mkdir(parents=True, exist_ok=True)
    git("init", "-q", "-b", "main")
    lines = [
        f"commit refs/heads/main\ncommitter A <a@b> {1767225600 + n} +0000\ndata <<E\nChange {n}\nE\n\n" for n in range(count)
    ]
    git("fast-import", "--quiet", input="".join(lines))
    return git("rev-list", "--first-parent", "--reverse", "main").split()


def cell(name: str, median: float, **changes: Any) -> CellReport:
    """A cell that was measured well."""
    known: dict[str, Any] = {
        "band": BANDS.get(name, Band(Kind.POOL, 0.03)), "stage": Stage.SCREEN, "blocks": 8,
        "ratio": Interval(median, median / 1.01, median * 1.01), "base_ns": 4.3e8,
    }  # fmt: skip
    return CellReport(name, changes.pop("verdict", Verdict.EQUIVALENT), **{**known, **changes})


def report(commit: str, cells: Sequence[CellReport], **changes: Any) -> GateReport:
    """A report of a commit against REFERENCE. `base` and `new` are changes to the arms' facts, `context` of both."""
    context = {**CONTEXT, **changes.pop("context", {})}
    base = {"name": "v1", "commit": REFERENCE, "program": "b", "sha256": LINKS, "context": context}
    new = {"name": "HEAD", "commit": commit, "program": "n", "sha256": ("3" * 64,), "context": context}
    base.update(changes.pop("base", {}))
    new.update(changes.pop("new", {}))
    return GateReport(ArmFacts(**base), ArmFacts(**new), tuple(cells), "scripts/gate v1 HEAD", changes.pop("seed", 1), 60.0, **changes)


def write(path: Path, made: GateReport) -> Path:
    """The report as scripts/gate writes it."""
    path.write_text(json.dumps(report_json.document(made)), encoding="utf-8")
    return path


def write_series(
    directory: Path, measured: Sequence[str], level: Callable[[str, int], float], noise: float = 0.005, **changes: Any
) -> list[Path]:
    """A report for each commit; `level` gives the true ratio of a cell at the n-th of them."""
    rng = random.Random(1)
    directory.mkdir(parents=True, exist_ok=True)
    return [
        write(directory / f"{index:03}.json",
              report(commit, [cell(name, level(name, index) * math.exp(rng.gauss(0, noise))) for name in BANDS], **changes))
        for index, commit in enumerate(measured)
    ]  # fmt: skip
