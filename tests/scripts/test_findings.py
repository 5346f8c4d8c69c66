"""The sentences say what the numbers say."""

from __future__ import annotations

import re
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


def test_the_pool_to_take_is_measured_against_what_its_tasks_allow(measured: Results) -> None:
    said = findings(measured, "primes")[0]
    assert said.startswith("Take the thread pool, 2 workers, map: 378 ms (")
    assert " times as fast as the plain loop (1.9" in said
    assert "allow 1.98 times: it reaches 9" in said or "allow 1.98 times: it reaches 100%" in said


def test_of_cells_that_do_as_well_the_simplest_is_taken(measured: Results) -> None:
    quicker = changed(measured, lambda c: scaled(c, 0.996) if c.workers == 4 and c.pattern == "wait" else c)
    assert findings(quicker, "primes")[0].startswith("Take the thread pool, 2 workers, map:")


def test_more_workers_than_cpus_are_taken_only_if_they_were_seen_to_help(measured: Results) -> None:
    def luckier(cell: Cell) -> Cell:
        times = tuple(t * (0.95 + 0.03 * (i % 3)) for i, t in enumerate(cell.real_times))
        return replace(cell, real_times=times) if cell.workers == 4 and cell.executor == "thread" else cell

    assert findings(changed(measured, luckier), "primes")[0].startswith("Take the thread pool, 2 workers, map:")
    quicker = changed(measured, lambda c: scaled(c, 0.8) if c.workers == 4 and c.executor == "thread" else c)
    assert ", 4 workers, map" in findings(quicker, "primes")[0]


def test_executors_that_cannot_be_told_apart(measured: Results) -> None:
    assert "The process pool does as well: the process pool, 2 workers, map" in text(measured, "primes")
    noisy = changed(measured, lambda c: replace(c, real_times=tuple(
        t * (1 + 0.06 * (i % 3)) for i, t in enumerate(c.real_times))) if c.executor != "sequential" else c)  # fmt: skip
    assert "The process pool may do as well, this run cannot tell:" in text(noisy, "primes")


def test_a_loser_that_burns_cpu(measured: Results) -> None:
    said = text(changed(measured, lambda c: scaled(c, 1.3, 1.3) if c.executor == "process" else c), "primes")
    assert "The process pool loses: the process pool, 2 workers, map" in said
    assert re.search(r"3[01]% more time \((29|30)% to", said)
    assert "more CPU time" in said and "were busy" not in said


def test_a_loser_that_waits(measured: Results) -> None:
    said = text(changed(measured, lambda c: scaled(c, 1.3) if c.executor == "process" else c), "primes")
    assert "its CPUs were busy 7" in said and "more CPU time" not in said


def test_a_loser_whose_numbers_say_nothing(measured: Results) -> None:
    said = text(changed(measured, lambda c: scaled(c, 1.3) if c.executor == "process" else c), "sleep")
    assert "Its CPU time does not say why: it is " in said and " a task." in said


def on_a_loop(measured: Results, wall: float = 1.0) -> Results:
    """The cells of processes as those of an event loop that takes so many times as long."""
    cells = {
        name.replace("/process/", "/async/"): scaled(replace(cell, executor="async"), wall) if cell.executor == "process" else cell
        for name, cell in measured.cells.items()
    }
    return replace(measured, cells=cells)


def test_an_event_loop_has_no_workers(measured: Results) -> None:
    said = text(on_a_loop(measured), "sleep")
    assert "The event loop does as well: the event loop, 32 at once, map" in said
    best = text(on_a_loop(measured, 0.8), "sleep")
    assert best.startswith("Take the event loop, 32 at once, map: ")
    assert "to have more under way than the 2 CPUs goes on helping, up to 32 measured" in best


def test_an_event_loop_that_computes(measured: Results) -> None:
    said = text(on_a_loop(measured, 1.9), "primes")
    assert "The event loop loses: the event loop, 2 at once, map" in said
    assert "Why: it computes in one thread, however many tasks are under way." in said


def test_a_pool_that_loses_to_the_loop(measured: Results) -> None:
    said = text(changed(measured, lambda c: c if c.executor == "sequential" else scaled(c, 5.0)), "sum")
    assert said.startswith("Take the plain loop, 12") and "no pool beat it" in said
    assert "tasks of 31.6 ms are too short to share" in said or "tasks of 31.7 ms are too short to share" in said


def test_a_run_that_cannot_tell_whether_a_pool_helps(measured: Results) -> None:
    loop = measured.cells["primes/sequential/map/workers:1"]
    noise = [1 + 0.05 * (-1) ** i for i in range(len(loop.real_times))]
    no_faster = changed(measured, lambda c: c if c is loop else replace(
        c, real_times=tuple(t * f * 0.98 for t, f in zip(loop.real_times, noise))))  # fmt: skip
    assert findings(no_faster, "primes")[0].startswith("This run cannot tell whether a pool beats the plain loop: the best,")


def test_a_pool_that_is_no_faster_than_the_loop(measured: Results) -> None:
    loop = measured.cells["primes/sequential/map/workers:1"]
    same = changed(measured, lambda c: replace(c, real_times=loop.real_times))
    assert findings(same, "primes")[0].startswith("Take the plain loop: the best pool, the thread pool, 1 worker, map, is no faster")


def test_too_few_rounds_are_said_first(tmp_path: Path) -> None:
    few = results.load(sample_data.write(tmp_path / "few.json", sample_data.document(repetitions=3)))
    said = findings(few, "primes")
    assert said[0] == "With 3 repetitions nothing here has an interval (6 are needed): differences may be luck."
    assert said[1].startswith("Fastest seen: the ")
    assert "measured too seldom to tell them apart" in "\n".join(said)
    assert not [one for one in said if one.startswith("Take ") or " loses: " in one]


def test_cells_with_too_few_rounds_among_others(measured: Results) -> None:
    cut = changed(measured, lambda c: replace(c, real_times=c.real_times[:2]) if c.executor == "process" else c)
    said = findings(cut, "primes")
    assert said[0].startswith("9 of 19 cells have fewer than 6 repetitions and so no interval")
    assert said[1].startswith("Take the thread pool") and re.search(r"The process pool: .* time seen\.", said[2])


def test_better_than_any_schedule_is_doubted(measured: Results) -> None:
    said = findings(changed(measured, lambda c: scaled(c, 0.8) if c.executor == "thread" else c), "primes")
    assert "That is more than its 20 tasks" in said[0] and "Measure again." in said[0] and "it reaches" not in said[0]


def test_a_winner_far_from_the_ideal_is_explained(measured: Results) -> None:
    said = text(changed(measured, lambda c: c if c.executor == "sequential" else scaled(c, 1.5)), "primes")
    assert "CPUs were at work 6" in said


def test_patterns_differ_in_the_first_result(measured: Results) -> None:
    said = text(measured, "sum")
    assert "no difference seen in the time of the whole batch (if there is one, it is below 0." in said
    assert "give the first result after 600 us, 111 times sooner than wait (110 to 111), which returns when all are done." in said


def test_a_slow_pattern_is_named(measured: Results) -> None:
    said = text(changed(measured, lambda c: scaled(c, 1.25) if c.pattern == "wait" else c), "sleep")
    assert "wait takes 25% longer (2" in said and "for the whole batch" in said


def test_more_workers_than_cpus(measured: Results) -> None:
    assert "4 workers on 2 CPUs change nothing (" in text(measured, "primes")
    slower = changed(measured, lambda c: scaled(c, 1.2) if c.workers == 4 else c)
    assert re.search(r"4 workers on 2 CPUs take longer than 2 \(\+(19|20)\.\d% time \((18|19|20)%", text(slower, "primes"))
    assert "more workers than the 2 CPUs go on helping, up to 32 measured" in text(measured, "sleep")


def test_the_serial_fraction_and_no_law_on_two_cpus(measured: Results) -> None:
    said = text(measured, "primes")
    assert "Serial fraction at 2 workers (Karp-Flatt): 0.01" in said and "unequal tasks alone make 0.011" in said
    assert "No law of scaling: two worker counts within the 2 usable CPUs (1 and 2) do not identify" in said
    assert "Serial fraction" not in text(measured, "sleep")


def test_faster_than_the_cpus_allow_is_doubted(measured: Results) -> None:
    said = text(changed(measured, lambda c: c if c.executor == "sequential" else scaled(c, 0.9)), "primes")
    assert "better than a CPU for each, so look for" in said


def test_without_a_baseline_no_speedup_is_named(measured: Results) -> None:
    cells = {name: cell for name, cell in measured.cells.items() if cell.executor != "sequential"}
    said = text(replace(measured, cells=cells), "primes")
    assert "Without the sequential baseline" in said and "as fast as the plain loop" not in said


def test_the_loop_alone(measured: Results) -> None:
    cells = {name: cell for name, cell in measured.cells.items() if cell.executor == "sequential"}
    assert text(replace(measured, cells=cells), "primes").endswith("a batch; no pool was measured beside it.")


def test_as_good_as_the_schedule_within_the_noise_is_no_reason_to_doubt(measured: Results) -> None:
    noisy = changed(measured, lambda c: replace(c, real_times=tuple(
        t * 0.97 * (1 + 0.05 * (i % 3)) for i, t in enumerate(c.real_times))) if c.executor == "thread" else c)  # fmt: skip
    said = findings(noisy, "primes")[0]
    assert "That is more" not in said and "it reaches" in said


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
