"""How the scripts write: tables and colours on a terminal, plain lines into a pipe."""

from __future__ import annotations

import os
import sys
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


def table(*columns: tuple[str, str]) -> Table:
    """An undecorated table; each column is (heading, "left" or "right")."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading, justify in columns:
        made.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    return made


def duration(ns: float | None) -> str:
    """A time in the unit in which it reads best, three significant digits; "-" for none."""
    if ns is None:
        return "-"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            value = ns / size
            digits = 2 if value < 10 else 1 if value < 100 else 0
            return f"{value:.{digits}f} {unit}"
    return f"{ns:.0f} ns"


def clock(seconds: float) -> str:
    """Seconds as m:ss."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes}:{rest:02d}"
