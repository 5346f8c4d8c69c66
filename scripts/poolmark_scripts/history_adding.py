"""From a report of scripts/gate to an entry of the history, and what is refused because it could not be compared."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

from poolmark_scripts.gate.model import ArmFacts, CellReport, GateReport, Verdict
from poolmark_scripts.history_commits import About, short
from poolmark_scripts.history_file import Entry, Epoch, History, HistoryError, Measured, is_ratio
from poolmark_scripts.intervals import least_samples

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# Of the reference: it is the same program on the same machine, or its ratios are others. The commit's own flags may
# change: that is one of the things a history is there to show.
MACHINE = ("host_name", "cpu_model", "usable_cpus", "compiler", "compiler_flags", "build_type")
BOTH_ARMS = ("host_name", "cpu_model", "usable_cpus", "compiler", "build_type")
NO_RATIO = (Verdict.UNTRUSTED, Verdict.FAILED, Verdict.REMOVED, Verdict.NEW)
ANEW = "--pin-anew starts a new epoch with it, in which the entries so far are kept, but not compared."


def add(
    history: History, report: GateReport, measured: str, pin_anew: bool, name: str, about: About | None = None
) -> tuple[History, list[str]]:
    """The history with the report's ratios, and sentences to print. `name` is what to call the report, `measured` when
    it was made, `about` what git says of its commit. Raises HistoryError."""
    _check_commits(report, name)
    machine = _machine(report, name)
    entry = _entry(report, measured, about, name)
    if not history.epochs or pin_anew:
        history = history.with_epoch(Epoch(report.base.commit, report.base.sha256, machine))
        said = [f"pinned {short(report.base.commit)} as the reference of epoch {len(history.epochs)}"]
    else:
        _check_epoch(history.current, report, machine, name)
        said = []
    epoch = history.current
    if any(_same(entry, other) for other in epoch.entries):
        return history, [f"{name} is in the history already: nothing to add"]
    if any(entry.has_rebuilt_reference(other) for other in epoch.entries[-1:]):
        said.append(
            f"the reference {short(epoch.reference)} was built anew: with the same seed none of its links is one of those "
            "before. A change point from here on may be the build's; keep the reference's build to rule that out"
        )
    before = sum(other.commit == entry.commit for other in epoch.entries)
    said.append(_summary(entry, before))
    if report.partial:
        said.append(f"{name} is partial, its run was interrupted: what was measured counts")
    return history.with_entry(entry), said + [f"left out {cell}: {reason}" for cell, reason in entry.left_out.items()]


def _same(entry: Entry, other: Entry) -> bool:
    """Whether both are of one report; what git said of the commit does not count."""
    return replace(entry, date=None, subject=None) == replace(other, date=None, subject=None)


def _summary(entry: Entry, before: int) -> str:
    again = f", measured {before + 1} times now; the median counts" if before else ""
    return f"added {len(entry.cells)} cell{'s' * (len(entry.cells) != 1)} of {short(entry.commit)}{again}"


def _check_commits(report: GateReport, name: str) -> None:
    for arm, which in ((report.base, "base"), (report.new, "new build")):
        if not COMMIT.fullmatch(arm.commit):
            raise HistoryError(
                f"the {which} of {name} is of commit {arm.commit!r}, not of 40 hexadecimal digits: a history is one of "
                "commits. Build in a git checkout and measure that with scripts/gate."
            )
        if arm.context.get("dirty"):
            raise HistoryError(
                f"the {which} of {name} is commit {short(arm.commit)} with changes that are not committed, so nobody could "
                "find out later what was measured. Commit them, and measure that commit with scripts/gate."
            )


def _machine(report: GateReport, name: str) -> dict[str, Any]:
    for field in BOTH_ARMS:
        base, new = (_fact(arm, field) for arm in (report.base, report.new))
        if base != new:
            raise HistoryError(
                f"{name} compares different builds: {field} is {base!r} in the base and {new!r} in the new build. Build both "
                "with one compiler on one machine."
            )
    return {field: _fact(report.base, field) for field in MACHINE}


def _fact(arm: ArmFacts, field: str) -> Any:
    return arm.context.get(field, "unknown")


def _check_epoch(epoch: Epoch, report: GateReport, machine: dict[str, Any], name: str) -> None:
    if report.base.commit != epoch.reference:
        raise HistoryError(
            f"the base of {name} is {short(report.base.commit)}, but the history's ratios are to {short(epoch.reference)}; "
            f"ratios to different builds cannot be compared. Measure against {short(epoch.reference)} "
            f"(scripts/gate {epoch.reference[:12]} ...), or add it as a new reference: {ANEW}"
        )
    differing = [
        f"\n  {field} was {epoch.machine.get(field)!r}, is {value!r}"
        for field, value in machine.items()
        if value != epoch.machine.get(field)
    ]
    if differing:
        raise HistoryError(
            f"{name} was measured elsewhere, or with another compiler, than the history:{''.join(differing)}\nRatios of "
            f"different machines cannot be compared. Measure where the history was measured, or begin anew: {ANEW}"
        )


def _entry(report: GateReport, measured: str, about: About | None, name: str) -> Entry:
    cells: dict[str, Measured] = {}
    left_out: dict[str, str] = {}
    for cell in sorted(report.cells, key=lambda cell: cell.name):
        if reason := _unusable(cell):
            left_out[cell.name] = reason
            continue
        assert cell.ratio is not None and cell.band is not None
        cells[cell.name] = Measured(cell.ratio, cell.blocks, cell.band)
    if not cells:
        reasons = "".join(f"\n  {cell}: {reason}" for cell, reason in left_out.items()) or " it has no cells."
        raise HistoryError(f"{name} has no ratio to keep:{reasons}\nMeasure again with scripts/gate.")
    return Entry(
        report.new.commit, measured, cells, left_out, date=about.date if about else None,
        subject=about.subject if about else None, seed=report.seed, reference_sha256=report.base.sha256,
    )  # fmt: skip


def _unusable(cell: CellReport) -> str:
    """Why a cell's ratio is not kept; empty if it is."""
    if cell.verdict in NO_RATIO:
        return f"{cell.verdict.value}; {cell.reason}" if cell.reason else cell.verdict.value
    if cell.ratio is None or cell.band is None:
        return cell.reason or "was not measured"
    if cell.blocks < least_samples():
        return f"{cell.blocks} blocks that count are too few for an interval, which needs {least_samples()}"
    if not is_ratio(cell.ratio) or not math.isfinite(cell.band.tolerance):
        return f"its ratio is {cell.ratio.median}, between {cell.ratio.low} and {cell.ratio.high}"
    return ""
