"""A tree that stands for "/": what the kernel of a made-up machine says in /proc and /sys."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Iterable, Sequence

from poolmark_scripts import machine_facts
from poolmark_scripts.disturbance import Usage, Watch
from poolmark_scripts.fact import Fact

CPU = "sys/devices/system/cpu"
CLOCKS = "sys/devices/system/clocksource/clocksource0"
RELEASE = {"build_type": "Release", "compiler_flags": " -O3 -DNDEBUG", "library_build_type": "release"}
STEADY = [1000] * 98 + [3000, 5000]  # ns of the same work; an interrupt now and then is nobody's neighbour
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
            self.write(f"{CPU}/cpu{cpu}/{path}", text)

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


def make_server(machine: FakeMachine) -> None:
    """Bare metal on which nothing is wrong."""
    machine.write("proc/cpuinfo", "processor : 0\nflags\t\t: fpu tsc sse2")
    machine.for_each_cpu("cpufreq/scaling_governor", "performance")
    machine.for_each_cpu("cpufreq/cpuinfo_max_freq", 3600000)
    machine.write(f"{CPU}/intel_pstate/no_turbo", 1)
    machine.write(f"{CPU}/smt/active", 0)
    for cpu in range(2):
        machine.write(f"{CPU}/cpu{cpu}/topology/thread_siblings_list", cpu)
        machine.write(f"{CPU}/cpu{cpu}/thermal_throttle/core_throttle_count", 0)
    machine.write("sys/class/thermal/thermal_zone0/temp", 45000)
    machine.write("proc/self/cgroup", "0::/user.slice")
    machine.write("proc/pressure/cpu", "some avg10=0.10 avg60=0.00 avg300=0.00 total=1000")
    machine.write("proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB")
    machine.write("proc/self/timerslack_ns", 50000)
    machine.write("proc/self/personality", "00000000")
    machine.write("proc/sys/kernel/randomize_va_space", 2)
    machine.write(f"{CLOCKS}/current_clocksource", "tsc")


def make_guest(server: FakeMachine) -> None:
    """The same machine as a guest sees it."""
    server.write("proc/cpuinfo", "processor : 0\nflags\t\t: fpu tsc sse2 hypervisor")
    server.write(f"{CLOCKS}/available_clocksource", "tsc kvm-clock")


def examine(
    machine: FakeMachine, meanwhile: Callable[[], None] | None = None, build: dict[str, str] | None = RELEASE,
    slices: Sequence[int] = STEADY,
) -> dict[str, Fact]:  # fmt: skip
    """The facts by name; `meanwhile` is what happens while the machine is watched: nothing, for half a second."""
    pause = meanwhile or (lambda: machine.pass_time(0.5, used=[0.0] * machine.cpus))
    found = machine_facts.examine(machine.root, build, machine.watch(), pause, lambda: slices)
    return {fact.name: fact for fact in found}
