"""scripts/python-side from the arguments to the table, with made-up programs in both languages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest
from poolmark_scripts import bench, building, measuring, python_side, python_side_downloads, python_side_report, python_side_runs, terminal
from poolmark_scripts.python_side_runs import POOLMARK, PYTHON, Measured

FAKE_SCALING = Path(__file__).with_name("fake_scaling.py")
PRINTS = {work.program: work.prints for work in python_side_runs.WORKLOADS}
# With the GIL: what computes takes as long in two threads as in one, what sleeps half as long.
FAKE_PROGRAM = """
import sys
executor, workers = sys.argv[1], int((sys.argv[2:] or ["1"])[0])
shared = executor == "thread" and {computes}
print({prints!r} + f" Time : {{1.0 if shared else 1.0 / workers:.6f}}s")
"""
Run = Callable[..., int]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The Python programs, none of which computes anything."""
    directory = tmp_path / "examples" / "python"
    directory.mkdir(parents=True)
    for name, prints in PRINTS.items():
        (directory / name).write_text(FAKE_PROGRAM.format(prints=prints, computes=name != "naps.py"))
    return directory


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, programs: Path) -> Run:
    """scripts/python-side without a build, in tmp_path; `mode` is the made-up bench/scaling's."""
    monkeypatch.setattr(bench, "PROGRAM", FAKE_SCALING)
    monkeypatch.setattr(bench, "build_program", lambda console: None)
    monkeypatch.setattr(python_side, "ROOT", tmp_path)
    monkeypatch.setattr(python_side, "build_downloads", lambda console: None)
    monkeypatch.setattr(python_side_downloads, "has_client", lambda python: False)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, mode: str = "ok") -> int:
        monkeypatch.setenv("FAKE_SCALING", mode)
        return python_side.main(["--python", sys.executable, *arguments])

    return call


def test_one_table_for_both_and_what_the_gil_costs(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--quick") == 0
    said = capsys.readouterr().out
    rows = [line.split() for line in said.splitlines()]
    assert ["primes", "sequential", "1", "1.00", "s", "1.00x"] in [row[:6] for row in rows]
    assert ["thread", "2", "1.00", "s", "1.00x"] in [row[:5] for row in rows]
    assert ["process", "2", "500", "ms", "2.00x"] in [row[:5] for row in rows]
    assert "2 threads, work that computes: Python 1.00x and 1.00x, poolmark " in said
    assert "2 threads, work that waits: Python 2.00x, poolmark " in said
    assert "2 processes, work that computes: Python 2.00x and 2.00x, poolmark " in said
    assert f"Python: {sys.executable}, CPython {sys.version.split()[0]}" in said
    assert "\x1b" not in said and "failed" not in said


def test_the_file_has_all_times(run: Run, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(python_side, "REPETITIONS", 2)
    assert run("--json", "all.json") == 0
    made = json.loads((tmp_path / "all.json").read_text())
    assert "written: all.json" in capsys.readouterr().out
    assert made["python"]["path"] == sys.executable
    assert len(made["cells"]) == 30
    assert {len(cell["seconds"]) for cell in made["cells"]} == {2}
    naps = [cell for cell in made["cells"] if (cell["language"], cell["work"], cell["workers"]) == (PYTHON, "sleep", 2)]
    assert [cell["speedup"] for cell in naps] == [2.0, 2.0]
    (ours,) = [cell for cell in made["cells"] if (cell["language"], cell["work"], cell["executor"]) == (POOLMARK, "sleep", "sequential")]
    assert ours["seconds"] == pytest.approx([0.644, 0.644], rel=0.05)
    assert not list(tmp_path.glob("*.unfinished"))


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("import sys; sys.exit('no pool today')", "Python primes.py sequential: ended with status 1: no pool today"),
        ("print('8 of 20 numbers are prime. Time : 1.0s')", "ended with status 0: 8 of 20 numbers are prime. Time : 1.0s"),
        ("print('9 of 20 numbers are prime. Time : 1.0s'); raise SystemExit(3)", "Python primes.py process 1: ended with status 3"),
        ("pass", "Python primes.py thread 2: ended with status 0: it said nothing"),
    ],
)
def test_a_wrong_result_has_no_time(
    run: Run, programs: Path, capsys: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    (programs / "primes.py").write_text(text)
    assert run("--quick") == 1
    said = capsys.readouterr().out
    assert sentence in said
    (row,) = [line.split() for line in said.splitlines() if line.startswith("primes")]
    assert row[:5] == ["primes", "sequential", "1", "-", "-"]
    assert "work that computes" not in said and "work that waits" in said


def test_a_run_without_end_is_ended(run: Run, programs: Path, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(python_side_runs, "LONGEST_RUN_S", 0.2)
    monkeypatch.setattr(python_side_runs, "GRID", (("sequential", 1),))
    (programs / "naps.py").write_text("import time; time.sleep(1000)")
    assert run("--quick") == 1
    assert "Python naps.py sequential: not at its end after 0.2 s" in capsys.readouterr().out


def test_a_failed_cell_of_ours(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--quick", mode="fail") == 1
    assert "poolmark sum/thread/map/workers:2: wrong sum" in capsys.readouterr().out


def test_our_program_crashes(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--quick", mode="crash") == 1
    said = capsys.readouterr().out
    assert "fake_scaling.py ended with status -11: about to crash" in said
    assert "1.00 s" in said  # Python's part is shown all the same


# ---- downloads -----------------------------------------------------------------------------------------------------

FAKE_SERVER = """#!/bin/sh
echo http://127.0.0.1:1/flags
cat > /dev/null
touch ended
"""
FAKE_DOWNLOADS = """
import sys
assert sys.argv[1:] == ["http://127.0.0.1:1/flags"]
print({prints!r} + " Time : {seconds:.6f}s")
"""


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, programs: Path) -> Path:
    """A directory with a server and a program of ours, neither of which does anything."""
    monkeypatch.setattr(python_side_downloads, "has_client", lambda python: True)
    for executor, name in python_side_downloads.PROGRAMS.items():
        seconds = 1.0 if executor == "sequential" else 0.125
        (programs / name).write_text(FAKE_DOWNLOADS.format(prints=python_side_downloads.PRINTS, seconds=seconds))
    directory = tmp_path / "bench"
    directory.mkdir()
    (directory / "flags_server").write_text(FAKE_SERVER)
    (directory / "flags_server").chmod(0o755)

    def measure(program: Path, flags: list[str], output: Path, console: object) -> tuple[int, str]:
        assert program == directory / "flags" and "--base-url=http://127.0.0.1:1/flags" in flags
        (tmp_path / "asked").touch()
        return 1, "no flags today"

    monkeypatch.setattr(measuring, "measure", measure)
    return directory


def test_downloads_come_from_one_server_that_ends(
    downloads: Path, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    measured = Measured()
    asked = list(python_side_downloads.measure(downloads, sys.executable, programs, 2, measured, None))
    assert asked == ["poolmark", *["flags sequential", "flags thread", "flags async"] * 2]
    assert measured.seconds[PYTHON, "flags", "async", 20] == [0.125, 0.125]
    assert measured.failures == ["flags ended with status 1: no flags today"]
    assert (tmp_path / "asked").exists() and (tmp_path / "ended").exists(), "the server has seen the end of its input"


def test_a_server_that_does_not_start_is_named(downloads: Path, programs: Path) -> None:
    (downloads / "flags_server").write_text("#!/bin/sh\nexit 3\n")
    measured = Measured()
    assert list(python_side_downloads.measure(downloads, sys.executable, programs, 1, measured, None)) == []
    (downloads / "flags_server").unlink()
    assert list(python_side_downloads.measure(downloads, sys.executable, programs, 1, measured, None)) == []
    assert measured.failures == [
        "flags_server ended with status 3 and gave no address", "flags_server cannot be started: No such file or directory"
    ]  # fmt: skip


def test_the_table_and_what_it_says_of_downloads(capsys: pytest.CaptureFixture[str]) -> None:
    measured = Measured()
    for language, factor in ((PYTHON, 2.0), (POOLMARK, 1.0)):
        for executor, workers in python_side_downloads.GRID:
            measured.seconds[language, "flags", executor, workers] = [1.0 if executor == "sequential" else 0.05 * factor]
    python_side_report.print_report(measured, {"gil": True}, terminal.console())
    said = capsys.readouterr().out
    rows = [line.split() for line in said.splitlines()]
    assert ["async", "20", "100", "ms", "10.00x", "50.0", "ms", "20.00x"] in rows
    assert (
        "20 downloads at once, with 20 threads and on an event loop: Python 10.00x and 10.00x, poolmark 20.00x and 20.00x as fast "
        "as one after the other."
    ) in said


def test_without_a_client_there_are_no_downloads(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--quick") == 0
    said = capsys.readouterr().out
    assert f"{sys.executable} has no httpx, so downloads are left out (Debian: python3-httpx)." in said and "flags" not in said


@pytest.mark.parametrize("name", sorted(python_side_downloads.PROGRAMS.values()))
def test_the_downloading_programs_want_an_address(root: Path, name: str) -> None:
    if not python_side_downloads.has_client(sys.executable):
        pytest.skip("this Python has no httpx")
    ended = subprocess.run(
        [sys.executable, "-B", root / "examples" / "python" / name], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2 and ended.stderr.endswith(f"{name} ADDRESS\n")


def test_it_says_when_our_program_cannot_be_built(run: Run, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(console: object) -> None:
        raise building.BuildError("building build/release failed (cmake)")

    monkeypatch.setattr(bench, "build_program", fail)
    assert run("--quick") == 2
    assert capsys.readouterr().err == "scripts/python-side: building build/release failed (cmake)\n"


def test_a_file_that_cannot_be_written_is_refused_first(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", "nowhere/all.json") == 2
    assert "nowhere/all.json cannot be written. Name another file with --json FILE." in capsys.readouterr().err


def fake_python(path: Path, answer: str) -> str:
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return str(path)


def about(**changes: object) -> str:
    return json.dumps({"path": "/p", "implementation": "CPython", "version": "3.9.1", "at_least_3_9": True, "gil": True, **changes})


@pytest.mark.parametrize("answer", [about(at_least_3_9=False), about(implementation="PyPy"), "no json", ""])
def test_a_python_that_will_not_do_is_named(tmp_path: Path, answer: str) -> None:
    path = fake_python(tmp_path / "python", answer)
    sentence = f"none of these is a CPython of 3.9 or newer .*: {path}. Name one with --python"
    with pytest.raises(python_side.UsageError, match=sentence):
        python_side.choose_python(path)


def test_the_environment_names_a_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLMARK_PYTHON", fake_python(tmp_path / "python", about(version="3.99")))
    assert python_side.choose_python(None)["version"] == "3.99"
    assert python_side.choose_python(sys.executable)["path"] == sys.executable


def test_no_python_is_a_sentence_and_status_2(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert python_side.main(["--python", "/no/such/python"]) == 2
    assert "concurrent.futures: /no/such/python. Name one with --python PROGRAM." in capsys.readouterr().err


def test_without_gil_on_one_busy_cpu_it_says_so() -> None:
    measured = Measured(machine={"usable_cpus": 1}, load_before=3.14)
    for language in (PYTHON, POOLMARK):
        for work in python_side_runs.WORKLOADS:
            for executor, workers in python_side_runs.GRID:
                measured.seconds[language, work.name, executor, workers] = [1.0 / workers]
    lines = python_side_report.findings(measured, {"gil": False})
    assert lines[0].startswith("This machine gives one CPU")
    assert lines[1].startswith("The machine was busy before (load 3.1)")
    assert lines[2] == (
        "2 threads, work that computes: Python 2.00x and 2.00x, poolmark 2.00x and 2.00x. "
        "This Python has no GIL, as C++ has none."
    )


@pytest.mark.parametrize("name", sorted(PRINTS))
def test_the_real_programs_refuse_wrong_arguments(root: Path, name: str) -> None:
    for wrong in ([], ["threads", "2"], ["thread"], ["thread", "0"], ["thread", "two"], ["sequential", "1"]):
        ended = subprocess.run(
            [sys.executable, "-B", root / "examples" / "python" / name, *wrong], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 2
        assert ended.stderr.endswith(f"{name} sequential | thread WORKERS | process WORKERS\n")


def test_the_real_programs_print_what_is_expected_of_them(root: Path) -> None:
    measured = Measured()
    for work in python_side_runs.WORKLOADS:
        command = [sys.executable, "-B", str(root / "examples" / "python" / work.program), "process", "2"]
        took = python_side_runs.run_program(command, work.prints, measured)
        assert took is not None and took > 0
    assert measured.failures == []
