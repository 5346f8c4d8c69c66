"""Arms of scripts/gate: revisions and build directories. A small project is checked out and built for real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from poolmark_scripts.gate import machine, trees
from poolmark_scripts.disturbance import Disturbance
from poolmark_scripts.processes import Busy
from rich.console import Console

PRESETS = {
    "version": 6,
    "configurePresets": [{"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/release"}],
}
CMAKE = "cmake_minimum_required(VERSION 3.25)\nproject(small CXX)\nadd_subdirectory(bench)\n"
GOOD, BROKEN = "int main() { return 0; }\n", "int main() { return nonsense; }\nint also = wrong;\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of three commits: without the program, with it, and with one that does not compile."""
    if not all(map(shutil.which, ("cmake", "ninja", "git", "c++"))):
        pytest.skip("cmake, ninja, git or c++ is not installed")
    root = tmp_path / "project"
    (root / "bench").mkdir(parents=True)
    (root / "CMakeLists.txt").write_text(CMAKE)
    (root / "CMakePresets.json").write_text(json.dumps(PRESETS))
    git(root, "init", "-q", "-b", "main")
    for tag, cmake, source in (("old", "", GOOD), ("good", "add_executable(gate gate.cpp)\n", GOOD), ("broken", None, BROKEN)):
        if cmake is not None:
            (root / "bench" / "CMakeLists.txt").write_text(cmake)
        (root / "bench" / "gate.cpp").write_text(source)
        git(root, "add", "-A")
        git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", tag)
        git(root, "tag", tag)
    monkeypatch.setattr(trees, "ROOT", root)
    monkeypatch.setattr(trees, "TREES", root / "build" / "gate")
    return root


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", root, *words], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def quiet() -> Console:
    return Console(file=open("/dev/null", "w"), width=200)


def test_a_revision_is_built_in_a_tree_of_its_own_once(repository: Path) -> None:
    wanted = trees.find("good")
    assert wanted.commit == git(repository, "rev-parse", "good") and wanted.is_new_tree
    built = trees.build(wanted, "bench/gate", quiet())
    assert subprocess.run([built.program], check=False).returncode == 0
    assert built.tree == repository / "build" / "gate" / wanted.commit[:12]
    assert git(repository, "status", "--porcelain", "--untracked-files=no") == ""
    written = built.program.stat().st_mtime_ns
    again = trees.find(wanted.commit)
    assert not again.is_new_tree
    assert trees.build(again, "bench/gate", quiet()).program.stat().st_mtime_ns == written


def test_a_tree_that_was_removed_is_made_anew(repository: Path) -> None:
    built = trees.build(trees.find("good"), "bench/gate", quiet())
    shutil.rmtree(built.tree)
    assert trees.build(trees.find("good"), "bench/gate", quiet()).program.is_file()


def test_the_first_error_of_the_compiler_is_told(repository: Path) -> None:
    with pytest.raises(trees.TreeError) as told:
        trees.build(trees.find("broken"), "bench/gate", quiet())
    assert str(told.value).startswith("broken does not build; the first error:")
    assert "'nonsense' was not declared" in str(told.value)


def test_a_revision_without_the_program_is_told(repository: Path) -> None:
    with pytest.raises(trees.TreeError, match="old has no program gate yet: name a program that both arms have"):
        trees.build(trees.find("old"), "bench/gate", quiet())


def test_a_build_directory_is_taken_as_it_is(repository: Path, tmp_path: Path) -> None:
    built = trees.build(trees.find("good"), "bench/gate", quiet())
    found = trees.find(str(built.directory))
    assert found.commit is None and found.tree == built.tree and not found.is_new_tree
    assert trees.build(found, "bench/gate", quiet()).program == built.program
    with pytest.raises(trees.TreeError, match="has no program bench/other: .* does not exist. Build it, or name"):
        trees.build(found, "bench/other", quiet())


def test_what_is_neither_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(trees.TreeError, match="'nothing' is no revision of this repository and no directory. Give"):
        trees.find("nothing")
    with pytest.raises(trees.TreeError, match="is a directory, but no build directory"):
        trees.find(str(tmp_path))
    with pytest.raises(trees.TreeError, match="'--upload-pack=x' is no revision"):
        trees.find("--upload-pack=x")


def test_trees_that_do_not_fit_are_refused(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = [trees.find("good"), trees.find("old")]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2 * trees.TREE_BYTES))
    trees.check_room(wanted)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2 * trees.TREE_BYTES - 1))
    with pytest.raises(trees.TreeError, match=r"the trees of 400 MB do not fit: 399 MB are free"):
        trees.check_room(wanted)
    trees.check_room(wanted[:1])
    trees.check_room([wanted[0], wanted[0]])  # one tree for both


def test_links_of_a_run_that_was_killed_are_removed(repository: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, mine = (trees.TREES / f"links-{pid}-x" for pid in (ended.pid, os.getpid()))
    for directory in (left, mine):
        (directory / "base").mkdir(parents=True)
    trees.remove_old_links()
    assert not left.exists() and mine.exists()


def test_no_error_of_a_compiler_shows_the_last_lines() -> None:
    assert trees.first_error([f"line {number}" for number in range(30)]).splitlines()[1:] == [
        f"  line {number}" for number in range(18, 30)
    ]


# ---- the machine, before anything is measured --------------------------------------------------------------------


def seen(foreign: float = 0.0, steal: float = 0.0, throttled_s: float = 0.0) -> Disturbance:
    return Disturbance(1.0, steal, foreign, throttled_s, None, None, cpus=2)


def test_a_quiet_machine_can_be_measured_on() -> None:
    assert machine.said(seen(foreign=0.2, steal=0.2), []) == ""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (seen(foreign=0.5), "other programs use 50 % of the CPUs (cc1plus 97 %): end them"),
        (seen(steal=0.4), "the hypervisor gives 40 % of the CPUs to other guests"),
        (seen(throttled_s=0.1), "the CPU quota of the control group stops this process"),
    ],
)
def test_a_machine_that_cannot_says_why(what: Disturbance, said: str) -> None:
    assert said in machine.said(what, [Busy("cc1plus", 7, 0.97)])
