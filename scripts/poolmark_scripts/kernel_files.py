"""Reads what the kernel says in /proc and /sys, below a root that tests replace."""

from __future__ import annotations

from pathlib import Path

SYSTEM = Path("/")


def text_of(path: Path) -> str | None:
    """The whole file; None where it does not exist or may not be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def line_of(path: Path) -> str | None:
    """The first line without the white space around it; None where there is none."""
    text = text_of(path)
    lines = text.splitlines() if text else []
    return lines[0].strip() or None if lines else None


def number_of(path: Path) -> int | None:
    """The one whole number in the file."""
    line = line_of(path)
    try:
        return int(line) if line is not None else None
    except ValueError:
        return None


def counters_of(path: Path) -> dict[str, int]:
    """A file of lines "name 123"; other lines are passed over."""
    found = {}
    for line in (text_of(path) or "").splitlines():
        words = line.split()
        if len(words) >= 2 and words[1].isdecimal():
            found[words[0].rstrip(":")] = int(words[1])
    return found


def to_cpus(text: str) -> tuple[int, ...]:
    """CPU numbers of a list such as "0-3,8"; empty if it is none."""
    cpus: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            return ()
        cpus.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(cpus))


def to_list(cpus: tuple[int, ...]) -> str:
    """The other way round, as bench/scaling writes it: "0-3,8"."""
    runs: list[list[int]] = []
    for cpu in cpus:
        if runs and cpu == runs[-1][-1] + 1:
            runs[-1].append(cpu)
        else:
            runs.append([cpu])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def allowed_cpus(root: Path = SYSTEM) -> tuple[int, ...]:
    """The affinity of this process, ascending; empty where it cannot be read."""
    for line in (text_of(root / "proc/self/status") or "").splitlines():
        if line.startswith("Cpus_allowed_list:"):
            allowed = to_cpus(line.partition(":")[2])
            # The mask may name CPUs that could be plugged in one day; sched_getaffinity() leaves them out too.
            online = to_cpus(line_of(root / "sys/devices/system/cpu/online") or "")
            return tuple(cpu for cpu in allowed if not online or cpu in online)
    return ()
