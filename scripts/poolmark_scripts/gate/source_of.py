"""Where in the sources a workload is registered: reports that point at code point there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Iterator

SUFFIXES = {".cpp", ".cc", ".cxx", ".hpp", ".hh", ".h"}
SKIPPED = {"build", "tests", "results"}
PREFERRED = "bench"


def find(tree: Path, workload: str) -> tuple[str, int] | None:
    """File, relative to the tree, and line in which the workload gets its name; else the first that names it; None if
    no source does."""
    literal = re.escape(f'"{workload}"')
    registered = re.compile(rf"(\bname\s*=|\badd\s*\()\s*{literal}")
    mentioned = re.compile(literal)
    found = None
    for path in sorted(_sources(tree), key=lambda path: (path.parts[0] != PREFERRED, path)):
        for line, text in enumerate(_lines(tree / path), 1):
            if text.lstrip().startswith("//") or not mentioned.search(text):
                continue
            if registered.search(text):
                return path.as_posix(), line
            found = found or (path.as_posix(), line)
    return found


def _sources(tree: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(tree):
        folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]
        yield from ((Path(folder) / name).relative_to(tree) for name in files if Path(name).suffix in SUFFIXES)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:  # a broken link is no source
        return []
