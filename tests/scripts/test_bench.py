"""scripts/bench from the flags to the report, with a stand-in for the measuring program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest
from poolmark_scripts import bench, building

FAKE = Path(__file__).with_name("fake_scaling.py")
Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """scripts/bench without its build, in tmp_path; `mode` is the stand-in's."""
    monkeypatch.setattr(bench, "PROGRAM", FAKE)
    monkeypatch.setattr(bench, "ROOT", FAKE.parent)
    monkeypatch.setattr(bench, "build_program", lambda console: None)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, mode: str = "ok") -> int:
        monkeypatch.setenv("FAKE_SCALING", mode)
        return bench.main(["-o", "run.json", *arguments])

    return call


def test_a_run_writes_everything_and_explains(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    said = capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "run.svg", "run.png"}
    assert "measuring 75 cells, 10 repetitions each" in said
    assert "[75/75] " in said and "ETA 0:00" in said
    assert "primes (20 tasks a batch)" in said
    assert "Fastest: thread/" in said
    assert "written: run.json, run.svg, run.png" in said
    assert "\x1b" not in said


def test_quick_measures_every_pool_and_pattern_once(run: Run, tmp_path: Path) -> None:
    assert run("--quick") == 0
    names = {entry["name"] for entry in json.loads((tmp_path / "run.json").read_text())["benchmarks"]}
    assert len(names) == 21
    for workload in ("primes", "sum", "sleep"):
        for executor in ("thread", "process"):
            for pattern in ("map", "as_completed", "wait"):
                assert sum(name.startswith(f"{workload}/{executor}/{pattern}/") for name in names) == 1
    assert "sleep/thread/map/workers:8" in names


def test_quick_leaves_the_users_choices_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "PROGRAM", FAKE)
    given = ["--workers=1", "--benchmark_repetitions=3"]
    assert bench.quick_flags(given) == given


def test_quick_cells_take_the_nearest_count() -> None:
    names = [f"primes/thread/map/workers:{count}" for count in (1, 4, 16)]
    assert bench.quick_cells(names, cpus=6) == ["primes/thread/map/workers:4"]
    only_sequential = ["primes/sequential/map/workers:1", "primes/sequential/wait/workers:1"]
    assert bench.quick_cells(only_sequential, cpus=2) == only_sequential


def test_a_failed_cell(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--quick", mode="fail") == 1
    said = capsys.readouterr().out
    assert "sum/thread/map/workers:2: wrong sum (9 repetitions)" in said
    assert "written: " in said


def test_usage_of_the_program_is_passed_on(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--workloads=prime", mode="usage") == 2
    assert "'prime' is unknown" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_crash_is_named_and_an_old_file_is_not_taken_for_new(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_text("old")
    assert run(mode="crash") == 1
    captured = capsys.readouterr()
    assert "was killed by signal 11 and wrote no results" in captured.err and "written" not in captured.out
    assert (tmp_path / "run.json").read_text() == "old"


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["primes"], "'primes' is no flag of scripts/bench"),
        (["--benchmark_out=x.json"], "name the results file with -o FILE.json"),
        (["--progress-fd=3"], "this script's own business"),
        (["--benchmark_list_tests"], "measures nothing"),
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
    monkeypatch.setattr(bench, "build_program", lambda console: building._run("building", command, console))
    assert run() == 2
    assert "error: no such header" in capsys.readouterr().err


DRIVER = """
import sys
sys.path.insert(0, {scripts!r})
from pathlib import Path
from poolmark_scripts import bench
bench.PROGRAM, bench.ROOT, bench.build_program = Path({fake!r}), Path({fake!r}).parent, lambda console: None
sys.exit(bench.main(["-o", "run.json"]))
"""


def interrupt(root: Path, directory: Path, mode: str, number: int) -> tuple[int, str, int]:
    """Starts scripts/bench and signals it once it measures, again if need be; (status, output, program's pid)."""
    driver = DRIVER.format(scripts=str(root / "scripts"), fake=str(FAKE))
    started = subprocess.Popen(
        [sys.executable, "-c", driver], cwd=directory, env={**os.environ, "FAKE_SCALING": mode},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert started.stdout is not None
    said = started.stdout.readline()
    assert said.startswith("measuring"), said
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
    for _ in range(2 if mode == "deaf" else 1):
        started.send_signal(number)
        said += started.stdout.readline()  # its answer: the signal has arrived
    if mode == "deaf":
        started.send_signal(number)
    said += started.stdout.read()
    return started.wait(), said, int(children[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_shows_and_keeps_what_there_is(number: int, root: Path, tmp_path: Path) -> None:
    status, said, program = interrupt(root, tmp_path, "stop", number)
    assert status == 130
    assert "interrupted: the batch in progress ends" in said
    assert "The run was interrupted: the numbers are of what was measured until then." in said
    content = json.loads((tmp_path / "run.json").read_text())
    assert content["partial"] is True and len(content["benchmarks"]) == 2
    assert not Path(f"/proc/{program}").exists()


def test_hup_ends_the_program_too(root: Path, tmp_path: Path) -> None:
    status, _, program = interrupt(root, tmp_path, "stop", signal.SIGHUP)
    assert status == 130 and not Path(f"/proc/{program}").exists()


def test_a_program_that_does_not_listen_is_killed(root: Path, tmp_path: Path) -> None:
    status, said, program = interrupt(root, tmp_path, "deaf", signal.SIGINT)
    assert status == 1 and "was killed by signal 9 and wrote no results" in said
    assert not Path(f"/proc/{program}").exists() and not list(tmp_path.iterdir())
