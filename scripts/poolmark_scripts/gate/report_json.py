"""The report as JSON, and back: what scripts/gate writes, and what draws, validates and remembers it reads.

docs/gate-format.md explains the fields.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from poolmark_scripts.gate.model import (
    Arm, ArmFacts, Band, Block, CellReport, CountChange, GateReport, Kind, Stage, Verdict,
)  # fmt: skip
from poolmark_scripts.intervals import Interval

FORMAT = 1


class ReportError(Exception):
    """A file that is no report of this version; the text is the sentence the user reads."""


def document(report: GateReport) -> dict[str, Any]:
    """The report for programs; numbers are finite, times are ns, ratios are new / base."""
    return {
        "format": FORMAT,
        "base": asdict(report.base),
        "new": asdict(report.new),
        "command": report.command,
        "seed": report.seed,
        "elapsed_s": report.elapsed_s,
        "repeated": report.repeated,
        "partial": report.partial,
        "notes": list(report.notes),
        "cells": [_cell(cell) for cell in report.cells],
        "blocks": [block_document(block) for block in report.blocks],
    }


def _cell(cell: CellReport) -> dict[str, Any]:
    """What is not known is left out."""
    known = {
        "name": cell.name,
        "verdict": cell.verdict.value,
        "reason": cell.reason,
        "kind": cell.band.kind.value if cell.band else None,
        "tolerance": cell.band.tolerance if cell.band else None,
        "stage": cell.stage.name.lower() if cell.stage is not None else None,
        "blocks": cell.blocks,
        "disturbed": cell.disturbed,
        "ratio": asdict(cell.ratio) if cell.ratio else None,
        "null": asdict(cell.null) if cell.null else None,
        "p_slower": cell.p_slower,
        "p_faster": cell.p_faster,
        "layouts": list(cell.layouts),
        "detectable": cell.detectable,
        "base_ns": cell.base_ns,
        "counts": [_count(count) for count in cell.counts],
    }
    return {key: value for key, value in known.items() if value is not None}


def _count(count: CountChange) -> dict[str, Any]:
    """A count that is for information alone is allowed to rise without limit, which JSON has no number for."""
    found = asdict(count)
    if math.isinf(count.allowed):
        del found["allowed"]
    return found


def block_document(block: Block) -> dict[str, Any]:
    """A block, as a line of the journal has it too."""
    return {
        "cell": block.cell, "stage": block.stage.name.lower(), "round": block.round, "layout": block.layout,
        "order": [arm.value for arm in block.order], "times": {arm.value: ns for arm, ns in block.times.items()},
        "reasons": list(block.reasons),
    }  # fmt: skip


def read(path: Path) -> GateReport:
    """The report in a file. Raises ReportError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}. Make one with scripts/gate -o {path}.") from None
    except ValueError:
        raise ReportError(f"{path} is no JSON, or was cut off. Make it anew with scripts/gate -o {path}.") from None
    return parse(found, str(path))


def parse(found: Any, where: str) -> GateReport:
    """The report that document() made. Raises ReportError."""
    if not isinstance(found, dict) or found.get("format") != FORMAT or "cells" not in found:
        raise ReportError(f"{where} is no report of scripts/gate of format {FORMAT}. Make it anew with scripts/gate.")
    try:
        return GateReport(
            base=_facts(found["base"]), new=_facts(found["new"]), command=found["command"], seed=found["seed"],
            elapsed_s=found["elapsed_s"], repeated=found["repeated"], partial=found["partial"],
            notes=tuple(found["notes"]), cells=tuple(_parse_cell(cell) for cell in found["cells"]),
            blocks=tuple(parse_block(block) for block in found["blocks"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReportError(f"{where} is damaged ({type(error).__name__}: {error}). Make it anew with scripts/gate.") from None


def _facts(found: dict[str, Any]) -> ArmFacts:
    return ArmFacts(found["name"], found["commit"], found["program"], tuple(found["sha256"]), found["context"])


def _parse_cell(found: dict[str, Any]) -> CellReport:
    return CellReport(
        name=found["name"], verdict=Verdict(found["verdict"]), reason=found["reason"],
        band=Band(Kind(found["kind"]), found["tolerance"]) if "kind" in found else None,
        stage=Stage[found["stage"].upper()] if "stage" in found else None,
        blocks=found["blocks"], disturbed=found["disturbed"],
        ratio=Interval(**found["ratio"]) if "ratio" in found else None,
        null=Interval(**found["null"]) if "null" in found else None,
        p_slower=found.get("p_slower"), p_faster=found.get("p_faster"), layouts=tuple(found["layouts"]),
        detectable=found.get("detectable"), base_ns=found.get("base_ns"),
        counts=tuple(CountChange(**{"allowed": math.inf, **count}) for count in found["counts"]),
    )  # fmt: skip


def parse_block(found: dict[str, Any]) -> Block:
    """The block that block_document() made. Raises ValueError for a time that is none."""
    times = {Arm(name): float(ns) for name, ns in found["times"].items()}
    if set(times) != set(Arm) or not all(math.isfinite(ns) and ns > 0 for ns in times.values()):
        raise ValueError(f"the times of {found['cell']}, round {found['round']}, are {found['times']}")
    return Block(
        cell=found["cell"], stage=Stage[found["stage"].upper()], round=found["round"], layout=found["layout"],
        order=tuple(Arm(name) for name in found["order"]), times=times, reasons=tuple(found["reasons"]),
    )  # fmt: skip
