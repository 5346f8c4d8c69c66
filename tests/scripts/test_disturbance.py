"""Which samples had the machine to themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_machine import FakeMachine
from poolmark_scripts.disturbance import Disturbance, Watch


def sample(
    machine: FakeMachine, seconds: float, used: list[float], stolen: list[float] | None = None, own: float = 0.0
) -> Disturbance:
    """What is said of a sample whose program used `own` seconds of CPU time."""
    watch = machine.watch()
    watch.start()
    machine.pass_time(seconds, used, stolen or [])
    return watch.stop(own)


def test_what_the_program_itself_uses_disturbs_nobody(machine: FakeMachine) -> None:
    seen = sample(machine, 1.0, used=[1.0, 0.9], own=1.89)
    assert seen.reasons() == ()
    assert seen.foreign == pytest.approx(0.005)
    assert seen.steal == 0
    assert seen.wall_s == pytest.approx(1.0)
    assert seen.load == 0.25


def test_what_others_use_is_named_as_a_share_of_the_usable_cpus(machine: FakeMachine) -> None:
    seen = sample(machine, 1.0, used=[1.0, 0.62], own=1.0)
    assert seen.foreign == pytest.approx(0.31)
    assert seen.reasons() == ("others used 31 % of the CPUs",)


def test_steal_is_named_and_is_not_what_others_used(machine: FakeMachine) -> None:
    seen = sample(machine, 1.0, used=[0.9, 0.9], stolen=[0.1, 0.1], own=1.8)
    assert seen.steal == pytest.approx(0.1)
    assert seen.foreign == pytest.approx(0.0)
    assert seen.reasons() == ("the hypervisor took 10 % of the CPUs away",)


@pytest.mark.parametrize("seconds, used", [(0.12, [0.12, 0.03]), (2.0, [1.0, 0.05])])
def test_rounding_and_the_kernels_own_work_are_no_disturbance(
    machine: FakeMachine, seconds: float, used: list[float]
) -> None:
    # 30 ms that nobody has used may be six readings of a clock that moves by 10 ms.
    seen = sample(machine, seconds, used, own=used[0])
    assert seen.foreign > 0
    assert seen.reasons() == ()


def test_a_short_sample_beside_a_busy_loop_is_disturbed(machine: FakeMachine) -> None:
    assert sample(machine, 0.12, used=[0.12, 0.06], own=0.12).reasons() == ("others used 25 % of the CPUs",)


def test_one_tick_of_steal_is_rounding(machine: FakeMachine) -> None:
    assert sample(machine, 0.12, used=[0.11, 0.12], stolen=[0.01, 0], own=0.23).reasons() == ()


def test_cpus_that_this_process_may_not_use_do_not_count(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path, cpus=4)
    machine.write("proc/self/status", "Cpus_allowed_list:\t1,3")
    seen = sample(machine, 1.0, used=[0.2, 0.5, 0.9, 0.5], own=0.5)
    assert (seen.foreign, seen.cpus) == (pytest.approx(0.25), 2)


def test_cpus_of_the_mask_that_are_not_plugged_in_do_not_count(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path, cpus=2)
    machine.write("proc/self/status", "Cpus_allowed_list:\t0-127")
    assert sample(machine, 1.0, used=[1.0, 0.5], own=1.5).foreign == pytest.approx(0.0)


@pytest.mark.parametrize(
    "group, before, after",
    [
        ("0::/job", "nr_throttled 3\nthrottled_usec 100000", "nr_throttled 4\nthrottled_usec 135000"),
        ("7:cpu,cpuacct:/job", "nr_throttled 3\nthrottled_time 100000000", "nr_throttled 4\nthrottled_time 135000000"),
    ],
)
def test_a_quota_that_stopped_the_program_is_named(machine: FakeMachine, group: str, before: str, after: str) -> None:
    stat = "sys/fs/cgroup/job/cpu.stat" if group.startswith("0::") else "sys/fs/cgroup/cpu/job/cpu.stat"
    machine.write("proc/self/cgroup", group)
    machine.write(stat, before)
    watch = machine.watch()
    watch.start()
    machine.pass_time(1.0, used=[1.0, 0.0])
    machine.write(stat, after)
    seen = watch.stop(1.0)
    assert seen.throttled_s == pytest.approx(0.035)
    assert seen.reasons() == ("the CPU quota stopped it for 35 ms",)


def test_the_quota_of_a_group_above_counts_too(machine: FakeMachine) -> None:
    machine.write("proc/self/cgroup", "0::/slice/job")
    machine.write("sys/fs/cgroup/slice/job/cpu.stat", "nr_throttled 0\nthrottled_usec 0")
    machine.write("sys/fs/cgroup/slice/cpu.stat", "nr_throttled 0\nthrottled_usec 0")
    watch = machine.watch()
    watch.start()
    machine.pass_time(1.0, used=[0.0, 0.0])
    machine.write("sys/fs/cgroup/slice/cpu.stat", "nr_throttled 1\nthrottled_usec 50000")
    assert watch.stop(0).throttled_s == pytest.approx(0.05)


def test_waiting_for_a_cpu_is_told_and_is_never_the_only_reason(machine: FakeMachine) -> None:
    machine.write("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000")
    watch = machine.watch()
    watch.start()
    machine.pass_time(1.0, used=[1.0, 1.0])
    machine.write("proc/pressure/cpu", "some avg10=90.00 avg60=0.00 avg300=0.00 total=1900000")
    seen = watch.stop(2.0)
    assert seen.pressure == pytest.approx(0.9)
    assert seen.reasons() == ()


def test_a_high_load_is_never_the_only_reason(machine: FakeMachine) -> None:
    machine.write("proc/loadavg", "64.00 10.00 5.00 1/100 1234")
    seen = sample(machine, 1.0, used=[1.0, 1.0], own=2.0)
    assert (seen.load, seen.reasons()) == (64.0, ())


@pytest.mark.parametrize("stat", [None, "cpu  1 2 3\nctxt 1", "cpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0"])
def test_what_the_kernel_does_not_tell_is_unknown_and_no_reason(machine: FakeMachine, stat: str | None) -> None:
    """Nothing there, no line for the CPUs, and a container's file in which no time passes."""
    for path in ("proc/stat", "proc/loadavg"):
        machine.remove(path)
    watch = machine.watch()
    if stat is not None:
        machine.write("proc/stat", stat)
    watch.start()
    machine.clock_s += 1.0
    seen = watch.stop(0.5)
    assert (seen.steal, seen.foreign, seen.load, seen.pressure, seen.throttled_s) == (None, None, None, None, 0)
    assert seen.reasons() == ()


def test_shares_of_which_a_cpu_is_missing_are_unknown(machine: FakeMachine) -> None:
    machine.write("proc/stat", "cpu0 0 0 0 0 0 0 0 0")
    watch = machine.watch()
    watch.start()
    machine.clock_s += 1.0
    machine.write("proc/stat", "cpu0 100 0 0 0 0 0 0 0")
    assert watch.stop(0.0).foreign is None


def test_the_script_that_waits_is_not_others_and_reaped_children_are_the_program(machine: FakeMachine) -> None:
    watch = machine.watch()
    watch.start()
    machine.pass_time(1.0, used=[1.0, 0.5])
    machine.own_s += 0.2
    machine.children_s += 1.3
    assert watch.stop().foreign == pytest.approx(0.0)


def test_stop_without_start_is_refused(machine: FakeMachine) -> None:
    watch = machine.watch()
    with pytest.raises(RuntimeError, match="start"):
        watch.stop(0)
    watch.start()
    watch.stop(0)
    with pytest.raises(RuntimeError, match="start"):
        watch.stop(0)


def test_this_machine_can_be_watched() -> None:
    watch = Watch()
    watch.start()
    seen = watch.stop()
    assert seen.cpus == len(os.sched_getaffinity(0))
    assert seen.wall_s > 0


# A child that is adopted needs a process of its own: the test's would keep the role, and its other children.
ADOPTING = """
import json, os, subprocess, sys
from poolmark_scripts import disturbance, supervising
disturbance.adopt_orphans()
before = disturbance.cpu_time_used()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
waited = disturbance.cpu_time_used()
supervising.end_descendants()
reaped = disturbance.cpu_time_used()
print(json.dumps([waited.children_s - before.children_s, reaped.children_s - before.children_s]))
"""


def test_the_time_of_worker_processes_is_the_programs(scaling_program: Path, tmp_path: Path, root: Path) -> None:
    cell, output = "primes/process/map/workers:2", tmp_path / "out.json"
    said = subprocess.run(
        [sys.executable, "-c", ADOPTING, scaling_program, f"--benchmark_filter=^{cell}$", "--no-baseline",
         "--benchmark_repetitions=1", f"--benchmark_out={output}"],
        env={**os.environ, "PYTHONPATH": str(root / "scripts")}, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    waited_s, reaped_s = json.loads(said.stdout)
    entry = json.loads(output.read_text())["benchmarks"][0]
    in_batch_s = entry["cpu_time_total_ns"] * entry["iterations"] / 1e9
    # The program waits for none of its workers, so the account of those it waits for lacks nearly all.
    assert waited_s < in_batch_s / 2
    assert reaped_s >= in_batch_s * 0.99
