"""What is said of made-up machines: bare metal, guests, containers, and those that tell nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from fake_machine import FakeMachine
from poolmark_scripts import machine_facts
from poolmark_scripts.facts_cpus import NAMES_OF_GUESTS
from poolmark_scripts.machine_facts import BAD, GOOD, UNKNOWN, Fact

CPU = "sys/devices/system/cpu"
CLOCKS = "sys/devices/system/clocksource/clocksource0"
RELEASE = {"build_type": "Release", "compiler_flags": " -O3 -DNDEBUG", "library_build_type": "release"}
Examined = dict[str, Fact]


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    """Two CPUs of which nothing else is known."""
    return FakeMachine(tmp_path / "root")


@pytest.fixture
def server(machine: FakeMachine) -> FakeMachine:
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
    return machine


@pytest.fixture
def guest(server: FakeMachine) -> FakeMachine:
    """The same machine as a guest sees it."""
    server.write("proc/cpuinfo", "processor : 0\nflags\t\t: fpu tsc sse2 hypervisor")
    server.write(f"{CLOCKS}/available_clocksource", "tsc kvm-clock")
    return server


def examine(
    machine: FakeMachine, meanwhile: Callable[[], None] | None = None, build: dict[str, str] | None = RELEASE
) -> Examined:
    """The facts by name; `meanwhile` is what happens while the machine is watched: nothing, for half a second."""
    pause = meanwhile or (lambda: machine.pass_time(0.5, used=[0.0] * machine.cpus))
    return {fact.name: fact for fact in machine_facts.examine(machine.root, build, machine.watch(), pause)}


def verdicts(facts: Examined, verdict: str) -> set[str]:
    return {name for name, fact in facts.items() if fact.verdict == verdict}


def test_everything_is_good_on_a_quiet_server(server: FakeMachine) -> None:
    facts = examine(server)
    assert verdicts(facts, GOOD) == set(facts)
    assert machine_facts.headline(list(facts.values())) == (
        "2 usable CPUs of 2 (affinity 0-1, no quota) · bare metal · governor performance"
    )


def test_a_machine_that_tells_nothing_is_unknown_and_nowhere_good(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path / "root")
    for path in ("proc/self/status", "sys/devices/system/cpu/online", "proc/loadavg", "proc/stat"):
        machine.remove(path)
    facts = examine(machine, meanwhile=lambda: None, build=None)
    assert verdicts(facts, UNKNOWN) == set(facts)
    assert all(fact.mend for fact in facts.values())


def test_what_is_not_good_says_what_it_does_and_how_to_mend_it(guest: FakeMachine) -> None:
    for fact in examine(guest).values():
        assert fact.effect
        assert fact.verdict == GOOD or fact.mend, fact


# Usable CPUs


@pytest.mark.parametrize(
    "group, files",
    [
        ("0::/job", {"job/cpu.max": "150000 100000"}),
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "150000 100000", "cpu.max": "200000 100000"}),
        ("0::/docker/0123", {"cpu.max": "150000 100000"}),
        ("7:cpu,cpuacct:/job", {"cpu/job/cpu.cfs_quota_us": "150000", "cpu/job/cpu.cfs_period_us": "100000"}),
        ("7:cpu:/a/b", {"cpu/a/b/cpu.cfs_quota_us": "-1", "cpu/a/b/cpu.cfs_period_us": "100000",
                        "cpu/a/cpu.cfs_quota_us": "75000", "cpu/a/cpu.cfs_period_us": "50000"}),
    ],
    ids=["v2", "v2 nested", "v2 in a container", "v1", "v1 nested"],
)  # fmt: skip
def test_a_quota_below_the_cpus_is_bad(server: FakeMachine, group: str, files: dict[str, str]) -> None:
    server.write("proc/self/cgroup", group)
    for path, text in files.items():
        server.write(f"sys/fs/cgroup/{path}", text)
    fact = examine(server)["usable CPUs"]
    assert (fact.value, fact.verdict) == ("2 of 2 (affinity 0-1, quota 1.5)", BAD)
    assert "taskset -c 0 scripts/bench" in fact.mend


def test_a_quota_of_all_cpus_stops_nobody(server: FakeMachine) -> None:
    server.write("sys/fs/cgroup/user.slice/cpu.max", "200000 100000")
    fact = examine(server)["usable CPUs"]
    assert (fact.value, fact.verdict) == ("2 of 2 (affinity 0-1, quota 2)", GOOD)


def test_a_quota_of_more_cpus_than_there_are_adds_none(server: FakeMachine) -> None:
    server.write("sys/fs/cgroup/user.slice/cpu.max", "750000 100000")
    assert examine(server)["usable CPUs"].value == "2 of 2 (affinity 0-1, quota 7.5)"


def test_the_limits_of_other_controllers_are_no_quota(server: FakeMachine) -> None:
    server.write("proc/self/cgroup", "7:cpuset,memory:/job\nnonsense\n1:\n0::relative")
    server.write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", 50000)
    server.write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", 100000)
    assert examine(server)["usable CPUs"].value == "2 of 2 (affinity 0-1, no quota)"


def test_affinity_is_a_list_and_what_is_not_plugged_in_does_not_count(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path, cpus=8)
    machine.write("proc/self/status", "Cpus_allowed_list:\t0,2-3,6-127")
    fact = examine(machine)["usable CPUs"]
    assert (fact.value, fact.verdict) == ("5 of 8 (affinity 0,2-3,6-7, no quota)", GOOD)


def test_one_cpu_can_show_no_speed_up(server: FakeMachine) -> None:
    server.write("proc/self/status", "Cpus_allowed_list:\t1")
    fact = examine(server)["usable CPUs"]
    assert (fact.value, fact.verdict) == ("1 of 2 (affinity 1, no quota)", BAD)
    assert fact.mend == "taskset -c 0-1 scripts/bench"


# Clock rate, cores


@pytest.mark.parametrize(
    "governors, value, verdict",
    [
        (("performance", "performance"), "performance", GOOD),
        (("powersave", "powersave"), "powersave", BAD),
        (("performance", "schedutil"), "performance on 1, schedutil on 1", BAD),
    ],
)
def test_governors(server: FakeMachine, governors: tuple[str, str], value: str, verdict: str) -> None:
    for cpu, governor in enumerate(governors):
        server.write(f"{CPU}/cpu{cpu}/cpufreq/scaling_governor", governor)
    fact = examine(server)["governor"]
    assert (fact.value, fact.verdict) == (value, verdict)


def test_a_governor_that_may_not_choose_is_good(server: FakeMachine) -> None:
    server.for_each_cpu("cpufreq/scaling_governor", "powersave")
    server.for_each_cpu("cpufreq/scaling_min_freq", 2000000)
    server.for_each_cpu("cpufreq/scaling_max_freq", 2000000)
    assert examine(server)["governor"].verdict == GOOD
    server.write(f"{CPU}/cpu1/cpufreq/scaling_max_freq", 3000000)
    assert examine(server)["governor"].verdict == BAD


def test_a_governor_that_cannot_be_read_is_unknown(server: FakeMachine) -> None:
    for cpu in range(2):
        file = f"{CPU}/cpu{cpu}/cpufreq/scaling_governor"
        server.remove(file)
        (server.root / file).mkdir()  # what may not be read: permissions do not stop root
    fact = examine(server)["governor"]
    assert (fact.value, fact.verdict) == ("unknown", UNKNOWN)


@pytest.mark.parametrize(
    "file, on, off, command", [("intel_pstate/no_turbo", 0, 1, "echo 1"), ("cpufreq/boost", 1, 0, "echo 0")]
)
def test_turbo(server: FakeMachine, file: str, on: int, off: int, command: str) -> None:
    server.remove(f"{CPU}/intel_pstate/no_turbo")
    assert examine(server)["turbo"].verdict == UNKNOWN
    server.write(f"{CPU}/{file}", off)
    assert examine(server)["turbo"].verdict == GOOD
    server.write(f"{CPU}/{file}", on)
    fact = examine(server)["turbo"]
    assert fact.verdict == BAD
    assert fact.mend == f"{command} | sudo tee /{CPU}/{file}"


def test_two_cpus_of_one_core(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path, cpus=4)
    machine.write("proc/cpuinfo", "flags : fpu")
    machine.write(f"{CPU}/smt/active", 1)
    for cpu in range(4):
        machine.write(f"{CPU}/cpu{cpu}/topology/thread_siblings_list", f"{cpu % 2},{cpu % 2 + 2}")
    fact = examine(machine)["SMT"]
    assert (fact.value, fact.verdict) == ("on: 4 usable CPUs are 2 cores", BAD)
    assert "taskset -c 0-1 scripts/bench" in fact.mend
    machine.write("proc/self/status", "Cpus_allowed_list:\t0-1")
    assert examine(machine)["SMT"].verdict == GOOD


def test_cores_that_cannot_be_seen_are_unknown(server: FakeMachine) -> None:
    server.write(f"{CPU}/smt/active", 1)
    for cpu in range(2):
        server.remove(f"{CPU}/cpu{cpu}/topology/thread_siblings_list")
    assert examine(server)["SMT"].verdict == UNKNOWN


def test_fast_and_slow_cpus(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path, cpus=6)
    machine.write("proc/cpuinfo", "flags : fpu")
    machine.write("sys/devices/cpu_core/cpus", "0-3")
    machine.write("sys/devices/cpu_atom/cpus", "4-5")
    fact = examine(machine)["CPUs alike"]
    assert (fact.value, fact.verdict) == ("no: 4 fast (0-3), 2 slow (4-5)", BAD)
    assert fact.mend == "taskset -c 0-3 scripts/bench"
    machine.write("proc/self/status", "Cpus_allowed_list:\t0-3")
    assert examine(machine)["CPUs alike"].verdict == UNKNOWN  # nothing says how fast these are
    machine.for_each_cpu("cpu_capacity", 1024)
    assert examine(machine)["CPUs alike"].verdict == GOOD


@pytest.mark.parametrize("file, fast, slow", [("cpu_capacity", 1024, 446), ("cpufreq/cpuinfo_max_freq", 3600000, 2400000)])
def test_cpus_of_other_speeds(server: FakeMachine, file: str, fast: int, slow: int) -> None:
    server.write(f"{CPU}/cpu0/{file}", fast)
    server.write(f"{CPU}/cpu1/{file}", slow)
    assert examine(server)["CPUs alike"].value == "no: 1 fast (0), 1 slow (1)"


# Guests


@pytest.mark.parametrize(
    "file, text, value",
    [
        (f"{CLOCKS}/available_clocksource", "tsc kvm-clock acpi_pm", "KVM guest"),
        (f"{CLOCKS}/available_clocksource", "tsc hyperv_clocksource_tsc_page", "Hyper-V guest"),
        ("sys/hypervisor/type", "xen", "Xen guest"),
        ("sys/class/dmi/id/sys_vendor", "VMware, Inc.", "VMware guest"),
        ("sys/class/dmi/id/product_name", "Amazon EC2 m7i", "KVM guest"),
        ("proc/version", "Linux", "a guest of an unknown hypervisor"),
    ],
)
def test_guests(server: FakeMachine, file: str, text: str, value: str) -> None:
    server.write("proc/cpuinfo", "flags : fpu hypervisor")
    server.write(file, text)
    fact = examine(server)["virtualisation"]
    assert (fact.value, fact.verdict) == (value, BAD)
    assert "cannot be mended inside this guest; use more rounds" in fact.mend


def test_a_rented_machine_without_hypervisor_is_no_guest(server: FakeMachine) -> None:
    server.write("sys/class/dmi/id/sys_vendor", "Amazon EC2")
    assert examine(server)["virtualisation"].verdict == GOOD


def test_a_processor_that_does_not_tell_is_unknown(server: FakeMachine) -> None:
    server.write("proc/cpuinfo", "processor : 0\nFeatures : fp asimd")
    assert examine(server)["virtualisation"].verdict == UNKNOWN


def test_what_a_guest_is_told_of_cores_is_not_believed(guest: FakeMachine) -> None:
    facts = examine(guest)
    assert {facts[name].verdict for name in ("SMT", "CPUs alike")} == {UNKNOWN}


def test_steal(guest: FakeMachine) -> None:
    """Since the system started there has been none; then little; then much, now."""
    assert examine(guest)["steal"].verdict == UNKNOWN
    guest.pass_time(100.0, used=[0.0, 0.0], stolen=[0.1, 0.1])
    facts = examine(guest)
    assert (facts["steal"].value, facts["steal"].verdict) == ("0.0 % now, 0.1 % since the system started", GOOD)
    assert "KVM guest · governor performance · steal 0.1 %" in machine_facts.headline(list(facts.values()))
    fact = examine(guest, lambda: guest.pass_time(0.02, used=[0.0, 0.0], stolen=[0.01, 0.0]))["steal"]
    assert (fact.verdict, fact.short) == (GOOD, "steal 0.1 %")  # one step of the counter
    fact = examine(guest, lambda: guest.pass_time(0.5, used=[0.0, 0.0], stolen=[0.05, 0.05]))["steal"]
    assert fact.short == "steal 10.0 %"
    assert (fact.value, fact.verdict) == ("10.0 % now, 0.2 % since the system started", BAD)


# Others


def process(machine: FakeMachine, pid: int, name: str, ticks: int) -> None:
    machine.write(f"proc/{pid}/stat", f"{pid} ({name}) R 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 5")


def test_other_processes_are_named_with_their_share(server: FakeMachine) -> None:
    process(server, 11, "ninja", 500)
    process(server, 12, "a) R (b", 700)

    def meanwhile() -> None:
        server.pass_time(0.5, used=[0.5, 0.1])
        process(server, 12, "a) R (b", 745)
        process(server, 13, "cc1plus", 10)

    facts = examine(server, meanwhile)
    fact = facts["other processes"]
    assert (fact.value, fact.verdict) == ("60 % of the CPUs: a) R (b 90 %, cc1plus 20 %", BAD)
    assert "ps -fp 12,13" in fact.mend
    assert "others use 60 % of the CPUs" in machine_facts.headline(list(facts.values()))


def test_a_little_of_others_is_named_and_good(server: FakeMachine) -> None:
    process(server, 11, "sshd", 500)

    def meanwhile() -> None:
        server.pass_time(0.5, used=[0.02, 0.0])
        process(server, 11, "sshd", 502)

    fact = examine(server, meanwhile)["other processes"]
    assert (fact.value, fact.verdict) == ("2 % of the CPUs: sshd 4 %", GOOD)


def test_others_that_cannot_be_seen_are_told(server: FakeMachine) -> None:
    fact = examine(server, lambda: server.pass_time(0.5, used=[0.5, 0.5]))["other processes"]
    assert fact.verdict == BAD
    assert "what cannot be seen from here" in fact.value


def test_load_and_pressure(server: FakeMachine) -> None:
    server.write("proc/loadavg", "1.94 0.10 0.05 1/100 1234")
    server.write("proc/pressure/cpu", "some avg10=12.50 avg60=0.00 avg300=0.00 total=1000")
    facts = examine(server)
    assert (facts["load"].value, facts["load"].verdict) == ("1.94 for 2 CPUs", BAD)
    assert (facts["pressure"].value, facts["pressure"].verdict) == ("12.5 % of the time", BAD)
    assert machine_facts.headline(list(facts.values())).endswith(
        "· load 1.9 · also bad: pressure · scripts/doctor says what to do"
    )


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_throttling(server: FakeMachine, version: str) -> None:
    if version == "v2":
        directory, unit, quota = "sys/fs/cgroup/user.slice", "throttled_usec 2500000", {"cpu.max": "100000 100000"}
    else:
        server.write("proc/self/cgroup", "3:cpu:/user.slice")
        directory, unit = "sys/fs/cgroup/cpu/user.slice", "throttled_time 2500000000"
        quota = {"cpu.cfs_quota_us": "100000", "cpu.cfs_period_us": "100000"}
    server.write(f"{directory}/cpu.stat", f"nr_throttled 7\n{unit}")
    fact = examine(server)["throttling"]
    assert (fact.value, fact.verdict) == ("no quota, 7 times, 2.5 s in all in the past", GOOD)
    for file, text in quota.items():
        server.write(f"{directory}/{file}", text)
    fact = examine(server)["throttling"]
    assert (fact.value, fact.verdict) == ("7 times, 2.5 s in all", BAD)
    server.write(f"{directory}/cpu.stat", "nr_throttled 0\nthrottled_usec 0\nthrottled_time 0")
    assert examine(server)["throttling"].verdict == GOOD
    server.remove(f"{directory}/cpu.stat")
    assert examine(server)["throttling"].verdict == UNKNOWN


def test_memory(server: FakeMachine) -> None:
    server.write("proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000")
    assert examine(server)["memory"].value == "8.0 of 16.0 GiB free, nothing in swap"
    server.write("proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\nSwapTotal: 2097152 kB\nSwapFree: 0 kB")
    fact = examine(server)["memory"]
    assert (fact.value, fact.verdict) == ("8.0 of 16.0 GiB free, 2.0 GiB in swap", GOOD)
    server.write("proc/pressure/memory", "some avg10=20.00 avg60=0.00 avg300=0.00 total=1000")
    assert examine(server)["memory"].verdict == BAD
    server.write("proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000")
    server.write("proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: 167772 kB")
    assert examine(server)["memory"].verdict == BAD


def test_heat(server: FakeMachine) -> None:
    assert examine(server)["heat"].value == "45 °C, never slowed down"
    server.write(f"{CPU}/cpu1/thermal_throttle/core_throttle_count", 3)
    fact = examine(server)["heat"]
    assert (fact.value, fact.verdict) == ("45 °C, slowed down 3 times since the system started", BAD)
    for cpu in range(2):
        server.remove(f"{CPU}/cpu{cpu}/thermal_throttle/core_throttle_count")
    assert examine(server)["heat"].value == "45 °C"
    server.write("sys/class/thermal/thermal_zone1/temp", 95000)
    assert examine(server)["heat"].verdict == BAD


# Settings


@pytest.mark.parametrize("slack, verdict", [(1, GOOD), (50000, GOOD), (50000000, BAD)])
def test_timer_slack(server: FakeMachine, slack: int, verdict: str) -> None:
    server.write("proc/self/timerslack_ns", slack)
    assert examine(server)["timer slack"].verdict == verdict


def test_clock_sources(server: FakeMachine) -> None:
    server.write(f"{CLOCKS}/available_clocksource", "tsc hpet acpi_pm")
    server.write(f"{CLOCKS}/current_clocksource", "hpet")
    fact = examine(server)["clock source"]
    assert (fact.value, fact.verdict) == ("hpet", BAD)
    assert fact.mend == f"echo tsc | sudo tee /{CLOCKS}/current_clocksource"
    server.write(f"{CLOCKS}/available_clocksource", "hpet acpi_pm")
    assert "journalctl" in examine(server)["clock source"].mend
    server.write(f"{CLOCKS}/current_clocksource", "new-clock")
    assert examine(server)["clock source"].verdict == UNKNOWN


@pytest.mark.parametrize(
    "system, shell, value, verdict",
    [
        (2, "00000000", "on", GOOD),
        (1, "00000000", "on, but for the heap", GOOD),
        (0, "00000000", "off", BAD),
        (2, "00040000", "off for this shell", BAD),
    ],
)
def test_random_addresses(server: FakeMachine, system: int, shell: str, value: str, verdict: str) -> None:
    server.write("proc/sys/kernel/randomize_va_space", system)
    server.write("proc/self/personality", shell)
    fact = examine(server)["ASLR"]
    assert (fact.value, fact.verdict) == (value, verdict)


# Builds


@pytest.mark.parametrize(
    "build_type, flags, value, verdict",
    [
        ("Release", "-O3", "Release", GOOD),
        ("Debug", "-g", "Debug", BAD),
        ("unspecified", "", "unspecified", BAD),
        ("RelWithDebInfo", "-O2 -fsanitize=thread", "RelWithDebInfo with sanitizers", BAD),
    ],
)
def test_our_build(server: FakeMachine, build_type: str, flags: str, value: str, verdict: str) -> None:
    built = {**RELEASE, "build_type": build_type, "compiler_flags": flags}
    fact = examine(server, build=built)["our build"]
    assert (fact.value, fact.verdict) == (value, verdict)


def test_a_program_that_is_not_built_is_unknown(server: FakeMachine) -> None:
    facts = examine(server, build=None)
    assert facts["our build"].value == "not built yet, or by another version"
    assert {facts[name].verdict for name in ("our build", "Google Benchmark")} == {UNKNOWN}


def test_a_library_that_was_built_as_debug_is_explained(server: FakeMachine) -> None:
    assert examine(server)["Google Benchmark"].value == "release"
    fact = examine(server, build={**RELEASE, "library_build_type": "debug"})["Google Benchmark"]
    assert (fact.value, fact.verdict) == ("debug, as Debian builds it", GOOD)
    assert "no harm" in fact.effect


# The order, and this machine


def test_bad_comes_first_and_last_of_it_what_cannot_be_mended_here(guest: FakeMachine) -> None:
    guest.write("proc/loadavg", "1.94 0.10 0.05 1/100 1234")
    names = [fact.name for fact in machine_facts.sort(list(examine(guest).values()))]
    assert names[:3] == ["load", "virtualisation", "steal"]


@pytest.fixture(params=["all CPUs", "one CPU"])
def context(request: pytest.FixtureRequest, scaling_program: Path) -> Iterator[dict[str, Any]]:
    """What the real program writes about this machine, while we have the same CPUs as it had."""
    before = os.sched_getaffinity(0)
    if request.param == "one CPU":
        os.sched_setaffinity(0, {max(before)})
    try:
        listed = subprocess.run(
            [scaling_program, "--benchmark_list_tests", "--benchmark_format=json"], check=True, stdout=subprocess.PIPE
        )
        yield json.loads(listed.stdout)["context"]
    finally:
        os.sched_setaffinity(0, before)


def test_the_scripts_and_the_program_say_the_same_of_this_machine(context: dict[str, Any]) -> None:
    facts = {fact.name: fact for fact in machine_facts.examine(context=context)}
    limits = "no quota" if context["cpu_quota"] is None else f"quota {context['cpu_quota']:g}"
    assert facts["usable CPUs"].value.startswith(f"{context['usable_cpus']} of ")
    assert facts["usable CPUs"].value.endswith(f"(affinity {context['affinity']}, {limits})")
    assert context["governor"] in facts["governor"].value
    assert facts["our build"].value.startswith(context["build_type"])
    assert facts["Google Benchmark"].value.startswith(context["library_build_type"])
    guest = NAMES_OF_GUESTS.get(context["virtualization"], context["virtualization"])
    assert facts["virtualisation"].value == ("none" if context["virtualization"] == "none" else guest)


def test_examining_changes_nothing(guest: FakeMachine) -> None:
    def tree() -> dict[Path, tuple[int, bytes]]:
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in guest.root.rglob("*") if path.is_file()}

    before = tree()
    examine(guest, meanwhile=lambda: None)
    assert tree() == before
