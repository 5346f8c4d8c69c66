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

    Two runs, of one and of three repetitions: their difference is without the start of the program.
    """
    few, many = (_calls_of_run(program, name, repetitions) for repetitions in (1, 3))
    return None if few is None or many is None else max(0.0, (many[0] - few[0]) / (many[1] - few[1]) / tasks)


def _calls_of_run(program: Path, name: str, repetitions: int) -> tuple[int, int] | None:
    """Futex calls and iterations of one run."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as summary:
        run = subprocess.run(
            ["strace", "-f", "-c", "-e", "trace=futex", "-o", summary.name, program, f"--benchmark_filter=^{name}$",
             f"--benchmark_repetitions={repetitions}", "--benchmark_min_time=0", "--benchmark_format=console"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return (parse_summary(summary.read()), repetitions) if run.returncode == 0 else None


def parse_summary(text: str) -> int:
    """The number of futex calls in what strace -c writes; no line means none."""
    for line in text.splitlines():
        fields = line.split()
        if fields and fields[-1] == "futex":
            return int(fields[3])
    return 0
