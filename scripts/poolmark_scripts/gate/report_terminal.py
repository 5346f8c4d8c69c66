"""The report for who ran the gate: the outcome, the cells that need a look, how sure that is, how to repeat it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from poolmark_scripts import terminal
from poolmark_scripts.gate import wording
from poolmark_scripts.gate.model import CellReport, GateReport, Verdict

STYLE = {
    Verdict.REGRESSED: "bold red",
    Verdict.FAILED: "bold red",
    Verdict.REMOVED: "bold red",
    Verdict.UNTRUSTED: "yellow",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.IMPROVED: "green",
}
EQUIVALENTS_IN_FULL = 5  # more of them are told of in one sentence
INDENT = 4
LEGEND = {
    "new/base": "new/base: how much longer the new build takes, with the 95 % interval.",
    "base again": "base again: the same of the base, linked in another order; what is not 0 there is no change of "
    "code.",
    "band": "band: what counts as no change.",
    "sees": "sees: the smallest slow-down that the rounds would have shown.",
    "rounds": "rounds: those that count, of all where some were disturbed.",
    "p": "p: exact sign test, corrected for the number of suspects and of trials.",
}


@dataclass(frozen=True)
class _Column:
    heading: str
    justify: str
    shown: Callable[[CellReport], str | Text]
    spared: int  # the order in which columns give way on a narrow terminal; 0 never does


COLUMNS = (
    _Column("verdict", "left", lambda cell: Text(cell.verdict.value, style=STYLE.get(cell.verdict, "")), 0),
    _Column("cell", "left", lambda cell: Text(wording.one_line(cell.name)), 0),
    _Column("new/base", "left", lambda cell: wording.change(cell.ratio), 0),
    _Column("base again", "left", lambda cell: wording.change(cell.null), 1),
    _Column("band", "right", lambda cell: wording.band(cell.band), 4),
    _Column("sees", "right", wording.seen_from, 3),
    _Column("rounds", "right", wording.rounds, 5),
    _Column("p", "right", wording.p, 6),
    _Column("rests on", "left", wording.rests_on, 2),
)


def print_report(report: GateReport, console: Console, exit_status: int) -> None:
    """Prints the outcome first, then what it rests on."""
    _line(console, wording.capital(wording.headline(report)) + ".", style="bold")
    console.print()
    for arm, facts in (("base", report.base), ("new ", report.new)):
        _line(console, f"{arm}  {wording.arm(facts)}")
    _line(console, f"{wording.machine(report)}; {wording.effort(report)}")
    console.print()
    _print_cells(report, console)
    _print_counts(report, console)
    for note in report.notes:
        _line(console, f"note: {wording.one_line(note)}")
    console.print(Text(f"repeat with: {report.command}"), soft_wrap=True)  # to be copied whole
    _line(console, wording.outcome(exit_status))


def _print_cells(report: GateReport, console: Console) -> None:
    equal = report.of(Verdict.EQUIVALENT)
    folded = equal if len(equal) > EQUIVALENTS_IN_FULL else []
    shown = [wording.shown(cell) for cell in report.cells if cell not in folded]
    if shown:
        columns = _fitting(shown, console)
        _print_rows(shown, columns, console)
    if folded:
        _line(console, f"{wording.equivalents(folded)}.")
    if shown:
        legend = " ".join(LEGEND[column.heading] for column in columns if column.heading in LEGEND)
        _line(console, legend, style="dim")
    console.print()


def _fitting(cells: list[CellReport], console: Console) -> list[_Column]:
    """As many columns as the terminal is wide enough for; the least needed go first."""
    columns = list(COLUMNS)
    while _width(cells, columns, console) > console.width and (spare := [one for one in columns if one.spared]):
        columns.remove(min(spare, key=lambda column: column.spared))
    return columns


def _width(cells: list[CellReport], columns: list[_Column], console: Console) -> int:
    unlimited = console.options.update(max_width=10_000)
    return console.measure(_table(cells, columns), options=unlimited).maximum


def _table(cells: list[CellReport], columns: list[_Column]) -> Table:
    table = terminal.table(*((column.heading, column.justify) for column in columns))
    for cell in cells:
        table.add_row(*(column.shown(cell) for column in columns))
    return table


def _print_rows(cells: list[CellReport], columns: list[_Column], console: Console) -> None:
    """The table, and below each of its rows the reason."""
    width = _width(cells, columns, console)
    heading, *rows = console.render_lines(_table(cells, columns), console.options.update(width=width), pad=False)
    for line, remarks in zip([heading, *rows], [[], *map(wording.remarks, cells)]):
        text = Text.assemble(*((segment.text, segment.style or "") for segment in line))
        text.rstrip()
        console.print(text, soft_wrap=True)
        for remark in remarks:
            _line(console, remark, INDENT)


def _print_counts(report: GateReport, console: Console) -> None:
    others = [cell for cell in report.cells if not wording.is_by_count(cell)]
    changed = [(cell, count) for cell in others for count in wording.changed_counts(cell)]
    if not changed:
        return
    where = " in other cells" if len(others) < len(report.cells) else ""
    _line(console, f"counts that changed{where}", style="bold")
    for cell, count in changed:
        _line(console, f"{wording.one_line(cell.name)}: {wording.count_change(count)}", INDENT)
    console.print()


def _line(console: Console, text: str, indent: int = 0, style: str = "") -> None:
    """One line in a pipe, for searching in it; wrapped below its own start on a terminal."""
    if console.is_terminal:
        console.print(Padding(Text(text, style=style), (0, 0, 0, indent), expand=False))
    else:
        console.print(Text(" " * indent + text, style=style), soft_wrap=True)
