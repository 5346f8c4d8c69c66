"""The machine, examined: what decides how much its measurements are worth. Reads, and never changes anything.

Everything is read below a root, so that tests can make a machine up.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable, Sequence

from poolmark_scripts import facts_build, facts_cpus, facts_quiet, facts_settings, pace, processes
from poolmark_scripts.disturbance import Watch
from poolmark_scripts.fact import BAD, GOOD, IN_GUEST, UNKNOWN, Fact
from poolmark_scripts.kernel_files import SYSTEM

WATCHED_S = 0.5  # long enough for a clock of 10 ms to see 5 % of two CPUs, short enough for the head of a run
ORDER = (BAD, UNKNOWN, GOOD)

__all__ = ["BAD", "GOOD", "UNKNOWN", "Fact", "examine", "headline", "sort"]


def examine(
    root: Path = SYSTEM, context: dict[str, Any] | None = None, watch: Watch | None = None,
    pause: Callable[[], None] = lambda: time.sleep(WATCHED_S), probe: Callable[[], Sequence[int]] = pace.probe,
) -> list[Fact]:  # fmt: skip
    """Everything there is to say; watches the machine for half a second, in which it only sleeps, and computes for a
    third of one. `context` is what the measuring program says of its build, in a results file or asked by
    program.examine()."""
    machine = facts_cpus.find_machine(root)
    moment = _watched(root, watch or Watch(root), pause)
    return [
        facts_cpus.usable_cpus(root),
        facts_cpus.virtualisation(machine),
        facts_cpus.governor(root, machine),
        facts_cpus.turbo(root, machine),
        facts_cpus.smt(root, machine),
        facts_cpus.alike(root, machine),
        facts_quiet.steal(root, machine, moment),
        facts_quiet.others(moment),
        facts_quiet.load(root, moment),
        facts_quiet.pressure(root),
        facts_quiet.steadiness(probe(), machine),
        facts_quiet.throttling(root, moment),
        facts_quiet.memory(root),
        facts_quiet.heat(root, machine),
        facts_settings.timer_slack(root),
        facts_settings.clock_source(root),
        facts_settings.random_addresses(root),
        facts_build.our_build(context),
        facts_build.library_build(context),
    ]


def _watched(root: Path, watch: Watch, pause: Callable[[], None]) -> facts_quiet.Moment:
    before = processes.cpu_times(root)
    watch.start()
    pause()
    disturbance = watch.stop()
    return facts_quiet.Moment(
        disturbance, processes.busy_between(before, processes.cpu_times(root), disturbance.wall_s)
    )


def sort(facts: list[Fact]) -> list[Fact]:
    """Bad first, then unknown, then good; last of each what cannot be mended here. Otherwise as examine() has it."""
    return sorted(facts, key=lambda fact: (ORDER.index(fact.verdict), fact.mend == IN_GUEST))


def headline(facts: list[Fact]) -> str:
    """One line for the head of a run."""
    said = [fact.short for fact in facts if fact.short]
    bad = [fact.name for fact in facts if fact.verdict == BAD and not fact.short]
    if bad:
        said.append(f"also bad: {', '.join(bad)}")
    if any(fact.verdict == BAD and fact.mend != IN_GUEST for fact in facts):
        said.append("scripts/doctor says what to do")
    return " · ".join(said)
