"""How quiet the machine is: what others, the hypervisor, quotas, memory and heat take from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from poolmark_scripts import control_groups, pace
from poolmark_scripts.disturbance import Disturbance
from poolmark_scripts.fact import BAD, GOOD, IN_GUEST, UNKNOWN, Fact
from poolmark_scripts.facts_cpus import CPU_DIRECTORY, NONE, UNKNOWN_MACHINE
from poolmark_scripts.kernel_files import allowed_cpus, counters_of, number_of, text_of
from poolmark_scripts.processes import Busy
from poolmark_scripts.units import percent

MOST_STOLEN_SINCE_BOOT = 0.01
MOST_LOAD = 0.25  # of a usable CPU
MOST_WAITING = 0.05  # of the last ten seconds
MOST_MEMORY_WAITING = 0.01
LEAST_MEMORY_FREE = 0.05
HOT_C = 90
MOST_SPREAD = 0.15  # on a core of its own it is a few percent
SHOWN_PROCESSES = 3


@dataclass(frozen=True)
class Moment:
    """What was seen in the short time for which the machine was watched."""

    disturbance: Disturbance
    busy: list[Busy]


def steal(root: Path, machine: str, moment: Moment) -> Fact:
    """CPU time that the hypervisor gave to others."""
    name = "steal"
    now, since_boot = moment.disturbance.steal, _stolen_since_boot(root)
    effect = "the program stands still while another guest runs, and its clock goes on: that time is in the numbers"
    if machine == NONE:
        return Fact(name, "none: no guest", GOOD, "no hypervisor takes CPUs away")
    if now is None or since_boot is None:
        return Fact(name, "unknown", UNKNOWN, effect, "use more rounds", "steal unknown")
    value = f"{percent(now, 1)} now, {percent(since_boot, 1)} since the system started"
    is_much_now = moment.disturbance.is_stolen_from
    short = f"steal {percent(now if is_much_now else since_boot, 1)}"
    if since_boot == 0:
        return Fact(name, "0, as if it were not told", UNKNOWN, effect, "use more rounds: many hypervisors keep it to "
                    "themselves", "steal unknown")  # fmt: skip
    if is_much_now or since_boot > MOST_STOLEN_SINCE_BOOT:
        return Fact(name, value, BAD, effect, IN_GUEST, short)
    return Fact(name, value, GOOD, "less than a measurement can show", short=short)


def _stolen_since_boot(root: Path) -> float | None:
    words = (text_of(root / "proc/stat") or "").split("\n", 1)[0].split()[1:9]
    if len(words) < 8 or not all(word.isdecimal() for word in words) or not any(map(int, words)):
        return None
    return int(words[7]) / sum(map(int, words))


def others(moment: Moment) -> Fact:
    """Other processes that run now."""
    name = "other processes"
    effect = "they take CPUs, caches and memory bandwidth from what is measured: wide intervals, times too long"
    shown = ", ".join(str(busy) for busy in moment.busy[:SHOWN_PROCESSES])
    if len(moment.busy) > SHOWN_PROCESSES:
        shown += f" and {len(moment.busy) - SHOWN_PROCESSES} more"
    share = moment.disturbance.foreign
    if share is None:
        return Fact(name, shown or "unknown", BAD if shown else UNKNOWN, effect, _end_them(moment.busy))
    value = f"{percent(share)} of the CPUs" + (f": {shown}" if shown else "")
    if not moment.disturbance.is_crowded:
        return Fact(name, value, GOOD, "what else runs is less than a measurement can show")
    if not shown:
        value += ", by what cannot be seen from here (another container, or programs of a moment)"
    return Fact(name, value, BAD, effect, _end_them(moment.busy), short=f"others use {percent(share)} of the CPUs")


def _end_them(busy: list[Busy]) -> str:
    pids = " ".join(str(one.pid) for one in busy[:SHOWN_PROCESSES])
    if not pids:
        return "wait until they are done"
    return f"wait for them, or end what is yours (ps -fp {pids.replace(' ', ',')})"


def load(root: Path, moment: Moment) -> Fact:
    """Tasks that wanted a CPU in the last minute."""
    name, seen = "load", moment.disturbance.load
    cpus = max(1, len(allowed_cpus(root)))
    value = f"{seen:.2f} for {cpus} CPU{'s' if cpus > 1 else ''}" if seen is not None else "unknown"
    effect = "so many tasks wanted a CPU on average, of the last minute: a build that has just ended still counts"
    if seen is None:
        return Fact(name, value, UNKNOWN, effect, "look at uptime")
    if seen > MOST_LOAD * cpus:
        return Fact(name, value, BAD, effect, "wait a minute; see what runs with top",
                    short=f"load {seen:.1f}")  # fmt: skip
    return Fact(name, value, GOOD, "next to nothing has run of late")


def pressure(root: Path) -> Fact:
    """Tasks that waited for a CPU in the last ten seconds."""
    name = "pressure"
    waiting = _waiting(root, "cpu")
    effect = "for this part of the last ten seconds a task was ready and had no CPU"
    if waiting is None:
        return Fact(name, "unknown", UNKNOWN, effect, "boot with the kernel parameter psi=1, on Linux 4.20 or newer")
    verdict, mend = (BAD, "wait until less runs; see what with top") if waiting > MOST_WAITING else (GOOD, "")
    return Fact(name, f"{percent(waiting, 1)} of the time", verdict, effect, mend)


def steadiness(slices: Sequence[int], machine: str) -> Fact:
    """Whether the same work takes the same time."""
    name = "pace"
    effect = "somebody shares the core, its cache or its clock rate, and no counter tells: intervals are wide"
    found = pace.spread(slices)
    if found is None:
        return Fact(name, "unknown", UNKNOWN, effect, "use more rounds")
    value = f"the same work takes up to {percent(found)} longer from one moment to the next"
    if found <= MOST_SPREAD:
        return Fact(name, value, GOOD, "a CPU computes as fast now as a moment ago")
    mend = IN_GUEST if machine not in (NONE, UNKNOWN_MACHINE) else "see what runs with top; fix the clock rate"
    return Fact(name, value, BAD, effect, mend, short=f"pace varies by {percent(found)}")


def throttling(root: Path, moment: Moment) -> Fact:
    """What a CPU quota has cost."""
    name = "throttling"
    effect = "the quota's group stands still for the rest of a period: single times jump by tens of ms"
    counted, granted = control_groups.throttling(root), control_groups.quota(root)
    if granted is None and text_of(root / "proc/self/cgroup") is None:
        return Fact(name, "unknown", UNKNOWN, effect, "look for nr_throttled in the container's cpu.stat")
    if granted is not None and counted is None:
        return Fact(name, "a quota, and no count of what it stopped", UNKNOWN, effect,
                    "look at the container's cpu.stat")  # fmt: skip
    times = counted.times if counted else 0
    value = f"{times} times, {counted.seconds:.1f} s in all" if times and counted else "never"
    if moment.disturbance.throttled_s > 0 or (times and granted is not None):
        return Fact(name, value, BAD, effect, "raise the quota (docker run --cpus=N, systemd CPUQuota=), or use fewer "
                    "workers than it grants CPUs")  # fmt: skip
    if granted is None:
        past = f", {value} in the past" if times else ""
        return Fact(name, f"no quota{past}", GOOD, "no quota stops the program")
    return Fact(name, value, GOOD, "the quota has not stopped the program yet")


def memory(root: Path) -> Fact:
    """Room, and whether tasks wait for it."""
    name = "memory"
    effect = "a page that must be fetched costs as much as a thousand tasks"
    known = counters_of(root / "proc/meminfo")
    total, free = known.get("MemTotal"), known.get("MemAvailable")
    waiting = _waiting(root, "memory")
    if not total or free is None:
        return Fact(name, "unknown", UNKNOWN, effect, "look at free --mega")
    swapped = known.get("SwapTotal", 0) - known.get("SwapFree", 0)
    value = f"{free / 2**20:.1f} of {total / 2**20:.1f} GiB free, "
    value += f"{swapped / 2**20:.1f} GiB in swap" if swapped else "nothing in swap"
    if waiting is not None and waiting > MOST_MEMORY_WAITING:
        return Fact(name, f"{value}, {percent(waiting)} of the time spent waiting", BAD, effect, "end what holds memory; "
                    "see ps aux --sort=-rss | head")  # fmt: skip
    if free < LEAST_MEMORY_FREE * total:
        return Fact(name, value, BAD, effect, "end what holds memory; see ps aux --sort=-rss | head")
    return Fact(name, value, GOOD, "nothing waits for memory")


def _waiting(root: Path, what: str) -> float | None:
    """Share of the last ten seconds in which some task waited for it."""
    for line in (text_of(root / "proc/pressure" / what) or "").splitlines():
        kind, *fields = line.split()
        if kind == "some" and fields and fields[0].startswith("avg10="):
            try:
                return float(fields[0][6:]) / 100
            except ValueError:
                return None
    return None


def heat(root: Path, machine: str) -> Fact:
    """Whether the CPUs are, or were, slowed down because they were hot."""
    name = "heat"
    effect = "a hot chip slows down: the later cells of a run look slower than the first ones"
    file = "thermal_throttle/core_throttle_count"
    counts = [number_of(root / CPU_DIRECTORY / f"cpu{cpu}" / file) for cpu in allowed_cpus(root)]
    is_counted = any(count is not None for count in counts)
    times = sum(count for count in counts if count)
    zones = [number_of(zone / "temp") for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*"))]
    hottest = max((zone / 1000 for zone in zones if zone is not None), default=None)
    degrees = "" if hottest is None else f"{hottest:.0f} °C"
    if times or (hottest is not None and hottest >= HOT_C):
        slowed = f"slowed down {times} times since the system started" if times else ""
        return Fact(name, ", ".join(filter(None, (degrees, slowed))), BAD, effect,
                    "let it cool before a run; without turbo it stays cooler")  # fmt: skip
    if hottest is None and not is_counted:
        is_guest = machine not in (NONE, UNKNOWN_MACHINE)
        return Fact(name, "unknown", UNKNOWN, effect, IN_GUEST if is_guest else "install lm-sensors and ask sensors")
    cool = "never slowed down" if is_counted else ""
    return Fact(name, ", ".join(filter(None, (degrees, cool))), GOOD, "the chip keeps its speed")
