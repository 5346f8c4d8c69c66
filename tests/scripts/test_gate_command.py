"""The command scripts/gate, with programs that only pretend to measure; and once for real."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, Callable

import pytest

FAKE = Path(__file__).with_name("fake_gate.py")
CELLS = ["fine/sequential/map/workers:1", "fine/thread/map/workers:2"]
CONTEXT = {
    "commit": "0123456789abcdef", "dirty": False, "compiler": "GNU 12.2.0", "compiler_flags": "-O3", "build_type": "Release",
    "library_build_type": "debug", "cpu_model": "Example", "usable_cpus": 2,
}  # fmt: skip
# In a process of its own: Ctrl-C, orphans, and a command line as a user writes it. Nothing is linked, and nothing that
# others do to this machine is a disturbance.
DRIVER = """
import shutil, sys
sys.path.insert(0, {scripts!r})
from pathlib import Path
from poolmark_scripts.gate import __main__ as command, counts, layouts, machine, sampling, trees
trees.TREES = Path("trees").absolute()
def link(build, program, seed, number, into, runner):
    into.mkdir(parents=True)
    shutil.copy(program.with_name("gate.json"), into)
    return Path(shutil.copy(program, into))
layouts.link = link
counts.count_changes = lambda *_: ({{}}, [])
if not {watch}:
    machine.why_unusable = lambda: ""
    sampling.Watch.stop = lambda self: type("Quiet", (), {{"reasons": staticmethod(tuple)}})
sys.exit(command.main(["-o", "gate.json", *sys.argv[1:]]))
"""
Gate = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def arm(tmp_path: Path) -> Callable[..., str]:
    """Makes a build directory; its path."""

    def make(name: str, **wanted: Any) -> str:
        program = tmp_path / name / "bench" / "gate"
        program.parent.mkdir(parents=True)
        (tmp_path / name / "CMakeCache.txt").write_text(f"CMAKE_HOME_DIRECTORY:INTERNAL={tmp_path}\n")
        shutil.copy(FAKE, program)
        program.with_name("gate.json").write_text(json.dumps({"cells": CELLS, "context": CONTEXT, **wanted}))
        return name

    return make


@pytest.fixture
def gate(root: Path, tmp_path: Path) -> Gate:
    def call(*arguments: str, watch: bool = False, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", DRIVER.format(scripts=str(root / "scripts"), watch=watch), *arguments], cwd=tmp_path,
            env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip

    return call


def verdicts(path: Path) -> dict[str, str]:
    return {cell["name"]: cell["verdict"] for cell in json.loads((path / "gate.json").read_text())["cells"]}


def test_a_slower_cell_closes_the_gate(arm: Callable[..., str], gate: Gate, tmp_path: Path) -> None:
    ended = gate(arm("base"), arm("new", factors={CELLS[1]: 1.08}), "--seed=5")
    assert ended.returncode == 1, ended.stderr
    assert verdicts(tmp_path) == {CELLS[0]: "equivalent", CELLS[1]: "regressed"}
    assert f"1 of 2 cells regressed: {CELLS[1]} (+8." in ended.stdout or "(+7.9" in ended.stdout
    assert "scripts/gate -o gate.json base new --seed=5" in ended.stdout
    written = json.loads((tmp_path / "gate.json").read_text())
    assert {block["stage"] for block in written["blocks"] if block["cell"] == CELLS[1]} == {"screen", "trial"}
    assert {block["stage"] for block in written["blocks"] if block["cell"] == CELLS[0]} == {"screen"}


def test_what_cannot_be_trusted_is_tried_again_with_other_links(arm: Callable[..., str], gate: Gate, tmp_path: Path) -> None:
    base = arm("base", cells=CELLS[:1], in_links={"first/null": 1.06})
    ended = gate(base, arm("new", cells=CELLS[:1]))
    assert ended.returncode == 0, ended.stderr
    assert verdicts(tmp_path) == {CELLS[0]: "equivalent"}
    assert "second trial: 24 rounds of 1 cell" in ended.stdout and "a second trial of what the first left open" in ended.stdout
    written = json.loads((tmp_path / "gate.json").read_text())
    assert [block["stage"] for block in written["blocks"]] == ["screen"] * 8 + ["trial"] * 24 + ["second_trial"] * 24
    assert written["repeated"] is True and len(written["new"]["sha256"]) == 8 and written["cells"][0]["stage"] == "second_trial"


def test_a_base_that_cannot_be_trusted_twice_is_told(arm: Callable[..., str], gate: Gate, tmp_path: Path) -> None:
    base = arm("base", cells=CELLS[:1], in_links={"/null": 1.06})
    assert gate(base, arm("new", cells=CELLS[:1])).returncode == 4
    assert verdicts(tmp_path) == {CELLS[0]: "untrusted"}


def test_every_reader_gets_its_file(arm: Callable[..., str], gate: Gate, tmp_path: Path) -> None:
    assert gate(arm("base"), arm("new")).returncode == 0
    assert (tmp_path / "gate.md").read_text().startswith("<!-- poolmark-gate -->")
    assert ElementTree.parse(tmp_path / "gate.junit.xml").getroot().tag in ("testsuites", "testsuite")
    assert json.loads((tmp_path / "gate.sarif").read_text())["version"] == "2.1.0"
    assert (tmp_path / "gate.png").stat().st_size > 10_000 and "<svg" in (tmp_path / "gate.svg").read_text()
    assert sorted(path.name for path in (tmp_path / "trees").iterdir()) == []


def test_exchanged_arms_turn_the_verdict_round(arm: Callable[..., str], gate: Gate, tmp_path: Path) -> None:
    slow, fast = arm("slow", factors={CELLS[1]: 1.08}), arm("fast")
    assert gate(slow, fast).returncode == 0
    assert verdicts(tmp_path)[CELLS[1]] == "improved"


def test_a_cell_that_fails_closes_the_gate(arm: Callable[..., str], gate: Gate, tmp_path: Path) -> None:
    ended = gate(arm("base"), arm("new", failures={CELLS[0]: "wrong result of fine"}, crashes=CELLS[1]))
    assert ended.returncode == 1
    assert verdicts(tmp_path) == {CELLS[0]: "failed", CELLS[1]: "failed"}
    assert "wrong result of fine" in ended.stdout and "was killed by SIGSEGV" in ended.stdout


def test_a_removed_cell_closes_the_gate_unless_it_may_go(arm: Callable[..., str], gate: Gate, tmp_path: Path) -> None:
    base, new = arm("base"), arm("new", cells=[CELLS[0], "new/thread/map/workers:2"])
    assert gate(base, new).returncode == 1
    assert verdicts(tmp_path) == {CELLS[0]: "equivalent", CELLS[1]: "removed", "new/thread/map/workers:2": "new"}
    ended = gate(base, new, "--allow-removed")
    assert ended.returncode == 0 and CELLS[1] not in verdicts(tmp_path)
    assert f"Removed, which --allow-removed allows: {CELLS[1]}." in ended.stdout


def test_identical_programs_are_told(arm: Callable[..., str], gate: Gate) -> None:
    assert "the same program, byte for byte" in gate(arm("base"), arm("new")).stdout


def test_annotations_are_for_github(arm: Callable[..., str], gate: Gate) -> None:
    base, new = arm("base"), arm("new", factors={CELLS[1]: 1.2})
    assert "::error " not in gate(base, new, GITHUB_ACTIONS="").stdout
    assert "::error " in gate(base, new, GITHUB_ACTIONS="true").stdout


@pytest.mark.parametrize(
    ("new", "arguments", "said"),
    [
        ({"context": {**CONTEXT, "compiler": "Clang 16"}}, [], "compiler is 'GNU 12.2.0' in the base and 'Clang 16' in the new"),
        ({"context": {**CONTEXT, "compiler_flags": "-O0"}}, [], "compiler_flags is '-O3' in the base and '-O0' in the new"),
        ({"cells": ["other/thread/map/workers:2"]}, [], "there are no cells to judge in both arms"),
        ({}, ["--cells=nothing"], "there are no cells that match 'nothing' in both arms"),
        ({}, ["--cells=["], "--cells '[' is no regular expression"),
        ({}, ["--program=bench/scaling"], "base has no program bench/scaling"),
        ({}, ["-o", "none/gate.json"], "none/gate.json cannot be written"),
        ({}, ["-o", "gate.txt"], "does not end in .json"),
        ({}, ["--", "workloads"], "'workloads' cannot be given to the program"),
    ],
)
def test_unusable_input(
    arm: Callable[..., str], gate: Gate, tmp_path: Path, new: dict[str, Any], arguments: list[str], said: str
) -> None:
    ended = gate(arm("base"), arm("new", **new), *arguments)
    assert ended.returncode == 2 and said in ended.stderr, ended.stderr
    assert not (tmp_path / "gate.json").exists()


def test_a_program_of_somebody_else_is_refused(arm: Callable[..., str], gate: Gate, tmp_path: Path) -> None:
    base, new = arm("base"), arm("new")
    program = tmp_path / "new" / "bench" / "gate"
    program.write_text("#!/bin/sh\nexit 0\n")
    ended = gate(base, new)
    assert ended.returncode == 2 and "is not a program made with poolmark::harness" in ended.stderr


def test_a_busy_machine_is_told_before_the_first_round(arm: Callable[..., str], gate: Gate, tmp_path: Path) -> None:
    base, new = arm("base"), arm("new")
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in os.sched_getaffinity(0)]
    try:
        ended = gate(base, new, watch=True)
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    assert ended.returncode == 4 and "the machine is unusable for measuring: other programs use" in ended.stderr
    assert "--anyway" in ended.stderr and not (tmp_path / "gate.json").exists()


def test_ctrl_c_writes_what_was_measured(root: Path, arm: Callable[..., str], tmp_path: Path) -> None:
    # In the first round of the screen its first cell is measured, the other hangs: calibration has run in the base alone.
    base, new = arm("base"), arm("new", hangs=CELLS[1])
    started = subprocess.Popen(
        [sys.executable, "-c", DRIVER.format(scripts=str(root / "scripts"), watch=False), base, new, "--seed=1"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    hanging = _wait_for_hanging_child(started)
    started.send_signal(signal.SIGINT)
    output, _ = started.communicate()
    assert started.returncode == 130, output
    assert not Path(f"/proc/{hanging}").exists()
    assert list((tmp_path / "trees").iterdir()) == []
    if (tmp_path / "gate.json").exists():
        assert json.loads((tmp_path / "gate.json").read_text())["partial"] is True
    else:
        assert "interrupted" in output


def _wait_for_hanging_child(gate: "subprocess.Popen[str]") -> int:
    """The pid of the program that hangs: it waits for a signal, in a cell that hangs."""
    while True:
        assert gate.poll() is None, gate.stdout.read()
        children = Path(f"/proc/{gate.pid}/task/{gate.pid}/children").read_text().split()
        for child in map(int, children):
            try:
                command = Path(f"/proc/{child}/cmdline").read_text()
                waits = Path(f"/proc/{child}/wchan").read_text()
            except OSError:
                continue
            if f"^{CELLS[1]}" in command.replace("\\", "") and "/new/" in command and waits != "0":
                return child


def test_for_real(root: Path, tmp_path: Path) -> None:
    """One build against itself: linked, measured and judged; the verdict is whatever the machine allows but no alarm."""
    build = root / "build" / "release"
    if not (build / "bench" / "gate").exists():
        pytest.skip(f"{build}/bench/gate is not built; scripts/test release builds it")
    ended = subprocess.run(
        [root / "scripts" / "gate", build, build, "--cells=^fine/thread/map", "--anyway", "--no-counts",
         "--budget=1s", "-o", tmp_path / "gate.json"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode in (0, 4), ended.stdout
    written = json.loads((tmp_path / "gate.json").read_text())
    assert len(set(written["base"]["sha256"])) == 4 and written["base"]["sha256"] == written["new"]["sha256"]
    assert "byte for byte" in ended.stdout
