"""Whether a sample had the machine to itself: what others, the hypervisor and the quota took meanwhile.

    adopt_orphans()               once, before the first program is started
    watch = Watch()
    watch.start()
    ...                           run the program, wait for it, supervising.end_descendants()
    disturbed = watch.stop()      or stop(own_cpu_s), if the CPU time of the program is known otherwise
    disturbed.reasons()           empty: nothing took the CPUs away

Everything is read below a root, so that tests can say what the kernel says.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, NamedTuple

from poolmark_scripts import control_groups
from poolmark_scripts.kernel_files import SYSTEM, allowed_cpus, line_of, text_of
from poolmark_scripts.units import percent

PR_SET_CHILD_SUBREAPER = 36

# Of the CPU time that the sample could have had. An interval of +-1 % is what a run aims at; what takes more
# than that from every sample shows in it. docs/measuring.md, "The machine", has the trials.
MOST_FOREIGN = 0.05
MOST_STOLEN = 0.02
# The kernel's counters move in ticks: each reading is wrong by up to one of them, and what an idle CPU did in its
# last tick is known only later.
FEWEST_FOREIGN_TICKS = 4
FEWEST_STOLEN_TICKS = 2
# Some containers and emulators show a /proc/stat in which no time passes.
LEAST_ACCOUNTED = 0.5


def adopt_orphans() -> None:
    """From here on a process whose parent dies becomes our child: once reaped, its CPU time counts as the program's.

    The workers of a pool need it. The process they are forked from outlives the program for a moment, so the program
    never waits for it, and the time of the workers is in no account but that of whoever reaps it.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@dataclass(frozen=True)
class Disturbance:
    """What happened to the machine during one sample; None: the kernel does not say."""

    wall_s: float
    steal: float | None  # of the CPU time of the usable CPUs, what the hypervisor gave to other guests
    foreign: float | None  # the same, what other processes and the kernel used
    throttled_s: float  # time for which a quota stopped the control group, summed over CPUs
    load: float | None  # of the last minute; never a reason, since the program itself raises it
    pressure: float | None  # share of the time in which a task waited for a CPU; never a reason, for the same reason
    cpus: int = 1  # whose time was watched
    tick_s: float = 0.01  # what the counters move by

    def reasons(self) -> tuple[str, ...]:
        """A sentence for everything that took enough to show in the numbers; empty: undisturbed."""
        found = []
        if self.is_crowded:
            found.append(f"others used {percent(self.foreign)} of the CPUs")
        if self.is_stolen_from:
            found.append(f"the hypervisor took {percent(self.steal)} of the CPUs away")
        if self.throttled_s > 0:
            found.append(f"the CPU quota stopped it for {self.throttled_s * 1e3:.0f} ms")
        return tuple(found)

    @property
    def is_crowded(self) -> bool:
        """Whether others used more than rounding and the kernel's own work can explain."""
        return self._is_beyond(self.foreign, MOST_FOREIGN, FEWEST_FOREIGN_TICKS)

    @property
    def is_stolen_from(self) -> bool:
        """Whether the hypervisor took more than rounding can explain."""
        return self._is_beyond(self.steal, MOST_STOLEN, FEWEST_STOLEN_TICKS)

    def _is_beyond(self, share: float | None, most: float, fewest_ticks: int) -> bool:
        if share is None:
            return False
        return share > most and share * self.wall_s * self.cpus >= fewest_ticks * self.tick_s


class Usage(NamedTuple):
    """CPU time since the beginning, user and system."""

    own_s: float  # of this process
    children_s: float  # of those it has reaped, and those that they have reaped


def cpu_time_used() -> Usage:
    """Of this process and of its children."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Usage(*(one.ru_utime + one.ru_stime for one in used))


@dataclass(frozen=True)
class _Moment:
    """The counters at one time, in seconds."""

    clock_s: float
    idle_s: float | None
    stolen_s: float
    accounted_s: float
    throttled_s: float
    waited_s: float | None
    used: Usage


class Watch:
    """Looks at the counters before a sample and after it."""

    def __init__(
        self, root: Path = SYSTEM, clock: Callable[[], float] = time.monotonic,
        usage: Callable[[], Usage] = cpu_time_used,
    ) -> None:  # fmt: skip
        self._root = root
        self._clock = clock
        self._usage = usage
        self._cpus = allowed_cpus(root)
        self._ticks_per_s = os.sysconf("SC_CLK_TCK")
        self._before: _Moment | None = None

    def start(self) -> None:
        """A sample begins."""
        self._before = self._look()

    def stop(self, own_cpu_s: float | None = None) -> Disturbance:
        """The sample is over. `own_cpu_s` is the user and system time of the program and all its processes; without it,
        of every child that this process has reaped since start(): see adopt_orphans()."""
        if self._before is None:
            raise RuntimeError("Watch.stop() without start()")
        before, after = self._before, self._look()
        self._before = None
        wall_s = after.clock_s - before.clock_s
        if own_cpu_s is None:
            own_cpu_s = after.used.children_s - before.used.children_s
        # The script that waits for the program is not "others": nobody can mend it by measuring again.
        own_cpu_s += after.used.own_s - before.used.own_s
        steal, foreign = self._shares(before, after, wall_s, own_cpu_s)
        waited = None
        if before.waited_s is not None and after.waited_s is not None and wall_s > 0:
            waited = min(1.0, (after.waited_s - before.waited_s) / wall_s)
        return Disturbance(
            wall_s=wall_s, steal=steal, foreign=foreign, throttled_s=max(0.0, after.throttled_s - before.throttled_s),
            load=_load(self._root), pressure=waited, cpus=max(1, len(self._cpus)), tick_s=1 / self._ticks_per_s,
        )  # fmt: skip

    def _shares(
        self, before: _Moment, after: _Moment, wall_s: float, own_cpu_s: float
    ) -> tuple[float | None, float | None]:
        """Steal and foreign."""
        possible_s = wall_s * len(self._cpus)
        if before.idle_s is None or after.idle_s is None or possible_s <= 0:
            return None, None
        rounding_s = 2 * len(self._cpus) / self._ticks_per_s
        if after.accounted_s - before.accounted_s < LEAST_ACCOUNTED * possible_s - rounding_s:
            return None, None
        stolen_s = max(0.0, after.stolen_s - before.stolen_s)
        # Not the sum of what was used: that is sampled at ticks, while the kernel knows to the microsecond how long
        # a CPU slept. In windows of 120 ms on two busy CPUs this is wrong by 1.3 ms (standard deviation), that by 8.
        used_s = possible_s - (after.idle_s - before.idle_s) - stolen_s
        foreign_s = min(max(0.0, used_s - own_cpu_s), possible_s)
        return min(1.0, stolen_s / possible_s), foreign_s / possible_s

    def _look(self) -> _Moment:
        idle_s, stolen_s, accounted_s = self._cpu_times()
        clock_s = self._clock()  # at once: what passes between the two looks like somebody's work
        throttling = control_groups.throttling(self._root)
        return _Moment(
            clock_s=clock_s, idle_s=idle_s, stolen_s=stolen_s, accounted_s=accounted_s,
            throttled_s=throttling.seconds if throttling else 0.0, waited_s=_waited_s(self._root),
            used=self._usage(),
        )  # fmt: skip

    def _cpu_times(self) -> tuple[float | None, float, float]:
        """Idle, stolen and all time of the CPUs that this process may use."""
        wanted = {f"cpu{cpu}" for cpu in self._cpus}
        idle = stolen = accounted = seen = 0
        for line in (text_of(self._root / "proc/stat") or "").splitlines():
            name, *fields = line.split()
            if not name.startswith("cpu"):
                break  # they come first; the interrupts behind them are a long line
            if name not in wanted:
                continue
            # user nice system idle iowait irq softirq steal, then guest times, which user has counted already.
            ticks = [int(field) for field in fields[:8]] + [0] * (8 - len(fields))
            seen += 1
            idle += ticks[3] + ticks[4]
            stolen += ticks[7]
            accounted += sum(ticks)
        if not seen or seen < len(wanted):
            return None, 0.0, 0.0
        return idle / self._ticks_per_s, stolen / self._ticks_per_s, accounted / self._ticks_per_s


def _load(root: Path) -> float | None:
    words = (line_of(root / "proc/loadavg") or "").split()
    try:
        load = float(words[0])
    except (IndexError, ValueError):
        return None
    return load if math.isfinite(load) else None


def _waited_s(root: Path) -> float | None:
    """How long some task has waited for a CPU since the start of the system."""
    for line in (text_of(root / "proc/pressure/cpu") or "").splitlines():
        kind, *fields = line.split()
        total = next((field[6:] for field in fields if field.startswith("total=")), "")
        if kind == "some" and total.isdecimal():
            return int(total) / 1e6
    return None
