"""The report of scripts/gate as JSON, and back."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gate_data
import pytest
from poolmark_scripts.gate import report_json
from poolmark_scripts.gate.model import CountChange, GateReport


@pytest.fixture(scope="module")
def every() -> GateReport:
    return gate_data.every_verdict()


@pytest.fixture(scope="module")
def decided() -> GateReport:
    return gate_data.decided()


@pytest.mark.parametrize("made", ["every", "decided"])
def test_the_report_comes_back_from_its_file(made: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    report = request.getfixturevalue(made)
    path = tmp_path / "gate.json"
    path.write_text(json.dumps(report_json.document(report), allow_nan=False))
    assert report_json.read(path) == report and report.blocks


def damaged(document: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """With the value at `cells/0/ratio` and the like; None takes it away."""
    made = json.loads(json.dumps(document))
    *path, last = (int(part) if part.isdigit() else part for part in place.split("/"))
    inner = made
    for part in path:
        inner = inner[part]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return made


@pytest.mark.parametrize("place, value", [
    ("base", None), ("cells", None), ("cells", 3), ("cells/0", "x"), ("cells/0/verdict", "slower"),
    ("cells/0/ratio", {"low": 1}), ("cells/0/stage", "later"), ("cells/0/kind", "GPU"), ("cells/0/name", None),
    ("blocks/0/times/new", 0), ("blocks/0/times/new", float("inf")), ("blocks/0/times/null", None),
    ("blocks/0/order/0", "other"), ("format", 99), ("format", None), ("new/sha256", None),
])  # fmt: skip
def test_a_damaged_document_is_refused_by_name(place: str, value: Any, every: GateReport) -> None:
    with pytest.raises(report_json.ReportError, match=r"^somewhere/gate\.json is .*scripts/gate"):
        report_json.parse(damaged(report_json.document(every), place, value), "somewhere/gate.json")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"{}"])
def test_a_file_that_is_no_report_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    path.write_bytes(content)
    with pytest.raises(report_json.ReportError, match=re.escape(str(path))):
        report_json.read(path)
    with pytest.raises(report_json.ReportError, match="nowhere.json cannot be read"):
        report_json.read(tmp_path / "nowhere.json")


def test_a_count_for_information_survives_as_json(every: GateReport) -> None:
    informing = CountChange("futex wakes", "task", 1.0, 3.0, allowed=math.inf)
    report = replace(every, cells=(replace(every.cells[0], counts=(informing,)),))
    text = json.dumps(report_json.document(report), allow_nan=False)
    assert report_json.parse(json.loads(text), "here") == report
