"""A tree that stands for "/": what the kernel of a made-up machine says in /proc and /sys."""

from __future__ import annotations

from pathlib import Path
from typing import Iterable

from poolmark_scripts.disturbance import Usage, Watch

TICKS_PER_S = 100  # of every Linux that anybody uses, sysconf(_SC_CLK_TCK)


class FakeMachine:
    """Files below `root`, a clock, and the CPU time that the watched program has used."""

    def __init__(self, root: Path, cpus: int = 2) -> None:
        self.root = root
        self.cpus = cpus
        self.clock_s = 1000.0
        self.own_s = 0.0
        self.children_s = 0.0
        self._ticks = [[0] * 10 for _ in range(cpus)]
        last = f"-{cpus - 1}" if cpus > 1 else ""
        self.write("proc/self/status", f"Name:\tpython3\nCpus_allowed_list:\t0{last}\n")
        self.write("sys/devices/system/cpu/online", f"0{last}")
        self.write("proc/loadavg", "0.25 0.10 0.05 1/100 1234")
        self._write_stat()

    def write(self, path: str, text: str | int) -> None:
        """Makes a file; a line end is added."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    def remove(self, path: str) -> None:
        """Takes a file away."""
        (self.root / path).unlink()

    def for_each_cpu(self, path: str, text: str | int, cpus: Iterable[int] | None = None) -> None:
        """One file for each CPU, below its directory in /sys."""
        for cpu in range(self.cpus) if cpus is None else cpus:
            self.write(f"sys/devices/system/cpu/cpu{cpu}/{path}", text)

    def pass_time(self, seconds: float, used: Iterable[float], stolen: Iterable[float] = ()) -> None:
        """Lets the clock go on; each CPU was used, and stolen, for so many seconds, and idle for the rest."""
        self.clock_s += seconds
        stolen = list(stolen) or [0.0] * self.cpus
        for ticks, busy_s, stolen_s in zip(self._ticks, used, stolen, strict=True):
            ticks[0] += round(busy_s * TICKS_PER_S)
            ticks[3] += round((seconds - busy_s - stolen_s) * TICKS_PER_S)
            ticks[7] += round(stolen_s * TICKS_PER_S)
        self._write_stat()

    def watch(self) -> Watch:
        """What looks at this machine."""
        return Watch(self.root, clock=lambda: self.clock_s, usage=lambda: Usage(self.own_s, self.children_s))

    def _write_stat(self) -> None:
        total = [sum(column) for column in zip(*self._ticks)]
        lines = [f"cpu  {' '.join(map(str, total))}"]
        lines += [f"cpu{number} {' '.join(map(str, ticks))}" for number, ticks in enumerate(self._ticks)]
        self.write("proc/stat", "\n".join([*lines, "intr 123 0 0", "ctxt 456"]))
