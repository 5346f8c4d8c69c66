"""The report as JUnit XML, which most CI servers show as tests: a cell is a test case."""

from __future__ import annotations

import re
import xml.etree.ElementTree as xml

from poolmark_scripts.gate import wording
from poolmark_scripts.gate.model import CellReport, GateReport, Verdict

FAILURES = (Verdict.REGRESSED, Verdict.FAILED, Verdict.REMOVED)
SKIPPED = (Verdict.INCONCLUSIVE, Verdict.UNTRUSTED, Verdict.NEW)
# XML 1.0 has no way to write these, not even as references.
INVALID = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: GateReport) -> str:
    """The document; the time of a test case is that of a batch of the base."""
    counts = {
        "tests": str(len(report.cells)),
        "failures": str(sum(cell.verdict in FAILURES for cell in report.cells)),
        "errors": "0",
        "skipped": str(sum(cell.verdict in SKIPPED for cell in report.cells)),
        "time": f"{report.elapsed_s:.3f}",
    }
    suites = xml.Element("testsuites", {"name": "poolmark gate", **counts})
    suite = _child(suites, "testsuite", name="poolmark gate", **counts)
    _properties(suite, {
        "headline": wording.headline(report), "base": wording.arm(report.base), "new": wording.arm(report.new),
        "machine": wording.machine(report), "seed": report.seed, "partial": str(report.partial).lower(),
        "command": report.command,
    })  # fmt: skip
    for cell in report.cells:
        _add_case(suite, wording.shown(cell))
    xml.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(suites, encoding="unicode") + "\n"


def _add_case(suite: xml.Element, cell: CellReport) -> None:
    time = f"{(cell.base_ns or 0) / 1e9:.9f}"
    case = _child(suite, "testcase", classname=_class(cell.name), name=cell.name, time=time)
    numbers = {
        "verdict": cell.verdict.value,
        "tolerance": cell.band.tolerance if cell.band else None,
        "stage": cell.stage.name.lower() if cell.stage is not None else None,
        "rounds": cell.blocks,
        "disturbed": cell.disturbed,
        "p_slower": cell.p_slower,
        "p_faster": cell.p_faster,
        "layouts": " ".join(f"{layout:.6g}" for layout in cell.layouts) or None,
        "detectable": cell.detectable,
    }
    for name, ratio in (("ratio", cell.ratio), ("null", cell.null)):
        if ratio:
            numbers.update({name: ratio.median, f"{name}_low": ratio.low, f"{name}_high": ratio.high})
    _properties(case, {name: value for name, value in numbers.items() if value is not None})
    said = wording.sentence(cell)
    if cell.verdict in FAILURES:
        # Some readers show the message, others the text.
        _child(case, "failure", type=cell.verdict.value, message=said).text = _valid("\n".join([said, *_counts(cell)]))
    elif cell.verdict in SKIPPED:
        _child(case, "skipped", message=said)
    if cell.verdict not in FAILURES:
        _child(case, "system-out").text = _valid("\n".join([said, *_counts(cell)]))


def _counts(cell: CellReport) -> list[str]:
    return [wording.count_change(count) for count in wording.changed_counts(cell)]


def _class(name: str) -> str:
    """Workload and executor: servers group by them."""
    return ".".join(name.split("/")[:2])


def _properties(parent: xml.Element, values: dict[str, object]) -> None:
    properties = _child(parent, "properties")
    for name, value in values.items():
        _child(properties, "property", name=name, value=f"{value:.6g}" if isinstance(value, float) else str(value))


def _child(parent: xml.Element, tag: str, **attributes: str) -> xml.Element:
    return xml.SubElement(parent, tag, {name: _valid(value) for name, value in attributes.items()})


def _valid(text: str) -> str:
    return INVALID.sub("", text)
