#!/usr/bin/env python3
"""Runs a program and compares what it prints with an expected text, in which some things may differ.

The expected text may have, in braces: {seconds} (0.25, with blanks before it), {number} (17), {state} (pending, running, or finished and so
on), {text} (anything), and {address}, which is another one each time. {address a} is the same one wherever it says
"a". Lines that begin with "~ " may come in any order among their neighbours that do.

Exit status: 0 equal, 1 different (what differs is printed), 2 bad usage.
"""

from __future__ import annotations

import argparse
import difflib
import re
import subprocess
import sys
from pathlib import Path

PATTERNS = {
    "seconds": r" *\d+\.\d+",
    "number": r"\d+",
    "state": r"pending|running|finished returned .+?",
    "text": r".*",
    "address": r"0x[0-9a-f]+",
}
PLACEHOLDER = re.compile(r"\{(" + "|".join(PATTERNS) + r")(?: (\w+))?\}")
ANY_ORDER = "~ "


class Names:
    """What the named placeholders have stood for so far."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def match(self, expected: str, got: str) -> bool:
        """Whether the line `got` is as expected; if so, its names are known from now on."""
        new: dict[str, str] = {}
        pattern, end = "", 0
        for found in PLACEHOLDER.finditer(expected):
            pattern += re.escape(expected[end : found.start()]) + self._pattern(found, new)
            end = found.end()
        matched = re.fullmatch(pattern + re.escape(expected[end:]), got)
        if not matched:
            return False
        self._known |= {name: matched[group] for name, group in new.items()}
        return True

    def _pattern(self, found: re.Match[str], new: dict[str, str]) -> str:
        kind, name = found.groups()
        if name is None:
            return f"(?:{PATTERNS[kind]})"
        if name in self._known:
            return re.escape(self._known[name])
        if name in new:
            return f"(?P={new[name]})"
        new[name] = f"name_{name}"
        return f"(?P<name_{name}>{PATTERNS[kind]})"


def differences(expected: list[str], got: list[str]) -> list[str]:
    """Lines that show where both differ, as difflib writes them; none if they do not."""
    names = Names()
    seen = _in_expected_order(expected, got)
    expected = [line.removeprefix(ANY_ORDER) for line in expected]
    # A line that is as expected is shown as it was expected, so that only the others differ.
    shown = list(seen)
    for i, (line, wanted) in enumerate(zip(seen, expected)):
        if names.match(wanted, line):
            shown[i] = wanted
    if shown == expected:
        return []
    return [line.rstrip("\n") for line in difflib.ndiff(expected, shown)]


def _in_expected_order(expected: list[str], got: list[str]) -> list[str]:
    """`got`, with the lines that may come in any order put where they are expected."""
    ordered: list[str] = []
    begin = 0
    while begin < len(expected):
        end = begin
        while end < len(expected) and expected[end].startswith(ANY_ORDER):
            end += 1
        if end == begin:
            end += 1
            ordered += got[begin:end]
        else:
            ordered += _matched_first([line.removeprefix(ANY_ORDER) for line in expected[begin:end]], got[begin:end])
        begin = end
    return ordered + got[begin:]


def _matched_first(expected: list[str], got: list[str]) -> list[str]:
    left, ordered = list(got), []
    for wanted in expected:
        found = next((line for line in left if Names().match(wanted, line)), None)
        if found is not None:
            left.remove(found)
            ordered.append(found)
    return ordered + left


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--status", type=int, default=0, help="the exit status to expect (default: 0)")
    made.add_argument("expected", type=Path, help="file with the expected text")
    made.add_argument("command", nargs="+", help="the program and its arguments, behind --")
    return made


def main(argv: list[str]) -> int:
    """Returns the exit status."""
    options = parser().parse_args(argv)
    expected = options.expected.read_text(encoding="utf-8").splitlines()
    run = subprocess.run(options.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    different = differences(expected, run.stdout.splitlines())
    for line in different:
        print(line)
    if run.returncode != options.status:
        print(f"it ended with status {run.returncode}, expected was {options.status}")
    return 1 if different or run.returncode != options.status else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
