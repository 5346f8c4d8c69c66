"""What a run of ctest says about the rows: which tests there are, which passed, which are skipped and why."""

from __future__ import annotations

import re
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from poolmark_scripts.conformance_rows import Rows

# What a test that bears an id is about. "alone": no executor, or any.
EXECUTORS = ("sequential", "thread", "process", "async", "alone")
NO_SENSE = "makes no sense here: "  # how SKIP_ROW of tests/executors.hpp begins; other skips are the machine's

# "Suite.NAME", "compile_fail.NAME"; of a typed suite "Suite.NAME<Suite/thread.  # ...>", of one with parameters
# "Prefix/Suite.NAME/0"; what stands behind is ctest's.
_TEST_NAME = re.compile(r"(?:[^./<]+/)?(?P<suite>\w+)\.(?P<test>\w+)(?:<\w+/(?P<executor>\w+)\.)?")
_ROW_IN_NAME = re.compile(r"(?:^|_)(?P<group>[A-Z]{3,4})_(?P<number>\d\d)(?=_|$)")


class ResultsError(Exception):
    """The results cannot be used; the text says why."""


class Outcome(Enum):
    """How a test ended."""

    PASSED = "passed"
    SKIPPED = "skipped"  # because the behaviour makes no sense for the executor
    NOT_HERE = "not run"  # because of something the machine lacks
    FAILED = "failed"


@dataclass(frozen=True)
class RowTest:
    """One test of one executor, of one or several rows."""

    name: str
    ids: tuple[str, ...]
    executor: str
    outcome: Outcome
    reason: str = ""


def load(path: Path, table: Rows) -> list[RowTest]:
    """The tests of a JUnit file of ctest that bear an id of a group of the table."""
    try:
        cases = xml.parse(path).getroot().iter("testcase")
        tests = [test for case in cases if (test := _test(case, table))]
    except (OSError, xml.ParseError) as error:
        raise ResultsError(f"{path} cannot be read as results of ctest: {error}") from error
    if not tests:
        raise ResultsError(f"{path} has no test that is named by a row")
    return tests


def ids_in(name: str, table: Rows) -> tuple[str, ...]:
    """The rows that a test's name claims, known or not: FUT_07_result_may_be_read is of FUT-07."""
    found = _ROW_IN_NAME.finditer(name)
    return tuple(f"{row['group']}-{row['number']}" for row in found if row["group"] in table.groups)


def _test(case: xml.Element, table: Rows) -> RowTest | None:
    name = case.get("name", "")
    parts = _TEST_NAME.match(name)
    ids = ids_in(parts["test"], table) if parts else ()
    if not parts or not ids:
        return None
    # A suite may be typed by something else than executors.
    executor = parts["executor"] if parts["executor"] in EXECUTORS else table.executors.get(parts["suite"])
    if executor not in EXECUTORS:
        raise ResultsError(
            f"{name} is of a suite that is not known: write in tests/conformance_rows.json which executor "
            f"{parts['suite']} is about ({', '.join(EXECUTORS)})"
        )
    outcome, reason = _outcome(case)
    return RowTest(name, ids, executor, outcome, reason)


def _outcome(case: xml.Element) -> tuple[Outcome, str]:
    if case.get("status") == "run":
        return Outcome.PASSED, ""
    if case.get("status") == "fail" or case.find("skipped") is None:
        return Outcome.FAILED, ""
    said = case.findtext("system-out") or ""
    _, found, reason = said.partition(NO_SENSE)
    if found:
        return Outcome.SKIPPED, reason.partition("\n")[0].strip()
    return Outcome.NOT_HERE, ""
