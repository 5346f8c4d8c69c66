"""The CPUs: how many may be used, whether they are alike, how fast they run, and whose they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from poolmark_scripts import control_groups
from poolmark_scripts.fact import BAD, GOOD, IN_GUEST, UNKNOWN, Fact
from poolmark_scripts.kernel_files import allowed_cpus, line_of, number_of, text_of, to_cpus, to_list

CPU_DIRECTORY = Path("sys/devices/system/cpu")
NONE, UNKNOWN_MACHINE = "none", "unknown"
# How Linux shows who runs it, in the order of trust; the names are those of src/harness/machine.cpp.
CLOCKS_OF = {"kvm-clock": "kvm", "hyperv": "hyperv", "xen": "xen"}
MAKERS_OF = {
    "QEMU": "qemu", "VMware": "vmware", "innotek": "virtualbox", "Microsoft": "hyperv", "Xen": "xen",
    "Amazon EC2": "kvm", "Google": "kvm", "Parallels": "parallels", "bhyve": "bhyve",
}  # fmt: skip
NAMES_OF_GUESTS = {
    "kvm": "KVM guest", "qemu": "QEMU guest", "vmware": "VMware guest", "hyperv": "Hyper-V guest", "xen": "Xen guest",
    "virtualbox": "VirtualBox guest", "parallels": "Parallels guest", "bhyve": "bhyve guest",
    NONE: "bare metal", UNKNOWN_MACHINE: "virtualisation unknown",
}  # fmt: skip
ALIKE = 0.9  # the slowest of CPUs that count as alike, in parts of the fastest


def usable_cpus(root: Path) -> Fact:
    """By affinity and quota, the rule of poolmark::usable_cpus()."""
    name = "usable CPUs"
    effect = "so many workers compute side by side; more of them share the CPUs"
    allowed = allowed_cpus(root)
    if not allowed:
        return Fact(name, "unknown", UNKNOWN, effect, "look at nproc and taskset -p $$", short="usable CPUs unknown")
    granted = control_groups.quota(root)
    usable = control_groups.usable_cpus_of(len(allowed), granted)
    online = to_cpus(line_of(root / CPU_DIRECTORY / "online") or "") or allowed
    limits = f"affinity {to_list(allowed)}, {'no quota' if granted is None else f'quota {granted:g}'}"
    value = f"{usable} of {len(online)} ({limits})"
    short = f"{usable} usable CPU{'s' if usable > 1 else ''} of {len(online)} ({limits})"
    if granted is not None and granted < len(allowed):
        return Fact(
            name, value, BAD,
            f"when {granted:g} CPUs' worth of a period is used up, all threads stand still until the next one "
            "(mostly 100 ms): times jump by tens of ms",
            "raise the quota (docker run --cpus=N, systemd CPUQuota=), or measure on fewer CPUs than it grants: "
            f"taskset -c {to_list(allowed[: max(1, int(granted))])} scripts/bench",
            short,
        )  # fmt: skip
    if usable == 1:
        return Fact(
            name, value, BAD, "workers take turns on the one CPU: no speed-up can be seen, whatever the pool",
            "" if len(online) == 1 else f"taskset -c {to_list(online)} scripts/bench", short,
        )  # fmt: skip
    return Fact(name, value, GOOD, effect, short=short)


def alike(root: Path, machine: str) -> Fact:
    """Whether all usable CPUs are equally fast."""
    name = "CPUs alike"
    allowed = allowed_cpus(root)
    slow = tuple(cpu for cpu in to_cpus(line_of(root / "sys/devices/cpu_atom/cpus") or "") if cpu in allowed)
    fast = tuple(cpu for cpu in to_cpus(line_of(root / "sys/devices/cpu_core/cpus") or "") if cpu in allowed)
    if not (slow and fast):
        slow, fast = _by_speed(root, allowed)
    if slow and fast:
        return Fact(
            name, f"no: {len(fast)} fast ({to_list(fast)}), {len(slow)} slow ({to_list(slow)})", BAD,
            "a task takes longer on a slow CPU, and which one it gets is luck: wide intervals, and a speed-up below "
            "the pool's own", f"taskset -c {to_list(fast)} scripts/bench",
        )  # fmt: skip
    effect = "on CPUs of two kinds, the time of a task is a matter of luck"
    if machine != NONE:
        return Fact(name, "not told to a guest", UNKNOWN, effect, _mend_unseen(machine))
    if not fast:
        return Fact(name, "unknown", UNKNOWN, effect, "compare the MAXMHZ of lscpu --extended")
    return Fact(name, "yes", GOOD, effect)


def _by_speed(root: Path, cpus: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The slow and the fast ones, by the first file that all CPUs have; only fast ones where all are alike."""
    for file in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        speeds = {cpu: number_of(root / CPU_DIRECTORY / f"cpu{cpu}" / file) for cpu in cpus}
        known = {cpu: speed for cpu, speed in speeds.items() if speed}
        if cpus and len(known) == len(cpus):
            most = max(known.values())
            slow = tuple(cpu for cpu, speed in known.items() if speed < ALIKE * most)
            return slow, tuple(cpu for cpu in cpus if cpu not in slow)
    return (), ()


def governor(root: Path, machine: str) -> Fact:
    """Who chooses the clock rate of the usable CPUs."""
    name = "governor"
    found: Counter[str] = Counter()
    is_fixed = True
    for cpu in allowed_cpus(root):
        directory = root / CPU_DIRECTORY / f"cpu{cpu}" / "cpufreq"
        chosen = line_of(directory / "scaling_governor")
        if chosen:
            found[chosen] += 1
            least, most = (number_of(directory / f"scaling_{limit}_freq") for limit in ("min", "max"))
            is_fixed = is_fixed and least is not None and least == most
    if not found:
        return Fact(
            name, "unknown", UNKNOWN, "a clock rate that follows the load makes short and first batches slow",
            _mend_unseen(machine, "no cpufreq driver is loaded: the firmware chooses; look for its power settings"),
            short="governor unknown",
        )  # fmt: skip
    kinds = ", ".join(kind if len(found) == 1 else f"{kind} on {count}" for kind, count in found.most_common())
    if set(found) == {"performance"} or is_fixed:
        return Fact(name, kinds if set(found) == {"performance"} else f"{kinds}, at a fixed rate", GOOD,
                    "the clock rate does not wait for load", short=f"governor {kinds}")  # fmt: skip
    return Fact(
        name, kinds, BAD, "the clock rate follows the load: short and first batches run slow, and times drift",
        "sudo cpupower frequency-set -g performance", f"governor {kinds}",
    )


def turbo(root: Path, machine: str) -> Fact:
    """Whether one busy CPU may run faster than all of them together."""
    name = "turbo"
    file = root / CPU_DIRECTORY / "intel_pstate/no_turbo"
    is_off = number_of(file)
    command = "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"
    if is_off is None:
        boost = number_of(root / CPU_DIRECTORY / "cpufreq/boost")
        is_off = None if boost is None else int(boost == 0)
        command = "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost"
    effect = "one busy CPU runs faster than all together: the sequential loop gains, so speed-ups come out too small"
    if is_off is None:
        return Fact(name, "unknown", UNKNOWN, effect,
                    _mend_unseen(machine, "look for turbo or boost in the firmware's settings"))  # fmt: skip
    if is_off:
        return Fact(name, "off", GOOD, "one busy CPU runs as fast as all together")
    return Fact(name, "on", BAD, f"{effect}; and it ends when the chip is warm", command)


def smt(root: Path, machine: str) -> Fact:
    """Whether two usable CPUs are one core."""
    name = "SMT"
    allowed = allowed_cpus(root)
    effect = "two CPUs of one core share its units: a second worker there brings a fraction of a core"
    cores = {}
    for cpu in allowed:
        siblings = to_cpus(line_of(root / CPU_DIRECTORY / f"cpu{cpu}" / "topology/thread_siblings_list") or "")
        if siblings:
            cores.setdefault(siblings[0], []).append(cpu)
    if any(len(cpus) > 1 for cpus in cores.values()):
        one_each = to_list(tuple(sorted(cpus[0] for cpus in cores.values())))
        return Fact(
            name, f"on: {len(allowed)} usable CPUs are {len(cores)} core{'s' if len(cores) > 1 else ''}", BAD, effect,
            f"taskset -c {one_each} scripts/bench, or: echo off | sudo tee /sys/devices/system/cpu/smt/control",
        )  # fmt: skip
    if machine != NONE:
        return Fact(name, "not told to a guest", UNKNOWN, effect, _mend_unseen(machine))
    active = number_of(root / CPU_DIRECTORY / "smt/active")
    if not cores and active != 0:
        return Fact(name, "unknown", UNKNOWN, effect, "compare the CORE column of lscpu --extended")
    return Fact(name, "on, but one usable CPU a core" if active else "off", GOOD, "every usable CPU is a core")


def virtualisation(machine: str) -> Fact:
    """Whether somebody else decides when the CPUs run."""
    name = "virtualisation"
    effect = "the host and other guests move the clock rate, the caches and the CPUs: times drift by percents"
    said = NAMES_OF_GUESTS.get(machine, machine)
    if machine == UNKNOWN_MACHINE:
        return Fact(name, "unknown", UNKNOWN, effect, "ask systemd-detect-virt", said)
    if machine == NONE:
        return Fact(name, "none", GOOD, "nobody outside this system takes CPUs away", short=said)
    return Fact(name, said, BAD, effect, IN_GUEST, said)


def find_machine(root: Path) -> str:
    """"none", "kvm" and so on, or "unknown": what bench/scaling asks the processor, from what the kernel tells."""
    told = (text_of(root / "proc/cpuinfo") or "").splitlines()
    flags = next((line for line in told if line.startswith("flags")), None)
    if flags is not None and "hypervisor" not in flags.split():
        return NONE
    hypervisor = line_of(root / "sys/hypervisor/type")
    if hypervisor:
        return hypervisor
    clocks = line_of(root / "sys/devices/system/clocksource/clocksource0/available_clocksource") or ""
    for mark, maker in CLOCKS_OF.items():
        if mark in clocks:
            return maker
    for file in ("sys_vendor", "product_name"):
        vendor = line_of(root / "sys/class/dmi/id" / file) or ""
        for mark, maker in MAKERS_OF.items():
            # Of a processor that does not tell, the big clouds rent whole machines too.
            if mark in vendor and (flags is not None or maker != "kvm"):
                return maker
    return UNKNOWN_MACHINE if flags is None else "a guest of an unknown hypervisor"


def _mend_unseen(machine: str, otherwise: str = "the system does not tell; use more rounds") -> str:
    return otherwise if machine in (NONE, UNKNOWN_MACHINE) else IN_GUEST
