"""What callgrind and the preloaded counters find, and what is made of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Iterator, Sequence

import pytest
from counts_data import BASE, MAP, PROCESS, SEQUENTIAL, THREAD, build, counter_file, edges_of, script
from poolmark_scripts.gate import counts_calls
from poolmark_scripts.gate.counts import change_of, compare
from poolmark_scripts.gate.counts_calls import BATCHES, HEADER, KINDS, WIDTH, Calls, Counters, counted
from poolmark_scripts.gate.counts_instructions import ALLOWED, SLACK, Instructions, parse_summary
from poolmark_scripts.gate.counts_runs import Counted, NotCounted
from poolmark_scripts.one_process import Runner


@pytest.fixture
def runner() -> Iterator[Runner]:
    with Runner() as made:
        yield made


def by_name(found: Sequence[Counted]) -> dict[str, Counted]:
    return {count.what: count for count in found}


# ---- instructions -----------------------------------------------------------------------------------------------------


def test_the_summary_of_callgrind(tmp_path: Path) -> None:
    file = tmp_path / "callgrind.out.1"
    file.write_text("version: 1\nevents: Ir\nsummary: 4219055\n\nfn=(1) f\n0 3\n\ntotals: 4219055\n", encoding="utf-8")
    assert parse_summary(file) == 4219055
    file.write_text("version: 1\nevents: Ir\n", encoding="utf-8")
    assert parse_summary(file) == 0


FAKE_VALGRIND = r"""
[[ $LD_BIND_NOW == 1 ]] || exit 4
for argument; do case $argument in
  --callgrind-out-file=*) file=${argument#*=} ;;
  --benchmark_out=*) out=${argument#*=} ;;
esac; done
echo '{"failures": [], "benchmarks": [{"tasks": 3}]}' >"$out"
"""


def test_instructions_of_all_processes_are_added_up(tmp_path: Path, runner: Runner) -> None:
    workspace = tmp_path / "work"
    workspace.mkdir()
    (workspace / "callgrind.out.0").write_text("summary: 5\n", encoding="utf-8")  # of an earlier cell, killed
    writes = "for pid in 1 2; do echo 'summary: 100' >${file/\\%p/$pid}; done"
    valgrind = script(tmp_path / "valgrind", FAKE_VALGRIND + writes)
    found = Instructions(str(valgrind), runner, workspace, ()).count(BASE, SEQUENTIAL)
    assert found == [Counted("instructions", "batch", 200, ALLOWED, SLACK)]
    assert list(workspace.iterdir()) == []


def test_a_program_without_symbols_has_no_instructions(tmp_path: Path, runner: Runner) -> None:
    valgrind = script(tmp_path / "valgrind", FAKE_VALGRIND + "echo 'summary: 0' >${file/\\%p/1}")
    with pytest.raises(NotCounted, match="no function .*run_batch.* without stripping"):
        Instructions(str(valgrind), runner, tmp_path, ()).count(BASE, SEQUENTIAL)


def test_only_what_one_thread_does_is_counted_in_instructions(tmp_path: Path, runner: Runner) -> None:
    counter = Instructions("valgrind", runner, tmp_path, ())
    assert [counter.applies(cell) for cell in (SEQUENTIAL, THREAD, PROCESS)] == [True, False, False]


def test_two_percent_more_of_a_kernel_are_always_found(runner: Runner, tmp_path: Path) -> None:
    valgrind = Instructions.find()
    if valgrind is None:
        pytest.skip("valgrind is not installed")
    counter = Instructions(valgrind, runner, tmp_path, ())
    programs = [build(tmp_path, runner, steps) for steps in (100_000, 102_000)]
    (base,), (new,), (again,) = (counter.count(program, SEQUENTIAL) for program in [*programs, programs[0]])
    assert base == again
    change = change_of(base, new)
    assert change.has_risen and change.change == pytest.approx(0.018, abs=0.003)


# ---- calls ------------------------------------------------------------------------------------------------------------


def test_the_counters_at_each_edge() -> None:
    edges = [range(edge * WIDTH, (edge + 1) * WIDTH) for edge in range(2 * BATCHES)]
    found = counts_calls.parse_counters(counter_file(edges))
    assert len(found) == 2 * BATCHES and HEADER == 2
    assert found[1] == (tuple(range(WIDTH, WIDTH + len(KINDS))), tuple(range(WIDTH + len(KINDS), 2 * WIDTH)))


def test_a_program_into_which_nothing_was_loaded_is_not_counted() -> None:
    with pytest.raises(NotCounted, match="linked statically"):
        counts_calls.parse_counters(counter_file([], is_loaded=0))


def test_a_program_whose_batches_cannot_be_told_apart_is_not_counted() -> None:
    for noted in (0, 2 * BATCHES - 1, 1_000_000):
        with pytest.raises(NotCounted, match=f"{noted} times and not twice for each of {BATCHES} batches"):
            counts_calls.parse_counters(counter_file([], noted=noted))


def test_the_median_batch_counts_and_the_first_does_not() -> None:
    allocations = [900, 30, 10, 20, 20, 25, 40, 22]
    edges = edges_of([{"allocations": number} for number in allocations], {"allocations": 77, "threads started": 2})
    found = by_name(counted(SEQUENTIAL, edges, tasks=10))
    assert found["allocations"] == Counted("allocations", "task", 2.2)
    assert found["threads started"] == Counted("threads started", "pool", 2)


def test_workers_allocate_on_an_account_of_their_own() -> None:
    edges = edges_of([{"allocations": 10, "futex wakes": 3}] * BATCHES, {"forks": 3}, {"allocations": 4, "futex wakes": 2})
    found = by_name(counted(PROCESS, edges, tasks=10))
    assert found["allocations"].value == 1 and found["allocations in workers"].value == 0.4
    assert found["futex wakes"].value == 0.5 and found["forks"] == Counted("forks", "pool", 3)


def test_what_the_zygote_allocates_in_a_batch_is_not_the_workers() -> None:
    edges = [Counters((0,) * len(KINDS), (allocations,) + (0,) * (len(KINDS) - 1)) for allocations in (
        0, 9, 9, 33, 33, 57, 57, 61, 61, 85, 85, 109, 109, 133, 133, 157,
    )]  # fmt: skip
    assert by_name(counted(PROCESS, edges, tasks=10))["allocations in workers"].value == 0.4


@pytest.mark.parametrize(
    "cell, tasks, slack",
    [(SEQUENTIAL, 10, 0), (THREAD, 10, 0.35), (THREAD, 1000, 0.15), (PROCESS, 1000, 0.15), (MAP, 10, 0.35)],
)
def test_pools_may_allocate_a_little_more(cell: str, tasks: int, slack: float) -> None:
    found = by_name(counted(cell, edges_of([{}] * BATCHES, {}), tasks))
    assert found["allocations"].slack == pytest.approx(slack) and found["allocations"].share == 0


def test_chunks_by_time_make_allocations_mere_information() -> None:
    by_time, by_number = (
        by_name(counted(f"w/process/map/workers:2{chunks}", edges_of([{}] * BATCHES, {}), 10))
        for chunks in ("", "/chunksize:4")
    )
    assert math.isinf(by_time["allocations"].share) and by_number["allocations"].share == 0


def test_waiting_is_mere_information_where_somebody_waits() -> None:
    for cell, share in ((SEQUENTIAL, 0), (THREAD, math.inf), (PROCESS, math.inf)):
        found = by_name(counted(cell, edges_of([{}] * BATCHES, {}), 10))
        assert found["futex waits"].share == found["futex wakes"].share == share
        assert math.isinf(found["context switches"].share)
        assert found["forks"].share == found["forks"].slack == found["threads started"].share == 0


def test_a_real_program_is_counted(runner: Runner, tmp_path: Path) -> None:
    calls = Calls(counts_calls.compile_library(runner, tmp_path), runner, tmp_path, ())
    found = {count.what: (count.per, count.value) for count in calls.count(build(tmp_path, runner), PROCESS)}
    assert found.pop("context switches")[0] == "task"
    assert found == {
        "allocations": ("task", 2), "allocations in workers": ("task", 0.5), "futex waits": ("task", 0.1),
        "futex wakes": ("task", 0.1), "forks": ("pool", 1), "threads started": ("pool", 1),
    }  # fmt: skip


def test_one_allocation_more_a_task_is_found(runner: Runner, tmp_path: Path) -> None:
    calls = Calls(counts_calls.compile_library(runner, tmp_path), runner, tmp_path, ())
    base, new = (build(tmp_path, runner, allocations=allocations) for allocations in (20, 30))
    found = {change.what: change for change in compare(calls, base, new, PROCESS)}
    mine, workers = found["allocations"], found["allocations in workers"]
    assert (mine.base, mine.new, mine.has_risen) == (2, 3, True)
    assert (workers.base, workers.new, workers.has_risen) == (0.5, 0.5, False)
