"""A measuring program: whether it is one of poolmark's, and what it can measure."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

from poolmark_scripts.one_process import Ended, Runner
from poolmark_scripts.results import SCHEMA_VERSION

ANSWER_S = 10.0
VERSION = re.compile(r" of poolmark \S+ \(")


class ProgramError(Exception):
    """The program cannot be used, or refuses what it is asked; the text is the sentence the user reads."""


@dataclass(frozen=True)
class Listing:
    """What a program says before it measures."""

    cells: tuple[str, ...]
    context: dict[str, Any]
    sha256: str


def examine(program: Path, flags: Sequence[str], runner: Runner, limit_s: float = ANSWER_S) -> Listing:
    """The cells that `flags` choose. Raises ProgramError."""
    _check_file(program)
    asked = [str(program), *flags, "--benchmark_list_tests", "--benchmark_format=json"]
    answered = _ask(program, asked, runner, limit_s)
    if answered.status != 0:
        if VERSION.search(_ask(program, [str(program), "--version"], runner, limit_s).output):
            raise ProgramError(answered.words.strip() or f"{program} {answered.how} when it was asked for its cells.")
        raise ProgramError(f"{_no_program(program)} asked for its cells (--benchmark_list_tests) it {answered.last_words}.")
    try:
        listing = json.loads(answered.output)
        if listing["schema_version"] != SCHEMA_VERSION:
            raise ProgramError(
                f"{program} writes results of schema_version {listing['schema_version']!r}; these scripts read "
                f"{SCHEMA_VERSION}. Build it with the poolmark that the scripts are of."
            )
        cells = tuple(str(name) for name in listing["cells"])
        context = dict(listing["context"])
    except (ValueError, KeyError, TypeError):
        said = answered.output.strip()[:60]
        what = f"it said {said!r}" if said else "it said nothing"
        raise ProgramError(f"{_no_program(program)} asked for its cells as JSON {what}.") from None
    return Listing(cells, context, sha256(program))


def _no_program(program: Path) -> str:
    return f"{program} is not a program made with poolmark::harness of this version:"


def _check_file(program: Path) -> None:
    advice = "Name a program that was built with poolmark::harness."
    if not program.exists():
        raise ProgramError(f"{program} does not exist. {advice}")
    if program.is_dir():
        raise ProgramError(f"{program} is a directory. {advice}")
    if not os.access(program, os.X_OK):
        raise ProgramError(f"{program} cannot be executed: it has no permission to. {advice}")


def _ask(program: Path, command: list[str], runner: Runner, limit_s: float) -> Ended:
    try:
        answered = runner.run(command, limit_s, wants_output=True)
    except OSError as error:
        raise ProgramError(f"{program} cannot be started: {error.strerror}.") from None
    if answered.too_late:
        raise ProgramError(f"{_no_program(program)} it had not answered {command[-1]} after {limit_s:g} s and was ended.")
    if answered.too_much:
        raise ProgramError(f"{_no_program(program)} asked for its cells it wrote without end.")
    return answered


def sha256(program: Path) -> str:
    """Of the file's content."""
    with program.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
