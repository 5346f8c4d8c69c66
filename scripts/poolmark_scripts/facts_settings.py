"""Settings of the kernel that times depend on: naps, clocks, addresses."""

from __future__ import annotations

from pathlib import Path

from poolmark_scripts.fact import BAD, GOOD, UNKNOWN, Fact
from poolmark_scripts.kernel_files import line_of, number_of

USUAL_SLACK_NS = 50_000
CLOCKS = Path("sys/devices/system/clocksource/clocksource0")
# Read without entering the kernel, some 20 to 50 ns.
QUICK_CLOCKS = ("tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", "riscv_clocksource", "timebase")
SLOW_CLOCKS = ("hpet", "acpi_pm", "jiffies", "pit", "xen", "hyperv_clocksource_msr", "refined-jiffies")
NO_RANDOM_ADDRESSES = 0x0040000  # ADDR_NO_RANDOMIZE of personality(2)


def timer_slack(root: Path) -> Fact:
    """How late the kernel may end a nap, on purpose."""
    name = "timer slack"
    slack_ns = number_of(root / "proc/self/timerslack_ns")
    if slack_ns is None:
        return Fact(name, "unknown", UNKNOWN, "a nap may end later than it asked for", "needs Linux 4.6 or newer")
    value = f"{slack_ns / 1000:g} us"
    if slack_ns > USUAL_SLACK_NS:
        return Fact(name, value, BAD, f"a sleep or a wait with a time limit may end {value} late", "start from a shell "
                    "that nobody put into the background class; see systemd's TimerSlackNSec=")  # fmt: skip
    effect = f"a sleep in a function of yours may end {value} late; the naps of poolmark's own workload do without"
    return Fact(name, value, GOOD, effect)


def clock_source(root: Path) -> Fact:
    """What every time is read from."""
    name = "clock source"
    current = line_of(root / CLOCKS / "current_clocksource")
    slow = "each reading of the clock is a call into the kernel, up to a microsecond: short tasks look longer"
    if current in QUICK_CLOCKS:
        return Fact(name, current, GOOD, "reading the clock costs some 20 to 50 ns")
    if current in SLOW_CLOCKS:
        others = (line_of(root / CLOCKS / "available_clocksource") or "").split()
        quick = next((clock for clock in others if clock in QUICK_CLOCKS), None)
        mend = f"echo {quick} | sudo tee /{CLOCKS}/current_clocksource" if quick else (
            "the kernel does not trust a quicker one; journalctl -k | grep -i tsc says why")
        return Fact(name, current, BAD, slow, mend)  # fmt: skip
    return Fact(name, current or "unknown", UNKNOWN, slow, "ask journalctl -k | grep -i clocksource")


def random_addresses(root: Path) -> Fact:
    """Whether each process lies elsewhere in memory."""
    name = "ASLR"
    chosen = number_of(root / "proc/sys/kernel/randomize_va_space")
    lucky = "every process has the same addresses: a lucky or unlucky layout looks like a true difference, and precise"
    personality = line_of(root / "proc/self/personality")
    try:
        is_switched_off = bool(int(personality or "0", 16) & NO_RANDOM_ADDRESSES)
    except ValueError:
        is_switched_off = False
    if is_switched_off:
        return Fact(name, "off for this shell", BAD, lucky, "start from a shell without setarch -R and no debugger")
    if chosen is None:
        return Fact(name, "unknown", UNKNOWN, lucky, "look at sysctl kernel.randomize_va_space")
    if chosen == 0:
        return Fact(name, "off", BAD, lucky, "sudo sysctl kernel.randomize_va_space=2")
    return Fact(name, "on" if chosen == 2 else "on, but for the heap", GOOD,
                "each fresh process has other addresses, so the median is over many layouts and not of one")  # fmt: skip
