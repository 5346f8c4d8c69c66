"""Stage 0 of the gate: what is counted, how far it may rise, and what is said where nothing can be counted."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Iterator, Sequence

import pytest
from counts_data import BASE, NEW, PROCESS, SEQUENTIAL, THREAD, build, script
from poolmark_scripts.gate import counts, counts_calls
from poolmark_scripts.gate.counts import change_of, compare, count_changes
from poolmark_scripts.gate.counts_instructions import Instructions
from poolmark_scripts.gate.counts_runs import Counted, NotCounted, cell_command, tasks_of_run
from poolmark_scripts.gate.model import CountChange
from poolmark_scripts.one_process import Interrupted, Runner


@pytest.fixture
def runner() -> Iterator[Runner]:
    with Runner() as made:
        yield made


class FakeCounter:
    """Counts what it is told to, one number after another; the last again and again."""

    what = "fakes"

    def __init__(self, **values: Sequence[float]) -> None:
        self._values = {name: list(given) for name, given in values.items()}
        self.calls: list[str] = []

    def applies(self, cell: str) -> bool:
        return True

    def count(self, program: Path, cell: str) -> list[Counted]:
        self.calls.append(program.name)
        values = self._values[program.name]
        return [Counted("things", "batch", values.pop(0) if len(values) > 1 else values[0], share=0.01)]


# ---- how far a count may rise -----------------------------------------------------------------------------------------


def test_a_share_of_the_base_is_allowed_or_a_number_whichever_is_more() -> None:
    assert change_of(Counted("a", "task", 200, share=0.01), Counted("a", "task", 201)).has_risen is False
    assert change_of(Counted("a", "task", 200, share=0.01), Counted("a", "task", 203)).has_risen is True
    assert change_of(Counted("a", "task", 200, 0.01, slack=10), Counted("a", "task", 209)).has_risen is False
    assert change_of(Counted("a", "task", 200, 0.01, slack=10), Counted("a", "task", 211)).has_risen is True
    assert change_of(Counted("a", "task", 200), Counted("a", "task", 150)) == CountChange("a", "task", 200, 150, 0)


@pytest.mark.parametrize("slack, share, has_risen", [(0, 0, True), (3, 0, False), (2, 0.5, True), (0, math.inf, False)])
def test_a_rise_from_nothing_is_allowed_altogether_or_not_at_all(slack: float, share: float, has_risen: bool) -> None:
    base, new = (Counted("a", "task", value, share, slack) for value in (0, 3))
    assert change_of(base, new).has_risen is has_risen


def test_a_rise_is_counted_again_and_the_least_of_it_reported() -> None:
    counter = FakeCounter(base=[100, 104, 102], new=[120, 110, 130])
    assert compare(counter, BASE, NEW, SEQUENTIAL) == [CountChange("things", "batch", 104, 110, 0.01)]
    assert counter.calls == ["base", "new"] * 3


def test_what_differs_from_run_to_run_is_no_rise() -> None:
    (change,) = compare(FakeCounter(base=[100, 120, 100], new=[120, 100, 110]), BASE, NEW, SEQUENTIAL)
    assert not change.has_risen


def test_what_does_not_rise_is_counted_once() -> None:
    counter = FakeCounter(base=[1000], new=[1009])
    assert compare(counter, BASE, NEW, SEQUENTIAL) == [CountChange("things", "batch", 1000, 1009, 0.01)]
    assert counter.calls == ["base", "new"]


def test_what_neither_does_is_left_out() -> None:
    assert compare(FakeCounter(base=[0], new=[0]), BASE, NEW, SEQUENTIAL) == []


# ---- what cannot be counted -------------------------------------------------------------------------------------------


def test_a_crash_costs_its_own_cell_its_count(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Instructions, "find", staticmethod(lambda: None))
    cells = ["crash/thread/wait/workers:2", THREAD]
    program = build(tmp_path, runner)
    changes, notes = count_changes(program, program, cells, runner, tmp_path / "new" / "directory")
    assert list(changes) == [THREAD] and not any(change.has_risen for change in changes[THREAD])
    no_valgrind, crashed = notes
    assert no_valgrind == "Instructions were not counted: valgrind is not installed (sudo apt-get install valgrind)."
    assert crashed == (
        "Allocations, system calls and forks were not counted of crash/thread/wait/workers:2: in the base the program was "
        "killed by SIGABRT and said nothing."
    )


def test_each_counter_counts_its_own_cells(tmp_path: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    class Choosy(FakeCounter):
        def applies(self, cell: str) -> bool:
            return cell == THREAD

    counters = [Choosy(base=[1], new=[2]), FakeCounter(base=[3], new=[3])]
    monkeypatch.setattr(counts, "_counters", lambda *_: (counters, []))
    changes, notes = count_changes(BASE, NEW, [SEQUENTIAL, THREAD, PROCESS], runner, tmp_path)
    assert {cell: [change.base for change in found] for cell, found in changes.items()} == {
        SEQUENTIAL: [3], THREAD: [1, 3], PROCESS: [3],
    }  # fmt: skip
    assert notes == []


def test_cells_that_fail_alike_share_a_note(tmp_path: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(FakeCounter):
        def count(self, program: Path, cell: str) -> list[Counted]:
            raise NotCounted("it is Friday")

    monkeypatch.setattr(counts, "_counters", lambda *_: ([Refusing()], []))
    cells = [f"w/thread/wait/workers:{number}" for number in range(5)]
    assert count_changes(BASE, NEW, cells, runner, tmp_path) == ({}, [
        f"Fakes were not counted of {cells[0]}, {cells[1]}, {cells[2]} and 2 more: in the base it is Friday."
    ])  # fmt: skip


def test_without_a_compiler_no_calls_are_counted(tmp_path: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Instructions, "find", staticmethod(lambda: None))
    monkeypatch.setattr(counts_calls, "COMPILERS", ("no-such-compiler",))
    changes, notes = count_changes(BASE, NEW, [THREAD], runner, tmp_path)
    assert changes == {} and notes[1:] == [
        "Allocations, system calls and forks were not counted: there is no compiler: none of no-such-compiler is installed "
        "(sudo apt-get install g++)."
    ]


def test_a_counter_that_cannot_be_compiled_is_not_used(
    tmp_path: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "cc", "echo 'count_calls.c:1: undefined reference to __libc_malloc' >&2; exit 1")
    monkeypatch.setattr(counts_calls, "COMPILERS", (str(tmp_path / "cc"),))
    with pytest.raises(NotCounted, match="count_calls.c cannot be compiled here: .*undefined reference"):
        counts_calls.compile_library(runner, tmp_path)


def test_what_a_run_did_instead_of_writing_results(tmp_path: Path, runner: Runner) -> None:
    output = tmp_path / "results.json"
    failed = '{"failures": [{"message": "wrong result"}], "benchmarks": []}'
    fewer = '{"failures": [], "benchmarks": [{"tasks": 1}]}'
    output.write_text('{"failures": [], "benchmarks": [{"tasks": 1}, {"tasks": 1}]}', encoding="utf-8")  # of another run
    for text, why in (
        ("echo no >&2; exit 3", "ended with status 3; its last words: no"), ("true", "wrote no results that can be read"),
        (f"echo '{failed}' >{output}", "a batch failed: wrong result"),
        (f"echo '{fewer}' >{output}", "ran 1 batches instead of 2"),
    ):  # fmt: skip
        with pytest.raises(NotCounted, match=why):
            tasks_of_run(runner, [str(script(tmp_path / "program", text))], output, 2)
    with pytest.raises(NotCounted, match="cannot be started|failed to execute"):
        tasks_of_run(runner, [str(tmp_path / "nowhere")], output, 2)


def test_an_interruption_is_no_failure(runner: Runner, tmp_path: Path) -> None:
    runner._interrupt()
    with pytest.raises(Interrupted):
        count_changes(BASE, NEW, [THREAD], runner, tmp_path)
    with pytest.raises(Interrupted):
        tasks_of_run(runner, ["/bin/true"], tmp_path / "results.json", 1)


def test_a_run_for_counting_has_as_many_batches_as_wanted_and_measures_nothing() -> None:
    command = cell_command(Path("/p"), THREAD, ["--benchmark_min_time=2", "--chunksize=4"], 8, Path("out"))
    last = {flag.partition("=")[0]: flag.partition("=")[2] for flag in command[1:]}
    assert last["--benchmark_repetitions"] == "8" and last["--benchmark_min_time"] == "0"
    assert Path(cell_command(NEW, THREAD, [], 8, Path("out"))[0]).is_absolute()
    assert last["--executors"] == "thread" and "--no-self-check" in last and "--chunksize" not in last
