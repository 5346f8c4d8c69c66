"""What is said of made-up machines as a whole, of kernel settings and builds; and of this machine."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest
from fake_machine import CLOCKS, CPU, RELEASE, FakeMachine, examine
from poolmark_scripts import machine_facts
from poolmark_scripts.fact import BAD, GOOD, UNKNOWN, Fact
from poolmark_scripts.facts_cpus import NAMES_OF_GUESTS


def verdicts(facts: dict[str, Fact], verdict: str) -> set[str]:
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
    facts = examine(machine, meanwhile=lambda: None, build=None, slices=[])
    assert verdicts(facts, UNKNOWN) == set(facts)
    assert all(fact.mend for fact in facts.values())


def test_what_is_not_good_says_what_it_does_and_how_to_mend_it(guest: FakeMachine) -> None:
    for fact in examine(guest).values():
        assert fact.effect
        assert fact.verdict == GOOD or fact.mend, fact


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


def test_the_head_of_a_run_sends_to_the_doctor_for_what_can_be_mended(guest: FakeMachine) -> None:
    hint = "scripts/doctor says what to do"
    assert hint not in machine_facts.headline(list(examine(guest).values()))
    guest.write(f"{CPU}/intel_pstate/no_turbo", 0)
    assert machine_facts.headline(list(examine(guest).values())).endswith(f"also bad: turbo · {hint}")


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
