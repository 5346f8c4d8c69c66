"""What scripts/bench prints after a run: a table for each workload, and what it means."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from poolmark_scripts import terminal
from poolmark_scripts.findings import findings
from poolmark_scripts.results import Cell, Results
from poolmark_scripts.units import duration

COLUMNS = (
    ("executor", "left"), ("pattern", "left"), ("workers", "right"), ("median", "right"), ("spread", "right"),
    ("speed-up", "right"), ("eff.", "right"), ("first", "right"),
)  # fmt: skip
WIDE_SPREAD = 0.1  # quiet machines stay below 0.02
LEGEND = (
    "median: wall time of a batch. spread: distance between the quartiles, in percent of the median. "
    "speed-up: over the sequential loop of this run. eff.: speed-up / workers. first: until the first result."
)


def print_report(results: Results, console: Console) -> None:
    """Prints everything about a run that people want to know first."""
    for workload in results.workloads():
        _print_workload(results, workload, console)
    _print_failures(results, console)
    console.print(Text(LEGEND, style="dim"), soft_wrap=not console.is_terminal)
    _print_noise(results, console)
    for workload in results.workloads():
        console.print()
        console.print(Text(workload, style="bold"))
        for sentence in findings(results, workload):
            console.print(f"  {sentence}", soft_wrap=not console.is_terminal)
    if results.partial:
        console.print("\nThe run was interrupted: the numbers are of what was measured until then.")


def _print_workload(results: Results, workload: str, console: Console) -> None:
    cells = results.of_workload(workload)
    console.print(Text(f"{workload} ({cells[0].task_count} tasks a batch)", style="bold"))
    best = min(cells, key=lambda cell: cell.median)
    table = terminal.table(*COLUMNS)
    for cell in cells:
        table.add_row(*_row(results, cell), style="bold green" if cell is best else "")
    console.print(table)
    console.print()


def _row(results: Results, cell: Cell) -> list[str]:
    speedup, efficiency = results.speedup(cell), results.efficiency(cell)
    return [
        cell.executor, cell.pattern, str(cell.workers), duration(cell.median), f"{cell.spread:.1%}",
        "-" if speedup is None else f"{speedup:.2f}", "-" if efficiency is None else f"{efficiency:.0%}",
        duration(cell.first_result),
    ]  # fmt: skip


def _print_noise(results: Results, console: Console) -> None:
    wide = [cell for cell in results.cells.values() if cell.spread > WIDE_SPREAD]
    if len(wide) > len(results.cells) / 4:
        console.print(
            f"\n{len(wide)} of {len(results.cells)} cells spread by more than {WIDE_SPREAD:.0%}: other programs ran on "
            "this machine meanwhile. Measure again when it is quiet before believing small differences.",
            soft_wrap=not console.is_terminal,
        )


def _print_failures(results: Results, console: Console) -> None:
    if not results.failures:
        return
    console.print(Text("failed", style="bold red"))
    seen: dict[tuple[str, str], int] = {}
    for failure in results.failures:
        seen[failure.name, failure.message] = seen.get((failure.name, failure.message), 0) + 1
    for (name, message), count in seen.items():
        console.print(f"  {name}: {message}" + (f" ({count} repetitions)" if count > 1 else ""), soft_wrap=True)
    console.print()
