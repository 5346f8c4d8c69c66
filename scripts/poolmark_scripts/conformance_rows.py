"""The rows of concurrent.futures that are to be accounted for: tests/conformance_rows.json."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

ID = re.compile(r"[A-Z]{3,4}-\d\d")


class RowsError(Exception):
    """The table cannot be used; the text says why."""


class Status(Enum):
    """What becomes of a behaviour of CPython's."""

    MUST = "MUST"
    DEVIATE = "DEVIATE"
    EXTRA = "EXTRA"
    NOT_APPLICABLE = "N/A"


@dataclass(frozen=True)
class Row:
    """One behaviour, in our own words."""

    id: str
    status: Status
    what: str
    cpp: str = ""
    why: str = ""
    cpython: tuple[int, ...] = ()

    @property
    def needs_a_test(self) -> bool:
        """What cannot exist in C++ cannot be tested either."""
        return self.status is not Status.NOT_APPLICABLE


@dataclass(frozen=True)
class Rows:
    """The whole table."""

    groups: dict[str, str]  # the first part of the ids: a heading
    executors: dict[str, str]  # the name of a test suite that is not typed: what it tests
    rows: tuple[Row, ...]

    @property
    def ids(self) -> frozenset[str]:
        """All ids there are."""
        return frozenset(row.id for row in self.rows)

    def of_group(self, group: str) -> list[Row]:
        """The rows under one heading."""
        return [row for row in self.rows if row.id.split("-")[0] == group]


def load(path: Path) -> Rows:
    """Reads the table and refuses one with mistakes."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        executors = {suite: executor for executor, suites in read["suites"].items() for suite in suites}
        table = Rows(read["groups"], executors, tuple(_row(entry) for entry in read["rows"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RowsError(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    mistakes = _mistakes(table)
    if mistakes:
        raise RowsError(f"{path}:" + "".join(f"\n  {mistake}" for mistake in mistakes))
    return table


def _row(entry: dict[str, Any]) -> Row:
    return Row(**{**entry, "status": Status(entry["status"]), "cpython": tuple(entry.get("cpython", ()))})


def _mistakes(table: Rows) -> list[str]:
    found: list[str] = []
    seen: set[str] = set()
    for row in table.rows:
        if not ID.fullmatch(row.id) or row.id.split("-")[0] not in table.groups:
            found.append(f"{row.id} is no id of a group")
        if row.id in seen:
            found.append(f"{row.id} is there twice")
        seen.add(row.id)
        if row.status in (Status.DEVIATE, Status.NOT_APPLICABLE) and not row.why:
            found.append(f"{row.id} is {row.status.value} and does not say why")
        if row.needs_a_test and not row.cpp:
            found.append(f"{row.id} has no C++ name")
    return found
