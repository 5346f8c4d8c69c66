"""One comparison, three forms: text for people, Markdown for pull requests, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from poolmark_scripts import terminal, units
from poolmark_scripts.comparison import MIN_REPETITIONS, TEST_NAME, Comparison, Estimate, Row, Verdict
from poolmark_scripts.results import Results

STYLE = {
    Verdict.REGRESSED: "bold red",
    Verdict.FAILED: "bold red",
    Verdict.MISSING: "bold red",
    Verdict.UNDECIDED: "yellow",
    Verdict.IMPROVED: "green",
}
# Columns of a terminal from which the table also shows the times, and the ratios against the controls.
WITH_TIMES = 98
WITH_CONTROLS = 130
MARKDOWN_LIMIT = 60000  # GitHub refuses comments of more than 65536 characters


def print_text(comparison: Comparison, strict: bool, console: Console) -> None:
    """Prints the table, a line for each reason, and the closing sentence."""
    console.print(f"base  {_describe(comparison.base)}\nnew   {_describe(comparison.new)}", soft_wrap=True)
    console.print()
    console.print(_table(comparison, console.width))
    console.print()
    for (verdict, reason), names in _reasons(comparison).items():
        console.print(f"{verdict.value}: {', '.join(names)}: {reason}", soft_wrap=True)
    console.print()
    for note in comparison.notes:
        console.print(f"note: {note}", soft_wrap=True)
    console.print(f"test: {TEST_NAME}.", soft_wrap=True)
    console.print(summary(comparison, strict), soft_wrap=True)


def _table(comparison: Comparison, width: int) -> Table:
    times, experts = width >= WITH_TIMES, width >= WITH_CONTROLS
    headings = [("verdict", "left"), ("cell", "left")]
    headings += [("base", "right"), ("new", "right")] if times else []
    headings += [_ratio_heading(comparison), ("95 % interval", "left")]
    headings += [("to baseline", "right"), ("to peers", "right"), ("p", "right")] if experts else []
    table = terminal.table(*headings)
    for row in comparison.rows:
        values = [*(_times(row) if times else ()), *_ratio(row)]
        values += [*_controlled(row), _p(row)] if experts else []
        table.add_row(Text(row.verdict.value, style=STYLE.get(row.verdict, "")), row.name, *values)
    return table


def _reasons(comparison: Comparison) -> dict[tuple[Verdict, str], list[str]]:
    grouped: dict[tuple[Verdict, str], list[str]] = {}
    for row in comparison.rows:
        if row.reason:
            grouped.setdefault((row.verdict, row.reason), []).append(row.name)
    return grouped


def markdown(comparison: Comparison, strict: bool) -> str:
    """A comment for a pull request: what needs attention first, the rest folded away."""
    lines = [f"### poolmark: {summary(comparison, strict)}", ""]
    lines += [f"- base: {_describe(comparison.base)}", f"- new: {_describe(comparison.new)}", ""]
    lines += [f"> {note}" for note in comparison.notes] + ([""] if comparison.notes else [])
    quiet = [row for row in comparison.rows if row.verdict is Verdict.UNCHANGED]
    loud = [row for row in comparison.rows if row.verdict is not Verdict.UNCHANGED]
    if loud:
        lines += _markdown_table(loud) + [""]
    if quiet:
        lines += ["<details><summary>" + f"{len(quiet)} unchanged cells</summary>", "", *_markdown_table(quiet), "", "</details>", ""]
    closing = [f"Test: {TEST_NAME}."]
    text = "\n".join(lines + closing) + "\n"
    if len(text) > MARKDOWN_LIMIT:
        text = text[:MARKDOWN_LIMIT].rsplit("\n", 1)[0] + "\n\n(cut: too many cells for one comment)\n"
    return text


def as_json(comparison: Comparison, strict: bool) -> str:
    """Everything the other forms show, for programs."""

    def estimate(value: Estimate | None) -> dict[str, float] | None:
        return dataclasses.asdict(value) if value else None

    rows = [
        {
            "name": row.name, "verdict": row.verdict.value, "reason": row.reason,
            "base_median_ns": row.base_median, "new_median_ns": row.new_median,
            "base_repetitions": row.base_repetitions, "new_repetitions": row.new_repetitions,
            "ratio": estimate(row.raw), "ratio_to_baseline": estimate(row.to_baseline),
            "ratio_to_peers": estimate(row.to_peers), "ratio_of_cpu_time": estimate(row.cpu_time), "p": row.p,
        }
        for row in comparison.rows
    ]
    document: dict[str, Any] = {
        "base": str(comparison.base.path), "new": str(comparison.new.path),
        "threshold": comparison.threshold, "across_machines": comparison.across_machines, "strict": strict,
        "test": TEST_NAME, "min_repetitions": MIN_REPETITIONS,
        "exit_status": comparison.exit_status(strict),
        "counts": {verdict.value: comparison.count(verdict) for verdict in Verdict},
        "notes": list(comparison.notes), "cells": rows,
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def summary(comparison: Comparison, strict: bool) -> str:
    """The closing sentence: counts, threshold, exit status."""
    counts = ", ".join(
        f"{comparison.count(verdict)} {verdict.value}" for verdict in Verdict if comparison.count(verdict)
    )
    status = comparison.exit_status(strict)
    meaning = {0: "no regression found", 1: "regression, failed or missing cell", 2: "undecided cells under --strict"}
    return f"{counts or 'no cells'} at a threshold of {comparison.threshold:.1%}: {meaning[status]} (exit {status})"


def _describe(results: Results) -> str:
    context = results.context
    commit = context["commit"][:12] + ("+changes" if context["dirty"] else "")
    return f"{results.path}  {commit}  {context['date']}  {context['cpu_model']}, {context['usable_cpus']} usable CPUs"


def _ratio_heading(comparison: Comparison) -> tuple[str, str]:
    return ("speed-up base/new" if comparison.across_machines else "new/base", "right")


def _times(row: Row) -> tuple[str, str]:
    return units.duration(row.base_median), units.duration(row.new_median)


def _ratio(row: Row) -> tuple[str, str]:
    shown = row.raw or row.to_baseline
    return (f"{shown.ratio:.3f}", f"{shown.low:.3f} - {shown.high:.3f}") if shown else ("-", "")


def _controlled(row: Row) -> tuple[str, str]:
    baseline, peers = (f"{made.ratio:.3f}" if made else "-" for made in (row.to_baseline, row.to_peers))
    return baseline, peers


def _p(row: Row) -> str:
    if row.p is None:
        return "-"
    return "<0.001" if row.p < 0.001 else f"{row.p:.3f}"


def _markdown_table(rows: list[Row]) -> list[str]:
    lines = [
        "| verdict | cell | base | new | new/base | 95 % interval | to baseline | to peers | p |",
        "|---|---|---:|---:|---:|---|---:|---:|---:|",
    ]
    for row in rows:
        shown = f"**{row.verdict.value}**" if row.verdict in STYLE else row.verdict.value
        reason = f"<br>{_cell_text(row.reason)}" if row.reason else ""
        values = [shown, f"`{row.name}`" + reason, *_times(row), *_ratio(row), *_controlled(row), _p(row)]
        lines.append("| " + " | ".join(values) + " |")
    return lines


def _cell_text(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
