"""The sentences say what the numbers say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Callable

import pytest
import sample_data
from poolmark_scripts import results, schedule, units
from poolmark_scripts.findings import findings
from poolmark_scripts.results import Cell, Results

Change = Callable[[Cell], Cell]


@pytest.fixture
def measured(tmp_path: Path) -> Results:
    return results.load(sample_data.write(tmp_path / "run.json", sample_data.document()))


def changed(measured: Results, change: Change) -> Results:
    return replace(measured, cells={name: change(cell) for name, cell in measured.cells.items()})


def scaled(cell: Cell, wall: float, cpu: float = 1.0) -> Cell:
    return replace(
        cell, real_times=tuple(t * wall for t in cell.real_times), cpu_totals=tuple(t * cpu for t in cell.cpu_totals)
    )


def text(measured: Results, workload: str) -> str:
    return "\n".join(findings(measured, workload))


def test_the_winner_is_measured_against_what_its_tasks_allow(measured: Results) -> None:
    said = findings(measured, "primes")[0]
    assert said.startswith("Fastest: thread/") and "with 2 workers" in said or "with 4 workers" in said
    assert "allow 1.98 times: it reaches 100% of that" in said or "reaches 99% of that" in said


def test_executors_within_the_spread_are_equal(measured: Results) -> None:
    assert "process is as fast: process/" in text(measured, "primes")


def test_a_loser_that_burns_cpu(measured: Results) -> None:
    said = text(changed(measured, lambda c: scaled(c, 1.3, 1.3) if c.executor == "process" else c), "primes")
    assert "process loses by 31%" in said or "process loses by 30%" in said
    assert "more CPU time" in said and "were busy" not in said


def test_a_loser_that_waits(measured: Results) -> None:
    said = text(changed(measured, lambda c: scaled(c, 1.3) if c.executor == "process" else c), "primes")
    assert "its CPUs were busy 7" in said and "more CPU time" not in said


def test_a_loser_whose_numbers_say_nothing(measured: Results) -> None:
    said = text(changed(measured, lambda c: scaled(c, 1.3) if c.executor == "process" else c), "sleep")
    assert "Its CPU time does not say why: it is " in said and " a task." in said


def test_a_pool_that_loses_to_the_loop(measured: Results) -> None:
    said = text(changed(measured, lambda c: c if c.executor == "sequential" else scaled(c, 5.0)), "sum")
    assert "no pool beat the plain loop" in said


def test_a_winner_far_from_the_ideal_is_explained(measured: Results) -> None:
    said = text(changed(measured, lambda c: c if c.executor == "sequential" else scaled(c, 1.5)), "primes")
    assert "CPUs were at work 6" in said


def test_patterns_differ_in_the_first_result(measured: Results) -> None:
    said = text(measured, "sum")
    assert "the whole batch takes the same time by" in said
    assert "by wait: wait returns when all are done." in said


def test_a_slow_pattern_is_named(measured: Results) -> None:
    said = text(changed(measured, lambda c: scaled(c, 1.25) if c.pattern == "wait" else c), "sleep")
    assert "wait takes 25% longer than" in said or "wait takes 26% longer than" in said


def test_more_workers_than_cpus(measured: Results) -> None:
    only_map = changed(measured, lambda c: c if c.pattern == "map" else scaled(c, 1.1))
    slower = changed(only_map, lambda c: scaled(c, 1.2) if c.workers == 4 else c)
    assert "4 workers on 2 CPUs take 20% longer than 2" in text(slower, "primes")
    assert "more workers than the 2 CPUs go on helping, up to 32 measured" in text(only_map, "sleep")


def test_without_a_baseline_no_speedup_is_named(measured: Results) -> None:
    cells = {name: cell for name, cell in measured.cells.items() if cell.executor != "sequential"}
    said = text(replace(measured, cells=cells), "primes")
    assert "Without the sequential baseline" in said and "times as fast" not in said


def test_the_greedy_schedule() -> None:
    assert schedule.greedy_ns([3, 3, 2, 2, 2], 2) == 7
    assert schedule.greedy_ns([5], 4) == 5
    assert schedule.greedy_ns([1, 2, 3], 1) == 6


@pytest.mark.parametrize(
    "ns, shown",
    [(None, "-"), (12, "12 ns"), (1500, "1.50 us"), (81.6e6, "81.6 ms"), (427e6, "427 ms"), (2.5e9, "2.50 s")],
)
def test_durations(ns: float | None, shown: str) -> None:
    assert units.duration(ns) == shown


def test_clock() -> None:
    assert [units.clock(seconds) for seconds in (0, 59.4, 59.6, 125)] == ["0:00", "0:59", "1:00", "2:05"]
