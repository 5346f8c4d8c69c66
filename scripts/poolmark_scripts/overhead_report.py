"""What scripts/overhead prints after a run: one table."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from poolmark_scripts import terminal
from poolmark_scripts.goals import Row, rows
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


def print_report(results: OverheadResults, console: Console) -> None:
    """Prints the table, what failed, and what was not measured."""
    found = rows(results)
    with_case = console.width >= CASE_FROM_WIDTH
    table = terminal.table(*COLUMNS, *([CASE] if with_case else []))
    for row in found:
        table.add_row(*_cells(row), *([row.ours.name.replace("/poolmark", "")] if with_case else []))
    console.print()
    console.print(table if found else "None of the cases of the table was measured; the results file has the rest.")
    console.print()
    if results.failures:
        console.print(Text("failed", style="bold red"))
        for name, message in results.failures.items():
            console.print(f"  {name}: {message}", soft_wrap=True)
        console.print()
    if results.context.get("skipped"):
        console.print(f"skipped: {results.context['skipped']}", soft_wrap=True)
    console.print(Text(LEGEND, style="dim"), soft_wrap=not console.is_terminal)


def _cells(row: Row) -> list[str]:
    return [
        row.goal, row.show(row.ours.median), f"{row.ours.spread:.0%}", row.other_name,
        row.show(row.other.median) if row.other else "-", _ratio(row.ratio),
        row.show(row.limit.median) if row.limit else "-", _ratio(row.limit_ratio),
    ]  # fmt: skip


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"
