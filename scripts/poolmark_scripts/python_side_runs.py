"""Runs the Python programs of examples/python and bench/scaling; gives the seconds each took."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

from poolmark_scripts import measuring, results

PYTHON, POOLMARK = "Python", "poolmark"
LONGEST_RUN_S = 120
GRID = (("sequential", 1), ("thread", 1), ("thread", 2), ("process", 1), ("process", 2))


@dataclass(frozen=True)
class Workload:
    """The same kind of work in both languages, of a size that suits each."""

    name: str  # bench/scaling's
    program: str  # in examples/python
    prints: str  # before its time
    waits: bool  # and does not compute


WORKLOADS = (
    Workload("primes", "primes.py", "9 of 20 numbers are prime.", waits=False),
    Workload("sum", "sums.py", "Result -> [1250025000, 125000250000, 12500002500000, 12500002500000]", waits=False),
    Workload("sleep", "naps.py", "64 naps.", waits=True),
)
Key = tuple[str, str, str, int]  # language, workload, executor, workers


@dataclass
class Measured:
    """All times, and why others are missing."""

    seconds: dict[Key, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    machine: dict[str, Any] = field(default_factory=dict)
    load_before: float = 0.0
    interrupted: bool = False


def measure_poolmark(program: Path, repetitions: int, measured: Measured, console) -> None:
    """Runs bench/scaling once: it repeats and checks by itself."""
    flags = ["--executors=sequential,thread,process", "--patterns=map", "--workers=1,2", "--pool=cold", f"--benchmark_repetitions={repetitions}"]
    with tempfile.TemporaryDirectory(prefix="poolmark-") as directory:
        output = Path(directory) / "scaling.json"
        status, said = measuring.measure(program, flags, output, console)
        measured.interrupted = status == 130
        if not output.exists():
            measured.failures.append(f"{program.name} ended with status {status}: {said or 'it said nothing'}")
            return
        found = results.load(output)
    measured.machine = {key: found.context.get(key) for key in ("cpu_model", "usable_cpus", "compiler", "commit", "dirty")}
    for workload in WORKLOADS:
        for executor, workers in GRID:
            cell = found.cells.get(f"{workload.name}/{executor}/map/workers:{workers}")
            if cell:
                measured.seconds[POOLMARK, workload.name, executor, workers] = [ns / 1e9 for ns in cell.real_times]
    measured.failures += [f"poolmark {failure.name}: {failure.message}" for failure in found.failures]


def measure_python(python: str, directory: Path, repetitions: int, measured: Measured) -> Iterator[str]:
    """Runs each program in turns, once a repetition; yields the name of what it is about to run."""
    for _ in range(repetitions):
        for workload in WORKLOADS:
            for executor, workers in GRID:
                yield f"{workload.name} {executor} {workers}"
                arguments = [executor] if executor == "sequential" else [executor, str(workers)]
                took = run_program([python, "-B", str(directory / workload.program), *arguments], workload.prints, measured)
                if took is not None:
                    measured.seconds.setdefault((PYTHON, workload.name, executor, workers), []).append(took)


def run_program(command: list[str], prints: str, measured: Measured) -> float | None:
    """What the program says it took; None, and a sentence in `measured`, if it says anything but the right result."""
    name = " ".join([Path(command[2]).name, *command[3:]])
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=LONGEST_RUN_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        measured.failures.append(f"Python {name}: not at its end after {LONGEST_RUN_S} s")
        return None
    said = re.fullmatch(re.escape(prints) + r" Time : (\d+\.\d+)s\n", ended.stdout)
    if ended.returncode == 0 and said:
        return float(said[1])
    last = (ended.stderr.strip() or ended.stdout.strip() or "it said nothing").splitlines()[-1]
    measured.failures.append(f"Python {name}: ended with status {ended.returncode}: {last}")
    return None
