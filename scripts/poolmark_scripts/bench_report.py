"""What scripts/bench prints after a run: a table for each workload, and what it means."""

from __future__ import annotations

import math
import statistics

from rich.console import Console
from rich.table import Table
from rich.text import Text

from poolmark_scripts import laws, terminal, verdicts
from poolmark_scripts.findings import findings
from poolmark_scripts.findings_granularity import task_lengths
from poolmark_scripts.intervals import Interval, median_interval
from poolmark_scripts.results import Cell, Results
from poolmark_scripts.units import common_unit, duration

# Columns of a terminal from which the table also shows the serial fraction, and how often and why no more was measured.
WITH_DETAILS = 116
WIDE_SPREAD = 0.1  # quiet machines stay below 0.02
MANY_DISTURBED = 0.25  # of the samples that count
NOTHING = "-"
LEGEND = (
    "median: wall time of a batch. ±95%: within so much of it lies the true median, with 95 % confidence. "
    "speed-up: over the sequential loop of this run. eff.: speed-up / workers. first: until the first result."
)
DETAILS = " Karp-Flatt: the serial fraction that would explain the speed-up. -: not measured, or too few {counted} for an interval."
STOPPED = " stopped: precise, the interval is within 1 %; budget, the time was spent."
ONE_PROCESS = (
    "All repetitions were taken in one process: what differs from process to process (addresses, the layout of memory) "
    "is in no interval here. scripts/bench measures in fresh ones."
)


def print_report(results: Results, console: Console) -> None:
    """Prints everything about a run that people want to know first."""
    for workload in results.workloads():
        _print_workload(results, workload, console)
    _print_failures(results, console)
    console.print(Text(_legend(results, console), style="dim"), soft_wrap=not console.is_terminal)
    _print_noise(results, console)
    _print_disturbances(results, console)
    for workload in results.workloads():
        console.print()
        console.print(Text(workload, style="bold"))
        for sentence in findings(results, workload):
            console.print(f"  {sentence}", soft_wrap=not console.is_terminal)
    for sentence in task_lengths(results):
        console.print(f"\n{sentence}", soft_wrap=not console.is_terminal)
    _print_oddities(results, console)
    if results.cells and results.record is None:
        console.print(f"\n{ONE_PROCESS}", soft_wrap=not console.is_terminal)
    if results.partial:
        console.print("\nThe run was interrupted: the numbers are of what was measured until then.")


def _legend(results: Results, console: Console) -> str:
    if console.width < WITH_DETAILS:
        return LEGEND
    counted = "rounds" if results.record else "repetitions"
    return LEGEND + DETAILS.format(counted=counted) + (STOPPED if results.record else "")


def _print_workload(results: Results, workload: str, console: Console) -> None:
    cells = results.of_workload(workload)
    console.print(Text(f"{workload} ({cells[0].task_count} tasks a batch)", style="bold"))
    fair = verdicts.warm_or_all(results, workload)
    best = min(fair, key=lambda cell: cell.median) if fair else None
    unit = common_unit([cell.median for cell in cells])
    detailed = console.width >= WITH_DETAILS
    table = _table(results, f"median {unit.name}", detailed)
    for cell in cells:
        row = [*_identity(cell), unit.shown(cell.median), *_figures(results, cell)]
        table.add_row(*row, *(_details(results, cell) if detailed else ()), style="bold green" if cell is best else "")
    console.print(table)
    console.print()


def _table(results: Results, median: str, detailed: bool) -> Table:
    headings = [("executor", "left"), ("pattern", "left"), ("workers", "right"), (median, "right"), ("±95%", "right")]
    headings += [("speed-up", "right"), ("±", "left"), ("eff.", "right"), ("first", "right")]
    if detailed:
        headings += [("Karp-Flatt", "right"), ("±", "left"), ("rounds" if results.record else "repetitions", "right")]
        headings += [("stopped", "left")] if results.record else []
    return terminal.table(*headings)


def _identity(cell: Cell) -> list[str]:
    return [cell.executor, " ".join([cell.pattern, *cell.variant.split("/")]).strip(), str(cell.workers)]


def _figures(results: Results, cell: Cell) -> list[str]:
    known, speedup = median_interval(cell.real_times), results.speedup(cell)
    efficiency = results.efficiency(cell)
    return [
        NOTHING if known is None else f"{known.half_width:.1%}",
        NOTHING if speedup is None else f"{speedup:.2f}",
        "" if cell is results.baseline(cell.workload) else _side(laws.speedup(results, cell), 2),
        NOTHING if efficiency is None else f"{efficiency:.0%}",
        duration(cell.first_result),
    ]  # fmt: skip


def _details(results: Results, cell: Cell) -> list[str]:
    fraction = laws.karp_flatt(results, cell)
    shown = [NOTHING if fraction is None else f"{fraction.median:.3f}", _side(fraction, 3), str(len(cell.real_times))]
    if results.record is None:
        return shown
    stop = results.record.stops.get(cell.name)
    return [*shown, NOTHING if stop is None else stop.reason]


def _side(interval: Interval | None, digits: int) -> str:
    """The larger side of an interval, in the units of its middle, rounded up: nothing is known to ±0."""
    if interval is None:
        return ""
    side = max(interval.high - interval.median, interval.median - interval.low)
    return f"{math.ceil(side * 10**digits) / 10**digits:.{digits}f}"


def _print_noise(results: Results, console: Console) -> None:
    wide = [cell for cell in results.cells.values() if cell.spread > WIDE_SPREAD]
    if len(wide) > len(results.cells) / 4:
        console.print(
            f"\n{len(wide)} of {len(results.cells)} cells spread by more than {WIDE_SPREAD:.0%}: other programs ran on "
            "this machine meanwhile. Measure again when it is quiet before believing small differences.",
            soft_wrap=not console.is_terminal,
        )


def _print_oddities(results: Results, console: Console) -> None:
    """What was not measured, and what functions did that they had better not."""
    sentences = list(results.context.get("left_out", ()))
    for workload in results.workloads():
        printed = [size for cell in results.of_workload(workload) for size in cell.printed]
        if printed:
            sentences.append(
                f"The function of {workload} writes to standard output, {statistics.median(printed):.0f} bytes a batch: "
                "they are in no report, but writing them is part of its times."
            )
    for sentence in sentences:
        console.print(Text(f"\n{sentence}"), soft_wrap=not console.is_terminal)


def _print_disturbances(results: Results, console: Console) -> None:
    """A run that never had the machine to itself says so before it is believed."""
    if results.record is None:
        return
    counted = [sample for sample in results.record.samples if sample.counts]
    disturbed = [sample for sample in counted if sample.reasons]
    if len(disturbed) > len(counted) * MANY_DISTURBED:
        console.print(
            f"\n{len(disturbed)} of the {len(counted)} samples that count were disturbed all the same, such as: "
            f"{disturbed[-1].reasons[0]}. The intervals hold what that did; measure again when the machine is quiet.",
            soft_wrap=not console.is_terminal,
        )


def _print_failures(results: Results, console: Console) -> None:
    if not results.failures:
        return
    console.print(Text("failed", style="bold red"))
    names: dict[str, list[str]] = {}
    for failure in results.failures:
        names.setdefault(failure.message, []).append(failure.name)
    for message, failed in names.items():
        counted = [name + (f" ({failed.count(name)} times)" if failed.count(name) > 1 else "") for name in dict.fromkeys(failed)]
        console.print(f"  {', '.join(counted)}: {message}", soft_wrap=True)
    console.print()
