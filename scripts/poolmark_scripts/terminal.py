"""How the scripts write: tables and colours on a terminal, plain lines into a pipe."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 160  # wide enough for every table: nobody wants wrapped columns in a log


def console(stream: TextIO | None = None) -> Console:
    """A console for `stream` (default: standard output). Follows NO_COLOR and COLUMNS."""
    stream = stream or sys.stdout
    width = None
    if not stream.isatty() and not os.environ.get("COLUMNS", "").isdigit():
        width = PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False)


def shown(path: Path) -> str:
    """A path as short as it can be said from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def table(*columns: tuple[str, str]) -> Table:
    """An undecorated table; each column is (heading, "left" or "right")."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading, justify in columns:
        made.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    return made
