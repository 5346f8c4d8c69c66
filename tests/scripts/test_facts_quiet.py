"""What is said of neighbours: steal, other processes, load, throttling, memory and heat."""

from __future__ import annotations

import pytest
from fake_machine import CPU, FakeMachine, examine
from poolmark_scripts import machine_facts, pace
from poolmark_scripts.fact import BAD, GOOD, IN_GUEST, UNKNOWN


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


def test_a_pace_that_varies_tells_of_a_shared_core(guest: FakeMachine) -> None:
    fact = examine(guest)["pace"]
    assert (fact.value, fact.verdict) == ("the same work takes up to 0 % longer from one moment to the next", GOOD)
    facts = examine(guest, slices=[1000] * 70 + [1400] * 30)
    assert (facts["pace"].verdict, facts["pace"].short) == (BAD, "pace varies by 40 %")
    assert facts["pace"].mend == IN_GUEST
    assert "pace varies by 40 %" in machine_facts.headline(list(facts.values()))
    assert examine(guest, slices=[1000] * 9)["pace"].verdict == UNKNOWN


def test_a_server_whose_pace_varies_can_be_helped(server: FakeMachine) -> None:
    assert "top" in examine(server, slices=[1000] * 70 + [1400] * 30)["pace"].mend


def test_the_pace_is_that_of_real_slices() -> None:
    slices = pace.probe()
    assert len(slices) >= 10 and min(slices) > 0
    assert pace.spread(slices) >= 0


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
