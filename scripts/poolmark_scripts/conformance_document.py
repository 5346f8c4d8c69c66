"""docs/conformance.md, made from the rows and the tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from poolmark_scripts.conformance_rows import ID, Row, Rows, Status
from poolmark_scripts.conformance_tests import EXECUTORS, Outcome, RowTest
from poolmark_scripts.mutations import Mutation

HEAD = """\
# Conformance with concurrent.futures

<!-- Written by scripts/conformance: change tests/conformance_rows.json or a test, then run it again. -->

Every behaviour of Python's `concurrent.futures` that its manual states or its tests hold, and what becomes of
it here. MUST: the same. DEVIATE: better on purpose, [deviations.md](deviations.md) says how. EXTRA: what only
other libraries have. N/A: cannot exist in C++. A test that proves a row bears its id in its name, and runs
with `ctest -R FUT_07`; `scripts/conformance` counts them.

*yes*: tested with the sequential executor, the pool of threads, the pool of processes, the event loop (*async*);
*alone*: in a test of the part itself, or by the compiler. A letter: makes no sense there, the reason stands below
the table. A dash: the row is not about it.
"""


def document(
    table: Rows, tests: Iterable[RowTest], deviations: str, mutations: Sequence[Mutation] = ()
) -> str:  # fmt: skip
    """The whole text. It depends on the names of the tests, the skips that they declare, and the list of mutations."""
    by_row: dict[str, list[RowTest]] = {}
    for test in tests:
        for row_id in test.ids:
            by_row.setdefault(row_id, []).append(test)
    sections = sections_by_row(deviations)
    parts = [HEAD, _counts(table)]
    parts += [_group(table, group, heading, by_row, sections) for group, heading in table.groups.items()]
    if mutations:
        parts.append(_survivors(mutations))
    return "\n".join(parts)


def _survivors(mutations: Sequence[Mutation]) -> str:
    lines = [
        "## What no test notices\n",
        f"`scripts/mutate` breaks the library in {len(mutations)} ways, one at a time (`tests/mutations/`), and runs the",
        "tests. It is known of these that no test can tell, and why:\n",
        "| mutation | what it breaks | why no test tells |",
        "| --- | --- | --- |",
    ]
    for each in mutations:
        if each.survives:
            lines.append(f"| `{each.id}`, `{each.file}` | {_cell(each.what)} | {_cell(each.survives)} |")
    return "\n".join(lines) + "\n"


def sections_by_row(deviations: str) -> dict[str, str]:
    """The anchor of the section of docs/deviations.md that names a row first."""
    anchors: dict[str, str] = {}
    anchor = ""
    for line in deviations.splitlines():
        if line.startswith("## "):
            words = re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower())
            anchor = words.replace(" ", "-")
        if anchor:  # what stands before the first section explains nothing
            anchors |= {found: anchor for found in ID.findall(line) if found not in anchors}
    return anchors


def _counts(table: Rows) -> str:
    counts = {status: sum(row.status is status for row in table.rows) for status in Status}
    counted = ", ".join(f"{count} {status.value}" for status, count in counts.items())
    return f"{len(table.rows)} rows: {counted}.\n"


def _group(
    table: Rows, group: str, heading: str, by_row: dict[str, list[RowTest]], sections: dict[str, str]
) -> str:  # fmt: skip
    letters: dict[str, str] = {}
    lines = [
        f"## {heading}\n",
        f"| id | what | status | C++ | {' | '.join(EXECUTORS)} |",
        "| --- " * (len(EXECUTORS) + 4) + "|",
    ]
    for row in table.of_group(group):
        marks = [_mark(by_row.get(row.id, []), executor, letters) for executor in EXECUTORS]
        cells = [row.id, _cell(row.what), _status(row, sections), f"`{_cell(row.cpp)}`" if row.cpp else "", *marks]
        lines.append(f"| {' | '.join(cells)} |")
    if letters:
        lines.append("")
        lines += [f"{letter}: {reason}.  " for reason, letter in letters.items()]
    return "\n".join(lines) + "\n"


def _status(row: Row, sections: dict[str, str]) -> str:
    shown = row.status.value
    if row.id in sections and row.status is not Status.NOT_APPLICABLE:
        shown = f"[{shown}](deviations.md#{sections[row.id]})"
    issues = ", ".join(f"cpython#{number}" for number in row.cpython)
    reason = "; ".join(filter(None, (_cell(row.why), issues)))
    return f"{shown}: {reason}" if reason else shown


def _mark(tests: list[RowTest], executor: str, letters: dict[str, str]) -> str:
    of_executor = [test for test in tests if test.executor == executor]
    if any(test.outcome is not Outcome.SKIPPED for test in of_executor):
        return "yes"
    if not of_executor:
        return "–"
    reason = of_executor[0].reason
    return letters.setdefault(reason, chr(ord("a") + len(letters)))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
