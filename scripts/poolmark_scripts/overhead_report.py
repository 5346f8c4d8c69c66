"""What scripts/overhead prints after a run: a table for each kind of pool."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from poolmark_scripts import terminal
from poolmark_scripts.goals import Row, fine_duration, rows
from poolmark_scripts.goals_processes import ProcessRow, process_rows
from poolmark_scripts.overhead_results import OverheadResults

COLUMNS = (
    ("goal", "left"), ("poolmark", "right"), ("spread", "right"), ("beside", "left"), ("its", "right"), ("ratio", "right"),
    ("limit", "right"), ("x limit", "right"),
)  # fmt: skip
CASE = ("case", "left")
CASE_FROM_WIDTH = 150  # a narrower terminal has no room for it
LEGEND = (
    "poolmark, its, limit: medians of a task (of the whole for wait_any). spread: distance between the quartiles. "
    "beside: the best peer, or poolmark itself. ratio: poolmark / beside, below 1 poolmark is cheaper. "
    "limit: a cache line's round trip; for cold a futex's; for map a plain loop."
)

PROCESS_COLUMNS = (
    ("processes", "left"), ("poolmark", "right"), ("spread", "right"), ("limit", "left"), ("its", "right"), ("x limit", "right"),
    ("CPython", "right"), ("x faster", "right"), ("met", "left"),
)  # fmt: skip
GOAL = ("goal", "left")
PROCESS_LEGEND = (
    "processes: a pool of 2 worker processes. limit: the same between two processes without a pool, in the same run. "
    "CPython: its ProcessPoolExecutor, run after it. x faster: CPython / poolmark. met: the goal."
)


def print_report(results: OverheadResults, console: Console) -> None:
    """Prints the tables, what failed, and what was not measured."""
    of_threads, of_processes = rows(results), process_rows(results)
    console.print()
    if of_threads:
        _print_threads(of_threads, console)
    if of_processes:
        _print_processes(of_processes, console)
    if not of_threads and not of_processes:
        console.print("None of the cases of the table was measured; the results file has the rest.\n")
    if results.failures:
        console.print(Text("failed", style="bold red"))
        for name, message in results.failures.items():
            console.print(f"  {name}: {message}", soft_wrap=True)
        console.print()
    if results.context.get("skipped"):
        console.print(f"skipped: {results.context['skipped']}", soft_wrap=True)
    for found, legend in ((of_threads, LEGEND), (of_processes, PROCESS_LEGEND)):
        if found:
            console.print(Text(legend, style="dim"), soft_wrap=not console.is_terminal)


def _print_threads(found: list[Row], console: Console) -> None:
    with_case = console.width >= CASE_FROM_WIDTH
    table = terminal.table(*COLUMNS, *([CASE] if with_case else []))
    for row in found:
        table.add_row(*_cells(row), *([row.ours.name.replace("/poolmark", "")] if with_case else []))
    console.print(table)
    console.print()


def _print_processes(found: list[ProcessRow], console: Console) -> None:
    with_goal = console.width >= CASE_FROM_WIDTH
    table = terminal.table(*PROCESS_COLUMNS, *([GOAL] if with_goal else []))
    for row in found:
        table.add_row(*_process_cells(row), *([row.goal] if with_goal else []))
    console.print(table)
    console.print()


def _process_cells(row: ProcessRow) -> list[str]:
    return [
        row.case, fine_duration(row.ours.median), f"{row.ours.spread:.0%}", row.limit_name,
        fine_duration(row.limit.median) if row.limit else "-", _ratio(row.limit_ratio),
        fine_duration(row.cpython.median) if row.cpython else "-", _ratio(row.cpython_ratio),
        {True: "yes", False: "no", None: "-"}[row.met],
    ]  # fmt: skip


def _cells(row: Row) -> list[str]:
    return [
        row.goal, row.show(row.ours.median), f"{row.ours.spread:.0%}", row.other_name,
        row.show(row.other.median) if row.other else "-", _ratio(row.ratio),
        row.show(row.limit.median) if row.limit else "-", _ratio(row.limit_ratio),
    ]  # fmt: skip


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"
