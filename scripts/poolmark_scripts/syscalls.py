"""Futex calls a task, counted by strace in runs of their own: under it everything is slow, so no time is taken."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console

from poolmark_scripts import terminal

CASES = {"stream 100000": ("stream/result", 100_000), "round trip, hot": ("round_trip/hot", 1000)}
WORKERS = 2
REPETITIONS = 3  # of one iteration each, as --benchmark_min_time=0 asks for


def print_counts(program: Path, console: Console) -> None:
    """Prints futex calls a task of each peer, or that there is no strace."""
    if not shutil.which("strace"):
        console.print("skipped: --syscalls (strace is not installed; sudo apt-get install strace)")
        return
    listed = subprocess.run([program, "--benchmark_list_tests"], stdout=subprocess.PIPE, text=True, check=True).stdout
    table = terminal.table(("futex calls a task", "left"), ("peer", "left"), ("calls", "right"))
    for heading, (case, tasks) in CASES.items():
        for name in listed.split():
            if re.fullmatch(f"{case}/[a-z_]+/n:{tasks}/workers:[0{WORKERS}]", name):
                calls = futex_calls(program, name, tasks)
                table.add_row(heading, name.split("/")[2], "-" if calls is None else f"{calls:.3f}")
    console.print(table)


def futex_calls(program: Path, name: str, tasks: int) -> float | None:
    """Futex calls a task of the cell `name`; None if strace cannot trace here.

    The start of the program and of the pools is in it: some ten calls among thousands of tasks.
    """
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as summary:
        run = subprocess.run(
            ["strace", "-f", "-c", "-e", "trace=futex", "-o", summary.name, program, f"--benchmark_filter=^{name}$",
             f"--benchmark_repetitions={REPETITIONS}", "--benchmark_min_time=0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return parse_summary(summary.read()) / (REPETITIONS * tasks) if run.returncode == 0 else None


def parse_summary(text: str) -> int:
    """The number of futex calls in what strace -c writes; no line means none."""
    for line in text.splitlines():
        fields = line.split()
        if fields and fields[-1] == "futex":
            return int(fields[3])
    return 0
