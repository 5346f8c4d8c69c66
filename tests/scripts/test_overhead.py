"""scripts/overhead: ratios, best peers, holes and failures of the table, from hand-made results."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from poolmark_scripts import goals, overhead, overhead_report, overhead_results, syscalls, terminal

STREAM = "stream/result/{}/n:100000/workers:2"
LINE = "limit/cache_line_round_trip/hardware/n:100/workers:1"


def cell(name: str, *samples: float, counter: str = "ns_per_task", **more: Any) -> list[dict[str, Any]]:
    made = [
        {"name": name, "run_name": name, "run_type": "iteration", "repetition_index": i, "iterations": 1,
         "real_time": sample, "cpu_time": sample, "time_unit": "ns", counter: sample, **more}
        for i, sample in enumerate(samples)
    ]  # fmt: skip
    # The library's own aggregates are in the file too, and are no repetitions.
    return made + [{**made[0], "name": f"{name}_mean", "run_type": "aggregate", counter: 1e9}]


def document(*cells: list[dict[str, Any]], skipped: str = "") -> dict[str, Any]:
    return {"context": {"skipped": skipped}, "benchmarks": [entry for entries in cells for entry in entries]}


@pytest.fixture
def load(tmp_path: Path):
    def call(made: dict[str, Any]) -> overhead_results.OverheadResults:
        path = tmp_path / "results.json"
        path.write_text(json.dumps(made))
        return overhead_results.load(path)

    return call


def printed(results: overhead_results.OverheadResults) -> str:
    stream = io.StringIO()
    overhead_report.print_report(results, terminal.console(stream))
    return stream.getvalue()


def test_the_ratio_is_to_the_best_peer_that_has_workers(load) -> None:
    results = load(document(
        cell(STREAM.format("poolmark"), 100, 120, 110), cell(STREAM.format("tbb"), 400, 440, 420),
        cell(STREAM.format("asio"), 200, 220, 230), cell("stream/result/loop/n:100000/workers:0", 1, 1, 1), cell(LINE, 55, 55, 55),
    ))  # fmt: skip
    (row,) = goals.rows(results)
    assert (row.goal, row.other_name) == ("stream 100000, time", "asio")
    assert row.ratio == 0.5
    assert row.limit_ratio == 2.0
    assert row.ours.spread == pytest.approx(10 / 110)
    assert "stream 100000, time" in printed(results) and "0.50" in printed(results)


def test_another_number_of_tasks_or_workers_is_no_comparison(load) -> None:
    results = load(document(
        cell(STREAM.format("poolmark"), 100), cell("stream/result/tbb/n:100/workers:2", 1),
        cell("stream/result/asio/n:100000/workers:1", 1),
    ))  # fmt: skip
    (row,) = goals.rows(results)
    assert (row.other, row.ratio, row.limit_ratio) == (None, None, None)


def test_a_missing_peer_is_named_and_leaves_a_hole(load) -> None:
    said = printed(load(document(
        cell(STREAM.format("poolmark"), 100), skipped="oneTBB (not found when this was built)",
    )))  # fmt: skip
    assert "skipped: oneTBB (not found when this was built)" in said
    assert "\x1b" not in said


def test_a_failed_case_is_named_and_has_no_number(load) -> None:
    asio = cell(STREAM.format("asio"), 1, error_occurred=True, error_message="the sum of the results is 3, expected 6")
    results = load(document(cell(STREAM.format("poolmark"), 100), cell(STREAM.format("tbb"), 200), asio))
    (row,) = goals.rows(results)
    assert row.other_name == "tbb"
    assert "stream/result/asio/n:100000/workers:2: the sum of the results is 3, expected 6" in printed(results)


def test_one_failed_repetition_takes_the_cell_with_it(load) -> None:
    entries = cell(STREAM.format("poolmark"), 100, 100)
    entries[1].update(error_occurred=True, error_message="wrong")
    results = load(document(entries))
    assert goals.rows(results) == []
    assert results.failures == {STREAM.format("poolmark"): "wrong"}


def test_own_cases_compare_with_each_other(load) -> None:
    results = load(document(
        cell(STREAM.format("poolmark"), 100), cell("stream/wait/poolmark/n:100000/workers:2", 150),
        cell("submitters:1/result/poolmark/n:100000/workers:2", 300),
        cell("submitters:4/result/poolmark/n:100000/workers:2", 450),
    ))  # fmt: skip
    ratios = {row.goal: row.ratio for row in goals.rows(results)}
    assert ratios["stream 100000 by wait"] == 1.5
    assert ratios["4 submitters, time"] == 1.5


def test_ten_times_the_futures_is_a_ratio_of_whole_times(load) -> None:
    results = load(document(
        cell("wait_any/completion_set/poolmark/n:1000/workers:0", 50),
        cell("wait_any/completion_set/poolmark/n:10000/workers:0", 60),
    ))  # fmt: skip
    (row,) = goals.rows(results)
    assert row.ratio == pytest.approx(12)
    assert row.ours.median == 600_000


def test_map_stands_beside_the_better_of_tbbs_loops(load) -> None:
    results = load(document(
        cell("map/default/poolmark/n:100000/workers:2", 1.0), cell("map/default/tbb/n:100000/workers:2", 0.8),
        cell("map/caller_helps/tbb/n:100000/workers:2", 0.5), cell("map/default/loop/n:100000/workers:0", 0.25),
    ))  # fmt: skip
    (row,) = goals.rows(results)
    assert (row.other_name, row.ratio, row.limit_ratio) == ("tbb caller_helps", 2.0, 4.0)


def test_a_peer_whose_memory_malloc_does_not_see_is_no_comparison(load) -> None:
    results = load(document(
        cell("memory/pending/poolmark/n:100000/workers:1", 96, counter="bytes_per_task"),
        cell("memory/pending/asio/n:100000/workers:1", 192, counter="bytes_per_task"),
        cell("memory/pending/tbb/n:100000/workers:1", 112, counter="bytes_per_task"),
    ))  # fmt: skip
    (row,) = goals.rows(results)
    assert (row.other_name, row.ratio) == ("asio", 0.5)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"benchmarks": []}', b'{"context": {"executable": "\xe0"}}'])
def test_what_is_no_results_file_is_refused(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(text)
    with pytest.raises(overhead_results.ResultsError, match="is no results file of bench/overhead"):
        overhead_results.load(path)


def test_a_run_without_a_case_of_the_table_says_so(load) -> None:
    assert "None of the cases of the table was measured" in printed(load(document(cell("nested/tree/tbb/n:3/workers:2", 1))))


def fake_program(path: Path, status: int, body: dict[str, Any] | None) -> None:
    text = "" if body is None else f"cat >\"${{!#/#--benchmark_out=/}}\" <<'END'\n{json.dumps(body)}\nEND\n"
    path.write_text(f"#!/bin/bash\necho \"$*\" >{path}.arguments\n{text}exit {status}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize("status", [0, 1])
def test_the_command_measures_and_prints(
    status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program"
    fake_program(program, status, document(cell(STREAM.format("poolmark"), 100), cell(STREAM.format("tbb"), 200)))
    monkeypatch.setattr(overhead, "PROGRAM", program)
    monkeypatch.setattr(overhead, "build_program", lambda console: None)
    output = tmp_path / "out.json"
    assert overhead.main(["--quick", "-o", str(output), "--benchmark_repetitions=7"]) == status
    assert "stream 100000, time" in capsys.readouterr().out
    given = Path(f"{program}.arguments").read_text().split()
    assert "--benchmark_repetitions=7" in given and f"--benchmark_filter={overhead.filter_of(True, None)}" in given
    assert output.exists() and not output.with_name("out.json.unfinished").exists()


def test_a_program_that_dies_leaves_the_old_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program, output = tmp_path / "program", tmp_path / "out.json"
    output.write_text("old")
    fake_program(program, 139, None)
    monkeypatch.setattr(overhead, "PROGRAM", program)
    monkeypatch.setattr(overhead, "build_program", lambda console: None)
    assert overhead.main(["-o", str(output)]) == 1
    assert output.read_text() == "old"


def test_bad_usage_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert overhead.main(["what"]) == 2
    assert "'what' is no flag of scripts/overhead" in capsys.readouterr().err
    assert overhead.main(["--benchmark_out=x.json"]) == 2


def test_futex_calls_are_read_from_straces_summary() -> None:
    summary = (
        "% time     seconds  usecs/call     calls    errors syscall\n"
        "------ ----------- ----------- --------- --------- ----------------\n"
        "100.00    0.070270          16      4302       238 futex\n"
        "------ ----------- ----------- --------- --------- ----------------\n"
        "100.00    0.070270          16      4302       238 total\n"
    )
    assert syscalls.parse_summary(summary) == 4302
    assert syscalls.parse_summary("") == 0


def test_without_strace_the_count_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syscalls.shutil, "which", lambda name: None)
    stream = io.StringIO()
    syscalls.print_counts(Path("unused"), terminal.console(stream))
    assert "skipped: --syscalls (strace is not installed" in stream.getvalue()
