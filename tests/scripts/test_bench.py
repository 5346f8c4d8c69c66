"""scripts/bench from the flags to the report, with a stand-in for the measuring program."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Callable

import pytest
from poolmark_scripts import bench, bench_run, building, machine_facts, pace, results

FAKE = Path(__file__).with_name("fake_scaling.py")
Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """scripts/bench without its build, in tmp_path; `mode` is the stand-in's."""
    monkeypatch.setattr(bench, "PROGRAM", FAKE)
    monkeypatch.setattr(bench, "ROOT", FAKE.parent)
    monkeypatch.setattr(bench, "build_program", lambda console: None)
    monkeypatch.setattr(machine_facts, "WATCHED_S", 0.0)
    monkeypatch.setattr(pace, "PROBED_S", 0.0)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, mode: str = "ok") -> int:
        monkeypatch.setenv("FAKE_SCALING", mode)
        return bench.main(["-o", "run.json", *arguments])

    return call


def names_of(path: Path) -> set[str]:
    return {entry["name"] for entry in json.loads(path.read_text())["benchmarks"]}


def test_a_run_writes_everything_and_explains(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--quick", "--workloads=primes", "--benchmark_repetitions=1", "--seed=7") == 0
    said = capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {
        "run.json", "run.svg", "run.png", "run.rounds.svg", "run.rounds.png",
    }  # fmt: skip
    machine, plan, *_ = said.splitlines()
    assert re.match(r"\d+ usable CPUs? of \d+ \(affinity .*\) · .* · governor .+", machine)
    assert plan == "measuring 5 cells, a process a sample, 1 round (seed 7)"
    assert "round 1: 0 of 5 cells are precise" in said
    assert "primes (20 tasks a batch)" in said
    assert "in too few rounds to compare" in said
    assert "all 5 cells measured as often as was asked for, too seldom for intervals" in said
    assert "written: run.json, run.svg, run.png, run.rounds.svg, run.rounds.png" in said
    assert re.fullmatch(r"\d+ processes in 1 round, \d+:\d\d, \d+% of it measuring", said.splitlines()[-1])
    assert "\x1b" not in said
    document = json.loads((tmp_path / "run.json").read_text())
    assert results.load(tmp_path / "run.json").tasks.keys() == {"primes"}
    assert {stop["reason"] for stop in document["stops"].values()} == {"rounds"}
    assert document["context"]["seed"] == 7 and document["context"]["rounds"] == 1
    assert "budget_s" not in document["context"]


def test_a_run_within_a_budget_stops_when_it_is_precise(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--budget", "10m", r"--benchmark_filter=^sum/(sequential|thread)/map/workers:[12]$") == 0
    document = json.loads((tmp_path / "run.json").read_text())
    assert {stop["reason"] for stop in document["stops"].values()} == {"precise"}
    assert all(stop["half_width"] <= 0.01 and stop["rounds"] >= 7 for stop in document["stops"].values())
    assert "all 3 cells precise" in capsys.readouterr().out
    assert document["context"]["budget_s"] == 600.0 and document["partial"] is False


def test_quick_measures_every_pool_by_map_and_as_completed(run: Run, tmp_path: Path) -> None:
    assert run("--quick", "--benchmark_repetitions=1") == 0
    names = names_of(tmp_path / "run.json")
    assert len(names) == 15
    for workload in ("primes", "sum", "sleep"):
        for executor in ("thread", "process"):
            for pattern in ("map", "as_completed"):
                assert sum(name.startswith(f"{workload}/{executor}/{pattern}/") for name in names) == 1
    assert "sleep/thread/map/workers:8" in names


def test_quick_measures_the_patterns_that_are_named(run: Run, tmp_path: Path) -> None:
    assert run("--quick", "--patterns=map,as_completed,wait", "--benchmark_repetitions=1") == 0
    names = names_of(tmp_path / "run.json")
    assert len(names) == 21 and "sum/process/wait/workers:2" in names


def test_quick_cells_take_the_nearest_count() -> None:
    names = [f"primes/thread/map/workers:{count}" for count in (1, 4, 16)]
    assert bench_run.quick_cells(names, cpus=6) == ["primes/thread/map/workers:4"]
    only_sequential = ["primes/sequential/map/workers:1", "primes/sequential/wait/workers:1"]
    assert bench_run.quick_cells(only_sequential, cpus=2) == only_sequential
    variants = ["sum/thread/map/workers:2", "sum/thread/map/workers:2/chunksize:4/cold", "sum/thread/map/workers:4/cold"]
    assert bench_run.quick_cells(variants, cpus=2) == variants[:2]


def test_quick_leaves_the_users_choices_alone() -> None:
    names = [f"primes/thread/map/workers:{count}" for count in (1, 4, 16)]
    assert bench_run.quick_cells(names, 2, ("--workers=1,4,16",)) == names


def test_a_failed_cell(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--quick", "--workloads=sum", "--benchmark_repetitions=2", mode="fail:sum/thread/map") == 1
    said = capsys.readouterr().out
    assert "sum/thread/map/workers:2: failed: wrong sum" in said
    assert "1 cell failed: sum/thread/map/workers:2" in said and "4 cells measured as often as was asked for" in said
    assert "written: " in said


def test_a_crash_and_a_hang_leave_the_others_alone(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filtered = "--benchmark_filter=^sum/(sequential|thread)/(map|wait)/workers:[12]$"
    assert run(filtered, "--benchmark_repetitions=2", mode="crash:sum/thread/wait/workers:2") == 1
    document = json.loads((tmp_path / "run.json").read_text())
    assert [failure["name"] for failure in document["failures"]] == ["sum/thread/wait/workers:2"]
    assert "killed by SIGSEGV; its last words: about to crash" in document["failures"][0]["message"]
    assert len(document["benchmarks"]) == 4 * 2
    assert run(filtered, "--benchmark_repetitions=1", "--limit", "5s", mode="hang:sum/thread/wait/workers:2") == 1
    assert "was not at its end after 5 s" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "run.json").read_text())["benchmarks"]) == 4


def test_usage_of_the_program_is_passed_on(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.json").write_text("old")
    assert run("--workloads=prime", mode="usage") == 2
    assert "'prime' is unknown" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"] and (tmp_path / "run.json").read_text() == "old"


def test_a_budget_too_small_for_a_round(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--workloads=sum", "--budget", "0.001s") == 2
    captured = capsys.readouterr()
    assert "the budget of 0.001 s was spent when" in captured.err and "go on with --resume and a larger --budget" in captured.err
    assert [path.name for path in tmp_path.iterdir()] == ["run.journal.jsonl"]
    assert run("--resume", "--budget", "10m") == 0
    assert len(names_of(tmp_path / "run.json")) == 19 and not (tmp_path / "run.journal.jsonl").exists()


def test_program_names_another(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--program", "/bin/true") == 2
    assert "/bin/true is not a program made with poolmark::harness" in capsys.readouterr().err
    assert run("--program", str(FAKE), "--workloads=sum", "--workers=2", "--benchmark_repetitions=1") == 0


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["primes"], "'primes' is no flag of scripts/bench"),
        (["--benchmark_out=x.json"], "name the results file with -o FILE.json"),
        (["--progress-fd=3"], "this script's own business"),
        (["--benchmark_list_tests"], "measures nothing"),
        (["--benchmark_enable_random_interleaving=false"], "the order of a round is always drawn"),
        (["--budget", "5m", "--benchmark_repetitions=3"], "give one of them"),
        (["-o", "run.txt"], "does not end in .json"),
        (["-o", "nowhere/run.json"], "cannot be written: nowhere: No such file or directory"),
        (["-o", "directory.json"], "is a directory"),
    ],
)
def test_bad_usage(
    arguments: list[str], said: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "directory.json").mkdir()
    monkeypatch.setattr(bench, "build_program", lambda console: pytest.fail("built before the usage was checked"))
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err and captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["directory.json"]


def test_a_build_that_fails_shows_why(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", "print('error: no such header'); raise SystemExit(1)"]
    monkeypatch.setattr(bench, "build_program", lambda console: building.run_tool("building", command, console))
    assert run() == 2
    assert "error: no such header" in capsys.readouterr().err


@pytest.mark.parametrize("text, expected", [("45", 45), ("1.5s", 1.5), ("5m", 300), ("2h", 7200)])
def test_lengths_of_time(text: str, expected: float) -> None:
    assert bench.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "0", "0s", "-1", "5 m", "5d", "m", "1e3", "nan", "inf"])
def test_what_is_no_length_of_time(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main([f"--budget={text}"])
    assert ended.value.code == 2 and f"{text!r} is no length of time" in capsys.readouterr().err


def test_a_trace_is_drawn_of_what_was_measured(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    once = ("--quick", "--workloads=primes", "--benchmark_repetitions=1")
    assert run(*once, "--trace", "trace.json") == 0
    assert set(json.loads((tmp_path / "trace.json").read_text())) == names_of(tmp_path / "run.json")
    assert "what the workers did: trace.json, to be opened at https://ui.perfetto.dev" in capsys.readouterr().out


def test_a_trace_leaves_out_what_failed(run: Run, tmp_path: Path) -> None:
    only = r"--benchmark_filter=^sum/(sequential|thread)/map/workers:[12]$"
    assert run(only, "--benchmark_repetitions=1", "--trace", "trace.json", mode="crash:sequential") == 1
    drawn = json.loads((tmp_path / "trace.json").read_text())
    assert set(drawn) == {"sum/thread/map/workers:1", "sum/thread/map/workers:2"}


def test_a_program_that_draws_no_traces_is_refused_before_it_measures(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--quick", "--trace", "trace.json", mode="old") == 2
    assert "'--trace' is not a flag of this program" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_trace_that_fails_costs_no_results(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--quick", "--benchmark_repetitions=1", "--trace", "trace.json", mode="untraced") == 1
    assert "scripts/bench: trace.json was not written: the program was killed by SIGSEGV" in capsys.readouterr().err
    assert names_of(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("run.json", "run.json is the results file too. Name another file with --trace FILE."),
        ("run.svg", "run.svg is a picture of the results. Name another file with --trace FILE."),
        (".", ". is a directory. Name another file with --trace FILE."),
        ("no/where.json", "no/where.json cannot be written: no: No such file or directory. Name another"),
    ],
)
def test_a_trace_file_that_cannot_be_is_refused_at_once(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, sentence: str
) -> None:
    assert run("--quick", "--trace", name) == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
