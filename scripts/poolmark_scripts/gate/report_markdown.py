"""The report as a comment on a pull request: the outcome, what changed and how sure that is, the rest folded away."""

from __future__ import annotations

import re
from typing import Callable, Sequence

from poolmark_scripts.gate import wording
from poolmark_scripts.gate.model import CellReport, GateReport, Verdict

MARKER = "<!-- poolmark-gate -->"  # by which a job finds its comment, to replace it
LIMIT = 65_000  # GitHub refuses comments of more than 65 536 characters
LONGEST_REASON = 500
LONGEST_NAME = 120
LONGEST_LINE = 1_000
LONGEST_COMMAND = 4_000
MOST_NOTES = 20
CLOSING = 400  # kept free for what ends a table that was cut
BOLD = (Verdict.REGRESSED, Verdict.FAILED, Verdict.REMOVED, Verdict.UNTRUSTED)
CHANGED = (*BOLD, Verdict.IMPROVED, Verdict.NEW)
LEGEND = (
    "new / base: how much longer the new build takes, with the 95 % interval. Base again: the same of the base, linked "
    "in another order; what is not 0 there is no change of code. p: exact sign test, corrected for the number of "
    "suspects."
)

Row = Callable[[CellReport], "list[str]"]


def markdown(report: GateReport, exit_status: int) -> str:
    """The comment; never longer than GitHub takes."""
    outcome = wording.capital(wording.headline(report, _code))
    head = [MARKER, f"### poolmark gate: {wording.tally(report)}", "", f"{outcome}.", "", *_facts(report), ""]
    tail = [*_notes(report), *_closing(report, exit_status)]
    room = LIMIT - len("\n".join([*head, *tail]))
    changed = _changed(report, room // 2)
    unseen = _unseen(report, (room - _length(changed)) // 2)
    details = _details(report, room - _length(changed) - _length(unseen))
    return "\n".join([*head, *changed, *unseen, *details, *tail]) + "\n"


def _facts(report: GateReport) -> list[str]:
    said = [
        f"base: {wording.arm(report.base)}", f"new: {wording.arm(report.new)}",
        f"{wording.machine(report)}; {wording.effort(report)}",
    ]  # fmt: skip
    return [f"- {_text(line)}" for line in said]


def _changed(report: GateReport, room: int) -> list[str]:
    cells = [cell for cell in report.cells if cell.verdict in CHANGED]
    if not cells:
        return []
    headings = "| verdict | cell | new / base | base again | no change | rounds | p | rests on |"
    return [*_table(headings, "---|---|---|---|---:|---:|---:|---", cells, _full_row, room), "", LEGEND, ""]


def _unseen(report: GateReport, room: int) -> list[str]:
    """Of the cells that could not be decided, what would have been seen; of the equivalent ones together."""
    lines = []
    if cells := report.of(Verdict.INCONCLUSIVE):
        headings = "| cell | new / base | no change | a slow-down would show from | rounds |"
        lines += ["#### What could not be seen", ""]
        lines += [*_table(headings, "---|---|---:|---:|---:", cells, _unseen_row, room), ""]
    if cells := report.of(Verdict.EQUIVALENT):
        lines += [_text(wording.capital(wording.equivalents(cells))) + ".", ""]
    return lines


def _details(report: GateReport, room: int) -> list[str]:
    headings = "| verdict | cell | new / base | base again | no change | rounds | p | rests on |"
    opening = [f"<details><summary>All {len(report.cells)} cells</summary>", ""]
    closing = ["", "</details>", ""]
    room -= _length([*opening, *closing])
    table = _table(headings, "---|---|---|---|---:|---:|---:|---", report.cells, _full_row, room)
    return [*opening, *table, *closing] if report.cells else []


def _table(headings: str, rule: str, cells: Sequence[CellReport], row: Row, room: int) -> list[str]:
    """As many rows as there is room for, and a sentence that says how many there are more."""
    lines = [headings, f"|{rule}|"]
    room -= _length(lines) + CLOSING
    for index, cell in enumerate(map(wording.shown, cells)):
        line = f"| {' | '.join(row(cell))} |"
        room -= len(line) + 1
        if room < 0:
            left = len(cells) - index
            return [*lines, "", f"{left} more cell{'s' * (left != 1)} left out: too many for one comment."]
        lines.append(line)
    return lines


def _full_row(cell: CellReport) -> list[str]:
    verdict = f"**{cell.verdict.value}**" if cell.verdict in BOLD else cell.verdict.value
    evidence = [wording.band(cell.band), wording.rounds(cell), _text(wording.p(cell)), wording.rests_on(cell)]
    return [verdict, _named(cell), wording.change(cell.ratio), wording.change(cell.null), *evidence]


def _unseen_row(cell: CellReport) -> list[str]:
    evidence = [wording.band(cell.band), wording.seen_from(cell), wording.rounds(cell)]
    return [_named(cell), wording.change(cell.ratio), *evidence]


def _named(cell: CellReport) -> str:
    """The name, and what is to be said of it."""
    said = wording.remarks(cell)
    if not wording.is_by_count(cell):
        said += [wording.count_change(count) for count in wording.changed_counts(cell)]
    return "<br>".join([_code(cell.name), *(_text(line, LONGEST_REASON) for line in said)])


def _notes(report: GateReport) -> list[str]:
    notes = [f"> {_text(note, LONGEST_REASON)}" for note in report.notes[:MOST_NOTES]]
    notes += [f"> and {left} more notes"] if (left := len(report.notes) - len(notes)) > 0 else []
    return [line for note in notes for line in (note, "")]


def _closing(report: GateReport, exit_status: int) -> list[str]:
    command = wording.shortened(report.command, LONGEST_COMMAND)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", command)), default=0))
    return ["Repeat with", "", f"{fence}sh", command, fence, "", f"{wording.capital(wording.outcome(exit_status))}."]


def _code(name: str) -> str:
    """A name between backticks, in a table too."""
    return "`" + wording.shortened(wording.one_line(name), LONGEST_NAME).replace("`", "'").replace("|", "\\|") + "`"


def _text(text: str, most: int = LONGEST_LINE) -> str:
    """Text that means nothing in Markdown, and calls nobody by name."""
    plain = wording.shortened(wording.one_line(text), most)
    plain = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", plain)


def _length(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)
