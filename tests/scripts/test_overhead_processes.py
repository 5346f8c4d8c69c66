"""scripts/overhead: the table of the process pool, CPython beside it, and the choice of cases."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from poolmark_scripts import (
    cpython_overhead, goals_processes, interpreters, overhead, overhead_cpython, overhead_results, terminal,
)  # fmt: skip
from poolmark_scripts.goals_processes import ProcessRow, Wanted, process_rows
from test_overhead import cell, document, fake_program, load, printed  # noqa: F401  (load is a fixture)

OURS = "process/{}/poolmark_processes/n:{}/workers:2"
CPYTHON = "process/{}/cpython/n:{}/workers:2"
LINE = "limit/process_cache_line_round_trip/hardware/n:100/workers:1"
HOT = OURS.format("round_trip/hot", 1000)


def only_row(results: overhead_results.OverheadResults) -> ProcessRow:
    (row,) = process_rows(results)
    return row


def test_a_row_has_the_ratio_to_the_limit_and_how_many_times_as_fast_as_cpython(load) -> None:
    results = load(document(
        cell(HOT, 400, 500, 600), cell(LINE, 250, 250), cell(CPYTHON.format("round_trip/hot", 200), 100_000, 150_000, 200_000),
    ))  # fmt: skip
    row = only_row(results)
    assert (row.limit_ratio, row.cpython_ratio, row.ours.spread) == (2.0, 300.0, 0.2)
    assert (row.goal, row.met) == ("<= 5 x limit", True)
    said = printed(results)
    assert re.search(r"round trip, hot +500 ns +20% +cache line +250 ns +2\.00 +150 us +300 +yes +<= 5 x limit", said)


def test_without_cpython_and_limit_the_row_has_holes_and_no_verdict(load) -> None:
    results = load(document(cell(HOT, 500), skipped=overhead_cpython.NO_PYTHON))
    row = only_row(results)
    assert (row.limit_ratio, row.cpython_ratio, row.met) == (None, None, None)
    said = printed(results)
    assert "skipped: CPython (no python3" in said
    assert re.search(r"round trip, hot +500 ns +0% +cache line +- +- +- +- +-", said)


def test_a_failed_case_of_ours_has_no_row_and_one_of_cpythons_no_number(load) -> None:
    wrong = {"error_occurred": True, "error_message": "the result is 3, expected 2"}
    results = load(document(
        cell(HOT, 500), cell(CPYTHON.format("round_trip/hot", 200), 1, **wrong), cell(OURS.format("round_trip/cold", 1), 1, **wrong),
    ))  # fmt: skip
    assert only_row(results).cpython is None
    assert f"{CPYTHON.format('round_trip/hot', 200)}: the result is 3, expected 2" in printed(results)
    assert f"{OURS.format('round_trip/cold', 1)}: the result is 3, expected 2" in printed(results)


def test_the_long_stream_stands_beside_cpythons_longest_and_the_short_one_beside_its_like(load) -> None:
    results = load(document(
        cell(OURS.format("stream/result", 100_000), 250), cell(OURS.format("stream/result", 100), 500),
        cell(CPYTHON.format("stream/result", 5000), 75_000), cell(CPYTHON.format("stream/result", 100), 100_000),
    ))  # fmt: skip
    long, short = process_rows(results)
    assert (long.cpython_ratio, short.cpython_ratio) == (300.0, 200.0)
    assert long.met and short.met


def test_a_goal_is_missed_by_any_of_its_parts_and_unknown_while_one_is_not_measured(load) -> None:
    results = load(document(cell(OURS.format("stream/result", 100_000), 400)))
    assert only_row(results).met is None  # fast enough; how it stands to CPython nobody knows
    results = load(document(cell(OURS.format("stream/result", 100_000), 600)))
    assert only_row(results).met is False
    results = load(document(
        cell(OURS.format("stream/result", 100_000), 400), cell(CPYTHON.format("stream/result", 5000), 40_000),
    ))  # fmt: skip
    assert only_row(results).met is False
    assert str(Wanted(us=0.5, of_cpython=150)) == "<= 500 ns, >= 150 x CPython"


def test_both_kinds_of_pools_have_a_table_in_one_report(load) -> None:
    said = printed(load(document(cell("stream/result/poolmark/n:100000/workers:2", 100), cell(HOT, 500))))
    assert "stream 100000, time" in said and "round trip, hot" in said
    assert said.index("stream 100000, time") < said.index("round trip, hot")


# ---- CPython's part of the run ------------------------------------------------------------------


def results_file(path: Path, *cells: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps(document(*cells)))
    return path


@pytest.fixture
def fake_cpython(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A program that prints `text`, notes its arguments and ends with `status`, in place of the real one."""

    def make(text: str, status: int = 0) -> Path:
        program = tmp_path / "fake.py"
        program.write_text(
            f"import sys\nopen({str(tmp_path / 'arguments')!r}, 'w').write(' '.join(sys.argv[1:]))\n"
            f"print({text!r})\nsys.exit({status})\n"
        )
        monkeypatch.setattr(overhead_cpython, "PROGRAM", program)
        monkeypatch.setattr(overhead_cpython, "find_python", lambda: {"path": sys.executable})
        return tmp_path / "arguments"

    return make


def cpython_document(*cells: list[dict[str, Any]]) -> str:
    return json.dumps({"context": {"python": "CPython 3.11", "start_method": "fork"}, "benchmarks": sum(cells, [])})


def test_cpython_is_measured_for_the_cases_of_the_file_and_joined_into_it(tmp_path: Path, fake_cpython) -> None:
    arguments = fake_cpython(cpython_document(cell(CPYTHON.format("round_trip/hot", 200), 100_000)))
    path = results_file(tmp_path / "r.json", cell(HOT, 500))
    assert overhead_cpython.add_to(path, 3, 5000, terminal.console())
    assert arguments.read_text() == "--repetitions=3 --tasks=5000 --case=process/round_trip/hot"
    results = overhead_results.load(path)
    assert only_row(results).cpython_ratio == 200.0
    assert results.context["cpython"] == "CPython 3.11, start method fork"
    assert not path.with_name("r.json.unfinished").exists()


def test_without_cases_of_processes_cpython_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overhead_cpython, "find_python", lambda: pytest.fail("was asked for"))
    path = results_file(tmp_path / "r.json", cell("stream/result/poolmark/n:100/workers:2", 1), cell(LINE, 1))
    before = path.read_text()
    assert overhead_cpython.add_to(path, 3, 5000, terminal.console())
    assert path.read_text() == before


def test_without_python_cpython_is_skipped_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLMARK_PYTHON", "/no/such/python")
    monkeypatch.setattr(interpreters.shutil, "which", lambda name: None)
    path = results_file(tmp_path / "r.json", cell(HOT, 500))
    assert overhead_cpython.add_to(path, 3, 5000, terminal.console())
    assert overhead_results.load(path).context["skipped"] == overhead_cpython.NO_PYTHON


def test_a_python_that_cannot_do_it_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_program(tmp_path / "python", 1, None)
    monkeypatch.setenv("POOLMARK_PYTHON", str(tmp_path / "python"))
    assert interpreters.find_python()["path"] != str(tmp_path / "python")


def test_a_cpython_that_dies_leaves_our_results_and_is_named(tmp_path: Path, fake_cpython) -> None:
    fake_cpython("Traceback", status=3)
    path = results_file(tmp_path / "r.json", cell(HOT, 500))
    assert not overhead_cpython.add_to(path, 3, 5000, terminal.console())
    results = overhead_results.load(path)
    assert only_row(results).ours.median == 500
    assert "ended with status 3" in results.context["skipped"]


def test_a_failed_case_of_cpythons_makes_the_command_fail(
    tmp_path: Path, fake_cpython, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_cpython(cpython_document(cell(CPYTHON.format("round_trip/hot", 200), 1, error_occurred=True, error_message="bad")), 1)
    program = tmp_path / "program"
    fake_program(program, 0, document(cell(HOT, 500)))
    monkeypatch.setattr(overhead, "PROGRAM", program)
    monkeypatch.setattr(overhead, "build_program", lambda console: None)
    assert overhead.main(["-o", str(tmp_path / "out.json")]) == 1
    said = capsys.readouterr().out
    assert "round trip, hot" in said and f"{CPYTHON.format('round_trip/hot', 200)}: bad" in said


# ---- the real program ---------------------------------------------------------------------------


def test_cpython_itself_is_measured() -> None:
    cases = ["process/start/ready", "process/stream/result", "process/payload/8B"]
    run = subprocess.run(
        [sys.executable, "-B", overhead_cpython.PROGRAM, "--repetitions=2", "--tasks=10", *(f"--case={each}" for each in cases)],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    entries = json.loads(run.stdout)["benchmarks"]
    names = [CPYTHON.format("start/ready", 1), CPYTHON.format("stream/result", 100), CPYTHON.format("stream/result", 10),
             CPYTHON.format("payload/8B", 1)]  # fmt: skip
    assert [entry["run_name"] for entry in entries] == [name for name in names for _ in range(2)]
    assert all(entry["ns_per_task"] > 0 for entry in entries)


def test_a_wrong_result_of_cpythons_is_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cpython_overhead, "increment", abs)
    assert cpython_overhead.main(["--repetitions=1", "--tasks=10", "--case=process/stream/result"]) == 1
    (short, long) = json.loads(capsys.readouterr().out)["benchmarks"]
    assert long["error_occurred"] and "the sum of the results is 45, expected 55" in long["error_message"]
    assert "ns_per_task" not in short


# ---- which cases ----------------------------------------------------------------------------------

THREADS = ["stream/result/poolmark/n:100000/workers:2", "limit/cache_line_round_trip/hardware/n:100/workers:1",
           "limit/futex_round_trip/kernel/n:1000/workers:1", "idle/second/tbb/n:1/workers:2"]  # fmt: skip
PROCESSES = [HOT, LINE, OURS.format("stream/result", 100_000), "limit/fork_wait/kernel/n:1/workers:2",
             "limit/shared_memcpy/hardware/n:1/workers:1", "process/after_kill/next/poolmark_processes/n:1/workers:1"]  # fmt: skip


def listed_in_goals() -> list[str]:
    """Our cells of every row, by the names that the program gives them."""
    names = [OURS.format(case, 1) for case in ("round_trip/cold", "start/ready", "stop/gone", "after_kill/next", "deadline/overrun")]
    names += [OURS.format(f"payload/{size}", 1) for size in cpython_overhead.PAYLOADS]
    names += [OURS.format("stream/result", 100_000), OURS.format("stream/result", 100), OURS.format("map/default", 100_000), HOT]
    return [*names, OURS.format("after_kill/next", 1).replace("workers:2", "workers:1")]


def chosen(expression: str) -> list[str]:
    """What the program would choose of both."""
    without = expression.startswith("-")
    return [name for name in THREADS + PROCESSES if bool(re.search(expression.removeprefix("-"), name)) != without]


@pytest.mark.parametrize("quick", [False, True])
def test_only_chooses_a_kind_of_pool_and_its_limits(quick: bool) -> None:
    assert chosen(overhead.filter_of(quick, "threads")) == THREADS
    assert chosen(overhead.filter_of(quick, "processes")) == PROCESSES
    assert chosen(overhead.filter_of(quick, None)) == THREADS + PROCESSES


def test_quick_leaves_out_what_the_table_does_not_show() -> None:
    left_out = [OURS.format("stream/result", 1), "limit/pipe_round_trip/kernel/n:1000/workers:1"]
    for name in left_out:
        assert not re.search(overhead.filter_of(True, "processes"), name)
        assert re.search(overhead.filter_of(False, "processes"), name)


def test_quick_has_every_case_that_the_table_shows(load) -> None:
    limits = [limit.name for limit in (goals_processes.LINE, goals_processes.COLD_FUTEX, goals_processes.MEMCPY, goals_processes.FORK)]
    rows = process_rows(load(document(*(cell(name, 1) for name in listed_in_goals()))))
    assert len(rows) == 14
    for name in limits + [row.ours.name for row in rows]:
        assert re.search(overhead.filter_of(True, "processes"), name), name


def test_only_and_a_filter_are_one_choice_too_many(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(overhead, "build_program", lambda console: pytest.fail("went on"))
    assert overhead.main(["--only=threads", "--benchmark_filter=^stream/"]) == 2
    assert "--only and --benchmark_filter both choose the cases" in capsys.readouterr().err
