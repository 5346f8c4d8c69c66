"""Writes a report in every form there is: what each reader wants lies beside the JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Callable

from poolmark_scripts.gate import (
    picture, report_annotations, report_json, report_junit, report_markdown, report_sarif, report_terminal, source_of,
)  # fmt: skip
from poolmark_scripts.gate.model import GateReport
from poolmark_scripts.terminal import shown
from poolmark_scripts.whole_file import write_json, write_text


def write(report: GateReport, output: Path, tree: Path | None, status: int, console) -> list[Path]:
    """Prints the report and writes `output` (.json) with .md, .junit.xml, .sarif, .svg and .png beside it."""
    locate = _locator(tree)
    report_terminal.print_report(report, console, status)
    write_json(output, report_json.document(report))
    beside = {
        ".md": report_markdown.markdown(report, status),
        ".junit.xml": report_junit.junit(report),
        ".sarif": json.dumps(report_sarif.sarif(report, locate, status), indent=1) + "\n",
    }
    for suffix, text in beside.items():
        write_text(output.with_suffix(suffix), text)
    written = [output, *(output.with_suffix(suffix) for suffix in beside), *picture.draw(report, output.with_suffix(""))]
    console.print("\nwritten: " + ", ".join(shown(path) for path in written), soft_wrap=True)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in report_annotations.annotations(report, locate):
            print(line)
    return written


def _locator(tree: Path | None) -> Callable[[str], tuple[str, int] | None]:
    """Where a workload is registered, looked up once each."""
    found: dict[str, tuple[str, int] | None] = {}

    def locate(workload: str) -> tuple[str, int] | None:
        if workload not in found:
            found[workload] = source_of.find(tree, workload) if tree else None
        return found[workload]

    return locate
