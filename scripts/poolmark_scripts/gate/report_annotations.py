"""The report as workflow commands of GitHub Actions: printed by a job, they show beside the code of a pull request."""

from __future__ import annotations

from typing import Callable

from poolmark_scripts.gate import wording
from poolmark_scripts.gate.model import CellReport, GateReport, Verdict

Locate = Callable[[str], "tuple[str, int] | None"]
COMMANDS = {
    "error": (Verdict.REGRESSED, Verdict.FAILED, Verdict.REMOVED),
    "warning": (Verdict.UNTRUSTED,),
    "notice": (Verdict.IMPROVED,),
}
SHOWN = 10  # of each command and step; GitHub drops the others without a word


def annotations(report: GateReport, locate: Locate) -> list[str]:
    """The commands, one a line to print; `locate` finds the file and line of a workload."""
    made = []
    for command, verdicts in COMMANDS.items():
        cells = [cell for verdict in verdicts for cell in report.of(verdict)]
        shown = cells if len(cells) <= SHOWN else cells[: SHOWN - 1]
        made += [_annotation(command, cell, locate) for cell in shown]
        if left := len(cells) - len(shown):
            text = f"{left} more cells: see the whole report for them."
            made.append(f"::{command} title={_property('poolmark gate')}::{_data(text)}")
    return made


def _annotation(command: str, cell: CellReport, locate: Locate) -> str:
    place = locate(wording.workload(cell.name))
    properties = {"file": place[0], "line": str(place[1])} if place else {}
    properties["title"] = f"{cell.name} {cell.verdict.value}"
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{command} {written}::{_data(wording.sentence(cell))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
