"""What scripts/python-side prints: one table, and what of it the GIL is to blame for."""

from __future__ import annotations

import statistics
from typing import Any

from rich.console import Console
from rich.text import Text

from poolmark_scripts import python_side_downloads, terminal
from poolmark_scripts.python_side_runs import GRID, POOLMARK, PYTHON, WORKLOADS, Measured
from poolmark_scripts.units import duration

COLUMNS = (
    ("work", "left"), ("executor", "left"), ("workers", "right"), ("Python", "right"), ("speed-up", "right"),
    ("poolmark", "right"), ("speed-up", "right"),
)  # fmt: skip
BUSY_FROM = 0.7  # of the load average, which still remembers what ran a minute ago
LEGEND = (
    "Medians of whole runs by map, the making and shutting down of the pool included. A speed-up is against the "
    "sequential run of the same language. Compare speed-ups, not times: Python's numbers are smaller, because its "
    "loops are some twenty times as slow; only the naps and the downloads are the same."
)


def median(measured: Measured, language: str, workload: str, executor: str, workers: int) -> float | None:
    """In seconds; None if it was not measured."""
    times = measured.seconds.get((language, workload, executor, workers))
    return statistics.median(times) if times else None


def speedup(measured: Measured, language: str, workload: str, executor: str, workers: int) -> float | None:
    """How many times as fast as the sequential run of the same language; None if either is missing."""
    sequential = median(measured, language, workload, "sequential", 1)
    took = median(measured, language, workload, executor, workers)
    return sequential / took if sequential and took else None


def print_report(measured: Measured, python: dict[str, Any], console: Console) -> None:
    """Prints the table, what it says of the GIL, and what failed."""
    table = terminal.table(*COLUMNS)
    for name, executor, workers in _rows(measured):
        cells = []
        for language in (PYTHON, POOLMARK):
            took = median(measured, language, name, executor, workers)
            cells.append(duration(took * 1e9 if took is not None else None))
            cells.append(_times(speedup(measured, language, name, executor, workers)))
        first = executor == "sequential"
        table.add_row(name if first else "", executor, str(workers), *cells)
    console.print()
    console.print(table)
    console.print()
    for line in findings(measured, python):
        console.print(line, soft_wrap=not console.is_terminal)
    if measured.failures:
        console.print(Text("\nfailed", style="bold red"))
        for failure in measured.failures:
            console.print(f"  {failure}", soft_wrap=True)
    console.print()
    console.print(Text(LEGEND, style="dim"), soft_wrap=not console.is_terminal)


def _rows(measured: Measured) -> list[tuple[str, str, int]]:
    """Work, executor and workers; the downloads only if there are any."""
    rows = [(work.name, executor, workers) for work in WORKLOADS for executor, workers in GRID]
    if any(work == python_side_downloads.WORK for _, work, _, _ in measured.seconds):
        rows += [(python_side_downloads.WORK, executor, workers) for executor, workers in python_side_downloads.GRID]
    return rows


def findings(measured: Measured, python: dict[str, Any]) -> list[str]:
    """What two workers bring, a sentence for each kind of worker and work."""
    lines = []
    cpus = measured.machine.get("usable_cpus")
    if cpus is not None and cpus < 2:
        lines.append("This machine gives one CPU: two workers compute no faster than one, in whatever language.")
    if measured.load_before > BUSY_FROM:
        lines.append(f"The machine was busy before (load {measured.load_before:.1f}): two workers had less than two CPUs.")
    gil = "In Python the GIL lets one of them compute at a time; C++ has none."
    if not python["gil"]:
        gil = "This Python has no GIL, as C++ has none."
    for executor, waits, why in (
        ("thread", False, gil),
        ("process", False, "Processes are Python's way around the GIL; here they are for what may crash."),
        ("thread", True, "Who waits does not hold the GIL: it costs nothing here."),
    ):
        both = [_all_speedups(measured, language, executor, waits) for language in (PYTHON, POOLMARK)]
        if all(both):
            work = "work that waits" if waits else "work that computes"
            workers = "threads" if executor == "thread" else "processes"
            lines.append(f"2 {workers}, {work}: {PYTHON} {both[0]}, {POOLMARK} {both[1]}. {why}")
    return lines + _of_downloads(measured)


def _of_downloads(measured: Measured) -> list[str]:
    """What threads and an event loop bring where every task waits for a server."""
    shown = []
    for language in (PYTHON, POOLMARK):
        found = [speedup(measured, language, python_side_downloads.WORK, *at) for at in python_side_downloads.GRID[1:]]
        if None in found:
            return []
        shown.append(f"{language} {_times(found[0])} and {_times(found[1])}")
    count = python_side_downloads.AT_ONCE
    return [f"{count} downloads at once, with {count} threads and on an event loop: {', '.join(shown)} as fast as one after the other."]


def document(measured: Measured, python: dict[str, Any], repetitions: int) -> dict[str, Any]:
    """What --json writes."""
    return {
        "format": "poolmark python-side 1",
        "python": {key: python[key] for key in ("path", "version", "gil")},
        "machine": {**measured.machine, "load_before": measured.load_before},
        "repetitions": repetitions,
        "cells": [
            {"language": key[0], "work": key[1], "executor": key[2], "workers": key[3], "seconds": times,
             "speedup": speedup(measured, *key)}
            for key, times in measured.seconds.items()
        ],
        "failures": measured.failures,
    }  # fmt: skip


def _all_speedups(measured: Measured, language: str, executor: str, waits: bool) -> str:
    """One for each workload of the kind; empty if one is missing."""
    found = [speedup(measured, language, work.name, executor, 2) for work in WORKLOADS if work.waits == waits]
    return " and ".join(_times(each) for each in found) if None not in found else ""


def _times(value: float | None) -> str:
    return f"{value:.2f}x" if value is not None else "-"
