"""What is said of CPUs: quotas, affinity, clock rates, cores, and who else runs on them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_machine import CLOCKS, CPU, FakeMachine, examine
from poolmark_scripts.fact import BAD, GOOD, UNKNOWN


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
