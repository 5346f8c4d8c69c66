"""The history: of each measured commit the ratios to a pinned reference, and nothing that only one machine can repeat.

A ratio to another reference, or of another machine, is another quantity. So a history consists of epochs: one reference,
one machine, one compiler each. Entries of different epochs are never compared. docs/history.md has the file's fields.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Iterator

from poolmark_scripts.gate.model import Band, Kind
from poolmark_scripts.intervals import Interval
from poolmark_scripts.whole_file import write_json

FORMAT = 1
ELSEWHERE = "Name another file with --history FILE."


class HistoryError(Exception):
    """The history cannot be used, or a report not be added; the text is the sentence the user reads."""


@dataclass(frozen=True)
class Measured:
    """A cell of an entry."""

    ratio: Interval  # time of the commit / time of the reference; above 1 is slower
    blocks: int  # that it rests on
    band: Band


@dataclass(frozen=True)
class Entry:
    """One measurement of a commit; a commit may have several."""

    commit: str
    measured: str  # when, ISO 8601
    cells: dict[str, Measured]
    left_out: dict[str, str] = field(default_factory=dict)  # why, by cell
    date: str | None = None  # of the commit; None: git did not know it
    subject: str | None = None
    seed: int = 0  # of the report: links of one seed are the same as long as the build is
    reference_sha256: tuple[str, ...] = ()  # of the links of the reference that it was measured against

    def has_rebuilt_reference(self, other: "Entry") -> bool:
        """Whether the two were measured against different builds of the reference; False if that cannot be told, since
        a report with another seed has other links of the same build."""
        return self.seed == other.seed and set(self.reference_sha256).isdisjoint(other.reference_sha256)


@dataclass(frozen=True)
class Epoch:
    """Entries that may be compared."""

    reference: str  # commit
    sha256: tuple[str, ...]  # of its links when it was pinned
    machine: dict[str, Any]  # what must not change
    entries: tuple[Entry, ...] = ()  # in the order in which they were added


@dataclass(frozen=True)
class History:
    """All epochs, the oldest first; entries are added to the last."""

    epochs: tuple[Epoch, ...] = ()

    @property
    def current(self) -> Epoch:
        """The epoch that entries are added to."""
        return self.epochs[-1]

    def with_entry(self, entry: Entry) -> "History":
        """The history with one entry more in its last epoch."""
        return History((*self.epochs[:-1], replace(self.current, entries=(*self.current.entries, entry))))

    def with_epoch(self, epoch: Epoch) -> "History":
        """The history with one epoch more."""
        return History((*self.epochs, epoch))


def read(path: Path) -> History:
    """The history in a file. Raises HistoryError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HistoryError(
            f"there is no history {path} yet. Begin one with scripts/history add REPORT.json, where the report is what "
            f"scripts/gate wrote with the reference as its base; or name the file with --history FILE."
        ) from None
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror}. {ELSEWHERE}") from None
    except ValueError:
        raise HistoryError(f"{path} is no JSON, or was cut off. Restore it, or name another file with --history FILE.") from None
    return parse(found, path)


def parse(found: Any, path: Path) -> History:
    """The history that document() made. Raises HistoryError."""
    if not isinstance(found, dict) or "epochs" not in found:
        raise HistoryError(f"{path} is no history of scripts/history. {ELSEWHERE}")
    if found.get("format") != FORMAT:
        raise HistoryError(f"{path} has format {found.get('format')!r}, these scripts read {FORMAT}. {ELSEWHERE}")
    try:
        epochs = tuple(_epoch(epoch) for epoch in found["epochs"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HistoryError(
            f"{path} is damaged ({type(error).__name__}: {error}). Restore it, or name another file with --history FILE."
        ) from None
    if not all(epoch.entries for epoch in epochs) or not epochs:
        raise HistoryError(f"{path} has an epoch without entries, or none at all. {ELSEWHERE}")
    return History(epochs)


def document(history: History) -> dict[str, Any]:
    """The history for the disk. Every number in it is a ratio, a count of blocks, or a tolerance; none is a time."""
    return {"format": FORMAT, "epochs": [_epoch_document(epoch) for epoch in history.epochs]}


def write(path: Path, history: History) -> None:
    """Writes the file, whole or not at all. Raises HistoryError."""
    save(path, document(history), "--history FILE")


def save(path: Path, content: dict[str, Any], option: str) -> None:
    """Writes a JSON file that `option` names, whole or not at all. Raises HistoryError."""
    try:
        write_json(path, content)
    except OSError as error:
        raise HistoryError(f"{path} cannot be written: {error.strerror}. Name another file with {option}.") from None


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Whoever changes a history of this directory waits here for the one before, so that no entry is lost."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise HistoryError(f"{path} cannot be written: {error.strerror}. {ELSEWHERE}") from None
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


# ---- from and to JSON ------------------------------------------------------------------------------------------


def _epoch_document(epoch: Epoch) -> dict[str, Any]:
    reference = {"commit": epoch.reference, "sha256": list(epoch.sha256)}
    entries = [_entry_document(entry) for entry in epoch.entries]
    return {"reference": reference, "machine": epoch.machine, "entries": entries}


def _entry_document(entry: Entry) -> dict[str, Any]:
    known = {
        "commit": entry.commit, "date": entry.date, "subject": entry.subject, "measured": entry.measured,
        "seed": entry.seed, "reference_sha256": list(entry.reference_sha256),
        "cells": {name: _cell_document(cell) for name, cell in entry.cells.items()}, "left_out": entry.left_out,
    }  # fmt: skip
    return {key: value for key, value in known.items() if value is not None}


def _cell_document(cell: Measured) -> dict[str, Any]:
    return {"ratio": asdict(cell.ratio), "blocks": cell.blocks, "kind": cell.band.kind.value, "tolerance": cell.band.tolerance}


def _epoch(found: dict[str, Any]) -> Epoch:
    reference = found["reference"]
    entries = tuple(_entry(entry) for entry in found["entries"])
    return Epoch(_text(reference["commit"]), tuple(reference["sha256"]), dict(found["machine"]), entries)


def _entry(found: dict[str, Any]) -> Entry:
    return Entry(
        commit=_text(found["commit"]), measured=_text(found["measured"]),
        cells={name: _cell(name, cell) for name, cell in found["cells"].items()}, left_out=dict(found["left_out"]),
        date=found.get("date"), subject=found.get("subject"), seed=int(found["seed"]),
        reference_sha256=tuple(found["reference_sha256"]),
    )  # fmt: skip


def _text(found: Any) -> str:
    if not isinstance(found, str) or not found:
        raise ValueError(f"{found!r} stands where a text should")
    return found


def _cell(name: str, found: dict[str, Any]) -> Measured:
    ratio = Interval(**found["ratio"])
    if not is_ratio(ratio):
        raise ValueError(f"the ratio of {name} is {ratio.median}, between {ratio.low} and {ratio.high}")
    return Measured(ratio, int(found["blocks"]), Band(Kind(found["kind"]), float(found["tolerance"])))


def is_ratio(ratio: Interval) -> bool:
    """Whether all of it is finite and above 0, and in order."""
    return 0 < ratio.low <= ratio.median <= ratio.high and math.isfinite(ratio.high)
