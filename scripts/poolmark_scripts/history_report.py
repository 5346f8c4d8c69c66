"""What scripts/history show says: as text for people, as JSON for programs."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from poolmark_scripts import history_change_points as rule
from poolmark_scripts import terminal
from poolmark_scripts.history_commits import short
from poolmark_scripts.history_file import History
from poolmark_scripts.history_findings import Change, Findings
from poolmark_scripts.wording import listed

# Columns of a terminal from which the table also shows the levels, and how sure and how late a change was found.
WITH_LEVELS = 100
WITH_EVIDENCE = 125


def print_report(findings: Findings, history: History, name: str, console: Console) -> None:
    """Prints what the history holds, the change points, how it lags, and what that means for the exit status."""

    def say(text: str) -> None:
        console.print(text, soft_wrap=not console.is_terminal)

    for sentence in _head(findings, history, name):
        say(sentence)
    console.print()
    if findings.changes:
        console.print(_table(findings, console.width))
        console.print()
        for sentence in _subjects(findings) + _rebuilt(findings):
            say(sentence)
        console.print()
    for sentence in lag(findings):
        say(sentence)
    say(summary(findings))


def _head(findings: Findings, history: History, name: str) -> list[str]:
    epoch = findings.epoch
    machine = epoch.machine
    number = f", epoch {len(history.epochs)}: earlier epochs have other references" if len(history.epochs) > 1 else ""
    counts = f"{_count(len(findings.commits), 'commit')} measured, {_count(len(findings.series), 'cell')}{number}"
    said = [f"history    {name}: {counts}", f"reference  {short(epoch.reference)}; every number is a ratio to it"]
    facts = [machine["cpu_model"], f"{machine['usable_cpus']} usable CPUs", machine["compiler"], machine["host_name"]]
    said.append(f"machine    {', '.join(map(str, facts))}")
    if len(findings.commits) > rule.WINDOW:
        said.append(f"looked at  the last {rule.WINDOW} commits of each cell")
    return said


def _table(findings: Findings, width: int) -> Table:
    levels, evidence = width >= WITH_LEVELS, width >= WITH_EVIDENCE
    headings = [("change", "right"), ("cell", "left"), ("where", "left")]
    headings += [("level", "left")] if levels else []
    headings += [("p", "right"), ("found after", "left")] if evidence else []
    table = terminal.table(*headings)
    for change in findings.changes:
        values: list[str] = [f"{change.before:.3f} to {change.after:.3f}"] if levels else []
        values += [f"{change.p:.1g}", f"{change.found_after} measured"] if evidence else []
        style = "bold red" if change.stands else "green" if change.size < 0 else ""
        table.add_row(Text(sized(change.size), style=style), change.cell, where(change), *values)
    return table


def sized(size: float) -> str:
    """`+5.2 %`, or `-3.0 %`."""
    return f"{size * 100:+.1f} %"


def where(change: Change) -> str:
    """The commit of a change, or between which measured ones it lies."""
    if change.commits == 1:
        return f"in {short(change.first_after)}"
    apart = f", {change.commits} commits" if change.commits is not None and change.commits > 0 else ""
    return f"{short(change.last_before)}..{short(change.first_after)}{apart}"


def _subjects(findings: Findings) -> list[str]:
    """Of the first measured commits with a change, in the order of the commits."""
    subjects = {entry.commit: entry.subject for entry in findings.epoch.entries if entry.subject}
    named = {change.first_after for change in findings.changes}
    return [f"{short(commit)}  {subjects.get(commit, '(git did not know it when it was added)')}"
            for commit in findings.commits if commit in named]  # fmt: skip


def _rebuilt(findings: Findings) -> list[str]:
    commits = dict.fromkeys(short(change.first_after) for change in findings.changes if change.reference_rebuilt)
    if not commits:
        return []
    return [f"note: just before {listed(list(commits))} the reference was built anew; the change may be its build's."]


def lag(findings: Findings) -> list[str]:
    """How far the history is behind what happened: what it has not measured, and what it cannot see yet."""
    return [_behind(findings), *_off_the_line(findings), _delay(findings)]


def _behind(findings: Findings) -> str:
    behind, head = findings.behind_head, findings.line.head
    if head is None:
        return "lag: git does not tell how far HEAD is ahead (run it in the checkout, or give --repository DIR)."
    if behind is None:
        why = "the checkout is shallow, git fetch --unshallow mends it"
        why = why if findings.line.is_shallow else "give the repository that has them with --repository DIR"
        return f"lag: no measured commit is among the first parents of HEAD ({short(head)}); {why}."
    if behind == 0:
        return f"lag: HEAD ({short(head)}) is measured."
    return f"lag: the history is {_count(behind, 'commit')} behind HEAD ({short(head)})."


def _off_the_line(findings: Findings) -> list[str]:
    count = len(findings.off_the_line)
    if not count:
        return []
    verb, place = ("is", "it was added") if count == 1 else ("are", "they were added")
    what = _count(count, "measured commit")
    return [f"note: {what} {verb} none of HEAD's first parents; taken in the order in which {place}."]


def needed_next(findings: Findings) -> int | None:
    """How many measured commits a change that begins with the next commit takes to be found, when it stands clear of
    the noise: of the cell that has been measured at the fewest commits since its last change. None if no number is
    enough yet."""
    most = rule.WINDOW - rule.LEAST_SEGMENT
    needed = [rule.points_needed(min(_quiet(series.levels()), most)) for series in findings.series]
    known = [count for count in needed if count is not None]
    return max(known) if known and len(known) == len(needed) else None


def _quiet(levels: list[tuple[int, int, float]]) -> int:
    start, end, _ = levels[-1]
    return end - start


def _delay(findings: Findings) -> str:
    needed = needed_next(findings)
    if needed is None:
        return (
            f"A change needs {rule.LEAST_SEGMENT} measured commits on either side and {rule.least_points()} in all to be "
            "found; not every cell has the commits before it yet."
        )
    return (
        f"A change in the next commit will be found once {needed} commits from it on are measured, at the latest, if it "
        "stands clear of the noise; docs/history.md has how long others take."
    )


def summary(findings: Findings) -> str:
    """The closing sentence: counts and the exit status."""
    status = findings.exit_status()
    standing = sum(change.stands for change in findings.changes)
    found = f"{_count(len(findings.changes), 'change point')} found" if findings.changes else "no change point found"
    what = f"{_count(standing, 'slow-down')} still there at the end" if standing else "no slow-down is there at the end"
    return f"{found}, {what} (exit {status})"


def document(findings: Findings, history: History, name: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "format": 1, "history": name, "epoch": len(history.epochs), "reference": findings.epoch.reference,
        "machine": findings.epoch.machine, "commits": list(findings.commits), "window": rule.WINDOW,
        "head": findings.line.head, "behind_head": findings.behind_head, "commits_needed_next": needed_next(findings),
        "exit_status": findings.exit_status(), "changes": [_change(change) for change in findings.changes],
        "cells": {series.cell: len(series.commits) for series in findings.series},
    }  # fmt: skip


def _change(change: Change) -> dict[str, Any]:
    return {
        "cell": change.cell, "size": change.size, "before": change.before, "after": change.after, "p": change.p,
        "last_before": change.last_before, "first_after": change.first_after, "commits": change.commits,
        "found_after": change.found_after, "stands": change.stands, "reference_rebuilt": change.reference_rebuilt,
    }  # fmt: skip


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
