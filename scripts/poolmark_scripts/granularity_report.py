"""What scripts/granularity prints after a run: METG of every subject, the goals, and what it means."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from poolmark_scripts import granularity_findings, metg, terminal
from poolmark_scripts.goals import fine_duration
from poolmark_scripts.granularity_goals import interval, rows, shown
from poolmark_scripts.granularity_results import GranularityResults, Outcome

COLUMNS = (
    ("executor", "left"), ("pattern", "left"), ("workers", "right"), ("METG(50 %)", "right"), ("95 % interval", "left"),
    ("grain", "right"), ("METG(90 %)", "right"), ("95 % interval", "left"), ("grain", "right"), ("overhead", "right"),
    ("METG/2o", "right"), ("rounds", "right"),
)  # fmt: skip
GOAL_COLUMNS = (("goal, METG(50 %)", "left"), ("pattern", "left"), ("found", "left"), ("best peer", "left"), ("met", "left"))
LEGEND = (
    "METG: minimum effective task granularity as Task Bench defines it, wall time x cores / tasks, so with the overhead: "
    "the smallest at which 50 % (90 %) of the time is work. grain: the work alone in such a task. <, >: beyond what was "
    "measured. overhead: wall time that one more empty task takes. METG/2o: METG(50 %) / (2 x overhead x cores), about 1 "
    "by theory; ! outside of 0.3 to 3. rounds: that count, and in brackets the rejected tries. * chunked: tasks handed out "
    "several at a time, so it is the METG of these chunks. cannot tell: the interval holds the bound or overlaps the peer's."
)
MET = {True: "yes", False: "no", None: "cannot tell"}


def print_report(results: GranularityResults, console: Console) -> None:
    """Prints tables, warnings, sentences, and what failed or was not measured."""
    outcomes = results.outcomes()
    console.print()
    if outcomes:
        console.print(_table(outcomes))
        console.print()
        console.print(_goals(results, outcomes))
        console.print()
    for sentence in granularity_findings.findings(results, outcomes):
        console.print(f"- {sentence}", soft_wrap=not console.is_terminal)
    for warning in granularity_findings.warnings(results, outcomes):
        console.print(Text(f"warning: {warning}", style="yellow"), soft_wrap=not console.is_terminal)
    if results.failures:
        console.print(Text("failed", style="bold red"))
        for failure in results.failures:
            console.print(f"  {failure['subject']}, round {failure['round']}: {failure['message']}", soft_wrap=True)
    if results.context.get("skipped"):
        console.print(f"skipped: {'; '.join(results.context['skipped'])}", soft_wrap=True)
    if outcomes:
        console.print(Text(LEGEND, style="dim"), soft_wrap=not console.is_terminal)


def _table(outcomes: dict[str, Outcome]):
    made = terminal.table(*COLUMNS)
    for outcome in sorted(outcomes.values(), key=lambda o: o.subject.workers):
        made.add_row(*_cells(outcome))
    return made


def _cells(outcome: Outcome) -> list[str]:
    subject = outcome.subject
    cells = [subject.executor, subject.pattern + (" *" if subject.chunked else ""), str(subject.workers)]
    for level in metg.LEVELS:
        found = outcome.at(level)
        cells += [shown(found.granularity), interval(found), shown(found.grain)] if found else ["-", "", "-"]
    known = outcome.overhead_ns is not None and outcome.overhead_ns > 0
    cells.append(fine_duration(outcome.overhead_ns) if known else "-")  # type: ignore[arg-type]
    ratio = outcome.ratio
    cells.append("-" if ratio is None else f"{ratio:.2f}" if metg.plausible(ratio) else f"{ratio:.2f} !")
    cells.append(f"{outcome.rounds} ({outcome.rejected})" if outcome.rejected else str(outcome.rounds))
    return cells


def _goals(results: GranularityResults, outcomes: dict[str, Outcome]):
    made = terminal.table(*GOAL_COLUMNS)
    for row in rows(results, outcomes):
        made.add_row(row.goal, row.ours, row.found, row.other, MET[row.met])
    return made
