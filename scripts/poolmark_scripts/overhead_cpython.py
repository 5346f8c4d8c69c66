"""CPython's ProcessPoolExecutor in a results file of bench/overhead: measured after it, never at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from poolmark_scripts import overhead_results
from poolmark_scripts.interpreters import NoPython, find_python
from poolmark_scripts.whole_file import write_json

PROGRAM = Path(__file__).with_name("cpython_overhead.py")
NO_PYTHON = "CPython (no python3 with concurrent.futures found)"


def cases_of(document: dict[str, Any]) -> list[str]:
    """The cases of processes that `document` holds, without peer, n and workers."""
    names = [entry.get("run_name", "") for entry in document["benchmarks"]]
    return sorted({"/".join(name.split("/")[:-3]) for name in names if name.startswith("process/")})


def add_to(path: Path, repetitions: int, tasks: int, console) -> bool:
    """Measures what of CPython has a counterpart in the results file `path`, and adds it there, or says there why not.

    False if a case of CPython's failed. ResultsError if `path` is no results file.
    """
    document = overhead_results.read(path)
    cases = cases_of(document)
    if not cases:
        return True
    try:
        python = find_python()["path"]
    except NoPython:
        write_json(path, _skipped(document, NO_PYTHON))
        return True
    console.print(f"measuring CPython ({python}) ...")
    command = [python, "-B", PROGRAM, f"--repetitions={repetitions}", f"--tasks={tasks}", *(f"--case={each}" for each in cases)]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    try:
        measured = json.loads(run.stdout)
    except ValueError:
        print(f"scripts/overhead: {python} ended with status {run.returncode} and wrote no results", file=sys.stderr)
        write_json(path, _skipped(document, f"CPython ({python} ended with status {run.returncode})"))
        return False
    write_json(path, joined(document, measured))
    return run.returncode == 0


def joined(document: dict[str, Any], of_cpython: dict[str, Any]) -> dict[str, Any]:
    """Both as one: a table compares within a file."""
    said = of_cpython["context"]
    context = {**document["context"], "cpython": f"{said['python']}, start method {said['start_method']}"}
    return {**document, "context": context, "benchmarks": document["benchmarks"] + of_cpython["benchmarks"]}


def _skipped(document: dict[str, Any], what: str) -> dict[str, Any]:
    so_far = document["context"].get("skipped")
    return {**document, "context": {**document["context"], "skipped": f"{so_far}; {what}" if so_far else what}}
