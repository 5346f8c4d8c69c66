"""Which processes use the CPUs: two looks at /proc, and what each has used between them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from poolmark_scripts.kernel_files import SYSTEM, text_of


@dataclass(frozen=True)
class Busy:
    """A process, and how much of one CPU it used."""

    name: str
    pid: int
    cpus: float

    def __str__(self) -> str:
        return f"{self.name} {self.cpus * 100:.0f} %"


def cpu_times(root: Path = SYSTEM) -> dict[int, tuple[str, float]]:
    """Name, and user and system time in seconds, of each process that can be seen."""
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    found = {}
    for directory in _directories(root):
        text = text_of(directory / "stat")
        # The name is in brackets and may hold anything.
        before, _, behind = (text or "").rpartition(")")
        fields = behind.split()
        if len(fields) > 12:
            found[int(directory.name)] = (before.partition("(")[2], (int(fields[11]) + int(fields[12])) / ticks_per_s)
    return found


def busy_between(
    before: dict[int, tuple[str, float]], after: dict[int, tuple[str, float]], seconds: float, least: float = 0.01
) -> list[Busy]:
    """Who used at least this share of one CPU, the busiest first. Not this process, and not who is gone by now."""
    found = []
    for pid, (name, used_s) in after.items():
        used_s -= before.get(pid, ("", 0.0))[1]
        if pid != os.getpid() and seconds > 0 and used_s / seconds >= least:
            found.append(Busy(name, pid, used_s / seconds))
    return sorted(found, key=lambda busy: -busy.cpus)


def _directories(root: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(root / "proc") if entry.name.isdecimal()]
    except OSError:
        return []
