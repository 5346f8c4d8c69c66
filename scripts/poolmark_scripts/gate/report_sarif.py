"""The report as SARIF 2.1.0, which code scanning shows beside the source of a workload.

Only what needs a look is a result: a cell that regressed, failed, was removed, or of which nothing could be said.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any, Callable
from urllib.parse import quote

from poolmark_scripts.gate import wording
from poolmark_scripts.gate.deciding import exit_status as exit_status_of
from poolmark_scripts.gate.model import CellReport, GateReport, Verdict

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {
    Verdict.REGRESSED: "error",
    Verdict.FAILED: "error",
    Verdict.REMOVED: "error",
    Verdict.UNTRUSTED: "warning",
    Verdict.INCONCLUSIVE: "note",
}
TEXTS = {  # short, full, what to do
    Verdict.REGRESSED: (
        "The benchmark cell became slower.",
        "The new build takes longer than the base by more than the band of the cell, or does more countable work.",
        "Look at what the change does in this workload and executor. The command of the run repeats the measurement.",
    ),
    Verdict.FAILED: (
        "The benchmark cell fails in the new build.",
        "The measuring program of the new build gave a wrong result, threw, or ended, where it was to be timed.",
        "Run the program of the new build with this cell alone and read what it writes.",
    ),
    Verdict.REMOVED: (
        "The benchmark cell is missing from the new build.",
        "The base has this cell and the new build has not, so it can no longer be compared.",
        "Restore the workload, or allow removals if it was meant to go.",
    ),
    Verdict.UNTRUSTED: (
        "The benchmark cell cannot be judged on this machine.",
        "Too many rounds were disturbed, or the base, linked in another order, differed from itself.",
        "Measure again on a quieter machine.",
    ),
    Verdict.INCONCLUSIVE: (
        "The benchmark cell is neither slower nor the same, for all that the rounds can tell.",
        "The rounds were too few, or differed too much, to say that the cell did not change.",
        "Measure more rounds where the smallest slow-down that would have shown is too large for you.",
    ),
}
FALLBACK = "CMakeLists.txt"  # for a workload that no source names: results without a file are not shown


def sarif(
    report: GateReport, locate: Callable[[str], tuple[str, int] | None], exit_status: int | None = None
) -> dict[str, Any]:
    """The document; `locate` finds the file and line of a workload. Without a status it is that of the cells alone."""
    status = exit_status_of(report.cells) if exit_status is None else exit_status
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "poolmark gate", "rules": [_rule(verdict) for verdict in LEVELS]}},
            "invocations": [{
                "commandLine": report.command, "executionSuccessful": not report.partial, "exitCode": status,
                "exitCodeDescription": wording.outcome(status),
            }],
            "columnKind": "unicodeCodePoints",
            "results": [_result(cell, locate) for cell in map(wording.shown, report.cells) if cell.verdict in LEVELS],
            "properties": {
                "headline": wording.headline(report), "base": wording.arm(report.base), "new": wording.arm(report.new),
                "machine": wording.machine(report), "seed": report.seed, "partial": report.partial,
                "notes": list(report.notes),
            },
        }],
    }  # fmt: skip


def _rule(verdict: Verdict) -> dict[str, Any]:
    short, full, todo = TEXTS[verdict]
    return {
        "id": _rule_id(verdict),
        "name": f"Cell{verdict.value.capitalize()}",
        "shortDescription": {"text": short},
        "fullDescription": {"text": full},
        "help": {"text": f"{full} {todo}"},
        "defaultConfiguration": {"level": LEVELS[verdict]},
        "properties": {"tags": ["performance"]},
    }


def _result(cell: CellReport, locate: Callable[[str], tuple[str, int] | None]) -> dict[str, Any]:
    place = locate(wording.workload(cell.name))
    uri, region = (place[0], {"region": {"startLine": place[1]}}) if place else (FALLBACK, {})
    identity = f"{_rule_id(cell.verdict)} {cell.name}"
    return {
        "ruleId": _rule_id(cell.verdict),
        "ruleIndex": list(LEVELS).index(cell.verdict),
        "level": LEVELS[cell.verdict],
        "message": {"text": _message(wording.sentence(cell))},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": quote(uri), "uriBaseId": "%SRCROOT%"}, **region},
            "logicalLocations": [{"fullyQualifiedName": cell.name}],
        }],
        # The name is the one that code scanning reads. It holds the cell, for the cells of a workload share their line,
        # and not the line, which moves.
        "partialFingerprints": {"primaryLocationLineHash": hashlib.sha256(identity.encode()).hexdigest()[:32]},
        "properties": _numbers(cell),
    }  # fmt: skip


def _message(text: str) -> str:
    """Braces stand for arguments of a message, unless they are doubled."""
    return text.replace("{", "{{").replace("}", "}}")


def _rule_id(verdict: Verdict) -> str:
    return f"gate/{verdict.value}"


def _numbers(cell: CellReport) -> dict[str, Any]:
    """What is known of the cell; ratios are new / base."""
    known = {
        "cell": cell.name,
        "ratio": cell.ratio and asdict(cell.ratio),
        "null": cell.null and asdict(cell.null),
        "tolerance": cell.band and cell.band.tolerance,
        "stage": cell.stage.name.lower() if cell.stage is not None else None,
        "rounds": cell.blocks,
        "disturbed": cell.disturbed,
        "p_slower": cell.p_slower,
        "p_faster": cell.p_faster,
        "layouts": list(cell.layouts) or None,
        "detectable": cell.detectable,
        "base_ns": cell.base_ns,
        "counts": [wording.count_change(count) for count in wording.changed_counts(cell)] or None,
    }
    return {name: value for name, value in known.items() if value is not None}
