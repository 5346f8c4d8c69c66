"""The journal of a run: a header, then one line a sample, each on the disk before the next sample starts."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolmark_scripts.comparability import FIELDS

FORMAT = 1
ANEW = "Leave out --resume to measure anew."


class JournalError(Exception):
    """The journal cannot be used or written; the text is the sentence the user reads."""


@dataclass(frozen=True)
class Read:
    """What a journal holds."""

    header: dict[str, Any]
    samples: list[dict[str, Any]]
    whole_bytes: int  # up to the last line that is complete


def beside(output: Path) -> Path:
    """Where the journal of a results file is."""
    return output.with_suffix(".journal.jsonl")


def read(path: Path) -> Read:
    """Reads a journal; a last line that a sudden end has cut off is left out. Raises JournalError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise JournalError(
            f"there is no journal {path} to go on with: its run was complete, or wrote another file (-o). {ANEW}"
        ) from None
    except OSError as error:
        raise JournalError(f"the journal {path} cannot be read: {error.strerror}. {ANEW}") from None
    lines = content.split(b"\n")
    unfinished = lines.pop()
    documents = [_document(path, number, line) for number, line in enumerate(lines, 1)]
    if not documents or documents[0].get("format") != FORMAT:
        raise JournalError(f"{path} is no journal of this version of scripts/bench. {ANEW}")
    return Read(documents[0], documents[1:], len(content) - len(unfinished))


def _document(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise JournalError(f"{path}, line {number}, is no line of a journal: has something else written there? {ANEW}")
    return found


def differences(header: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Why samples of now do not belong into the journal that begins with `header`: sentences, empty if they do."""
    said = []
    if header["commit"] != now["commit"]:
        said.append(f"it was measured at commit {header['commit'][:12]}, the program here is of {now['commit'][:12]}")
    elif header["program_sha256"] != now["program_sha256"]:
        said.append("it was measured with another build of the program")
    said += [
        f"it was measured on another machine ({name} {header['context'].get(name)!r}, here {now['context'].get(name)!r})"
        for name in FIELDS["machine"]
        if header["context"].get(name) != now["context"].get(name)
    ]
    if header["flags"] != now["flags"]:
        said.append(f"it was measured with {_flags(header['flags'])}, now there {_flags(now['flags'], 'is', 'are')}")
    elif header["cells"] != now["cells"]:
        said.append("it was measured with other cells")
    return said


def _flags(flags: list[str], one: str = "", many: str = "") -> str:
    if not flags:
        return f"{one} no flag".strip()
    return f"{one if len(flags) == 1 else many} {' '.join(flags)}".strip()


def set_aside(path: Path) -> Path | None:
    """Keeps a journal that nobody went on with under another name, which is returned; None if there is none."""
    if not path.exists() or path.stat().st_size == 0:
        return None
    with Journal(path, path.stat().st_size):  # refuses if it is being written
        kept = path.with_suffix(".previous.jsonl")
        os.replace(path, kept)
    return kept


class Journal:
    """A journal that is being written. It belongs to one process at a time."""

    def __init__(self, path: Path, size: int = 0) -> None:
        """Opens the journal at `path`, keeping its first `size` bytes."""
        self.path = path
        self._size = size
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise JournalError(f"the journal {path} cannot be written: {error.strerror}.") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise JournalError(
                f"another scripts/bench is writing {path}: wait for its end, or name another file with -o FILE.json."
            ) from None
        os.ftruncate(self._file, size)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def add(self, line: dict[str, Any]) -> None:
        """Writes one line; it is on the disk when this returns. On failure the lines before it are."""
        content = (json.dumps(line, separators=(",", ":")) + "\n").encode()
        try:
            written = 0
            while written < len(content):
                written += os.pwrite(self._file, content[written:], self._size + written)
            os.fdatasync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise JournalError(
                f"the journal {self.path} cannot be written: {error.strerror}. What it holds is valid: make room and "
                "go on with scripts/bench --resume."
            ) from None
        self._size += len(content)

    def remove(self) -> None:
        """The run is complete and in its results file."""
        self.path.unlink(missing_ok=True)
