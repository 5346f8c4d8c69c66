"""The commands of the ready workflow do what docs/ci.md says, on a checkout with two commits."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

# Stands for CMake: "configures" with a build.ninja whose compiler only pretends, and "builds" by linking with it.
FAKE_CMAKE = """\
#!/bin/bash
mkdir -p build/release/bench
[[ -f build/release/CMakeCache.txt ]] || {
  echo "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" >build/release/CMakeCache.txt
  cp "$FAKE_DATA/fake-cc" build/release
  touch build/release/gate.o
  cat >build/release/build.ninja <<END
rule link
  command = ./fake-cc gate.o -o bench/gate
build bench/gate: link gate.o
END
}
[[ -f $PWD/slow_threads ]] && factor=1.2 || factor=1.0
sed "s/FACTOR/$factor/" "$FAKE_DATA/gate.json" >build/release/bench/gate.json
[[ "$*" == *--build* ]] && cd build/release && ./fake-cc gate.o -o bench/gate
exit 0
"""
# Its last argument but one is -o: an object is an empty file, a program the stand-in beside what it is to say.
FAKE_COMPILER = """\
#!/bin/bash
output=${!#}
if [[ " $* " == *" -c "* ]]; then touch "$output"; exit 0; fi
cp "$FAKE_DATA/fake_gate.py" "$output"
[[ bench -ef ${output%/*} ]] || cp bench/gate.json "${output%/*}"
"""
# What else runs on this machine is nothing to the workflow.
QUIET = {
    "machine.py": '\n\ndef why_unusable() -> str:\n    return ""\n',
    "sampling.py": '\n\nWatch.stop = lambda self: type("Quiet", (), {"reasons": staticmethod(tuple)})\n',
}
CELLS = ["fine/sequential/map/workers:1", "fine/thread/map/workers:2"]
CONTEXT = {"commit": "0" * 40, "compiler": "GNU", "compiler_flags": "", "build_type": "Release", "library_build_type": "x"}


def steps(workflow: str) -> dict[str, str]:
    """The `run: |` blocks by the name of their step."""
    found: dict[str, str] = {}
    name, indent, lines = "", None, []
    for line in [*workflow.splitlines(), ""]:
        if indent is not None and (not line.strip() or len(line) - len(line.lstrip()) > indent):
            lines.append(line.strip())
            found[name] = "\n".join(lines).strip()
            continue
        indent, lines = None, []
        if match := re.match(r"\s*- name: (.+)", line):
            name = match[1]
        elif re.match(r"\s*run: \|", line):
            indent = len(line) - len(line.lstrip())
    return found


@pytest.fixture
def checkout(tmp_path: Path, root: Path) -> Path:
    """A repository with the scripts in its first commit; the second may change the program."""
    head = tmp_path / "head"
    head.mkdir()
    for name in ("scripts", "docs"):
        shutil.copytree(root / name, head / name, ignore=shutil.ignore_patterns("__pycache__"))
    for module, quiet in QUIET.items():
        with (head / "scripts" / "poolmark_scripts" / "gate" / module).open("a") as file:
            file.write(quiet)
    (head / "results").mkdir()
    (head / "results" / "README.md").touch()
    (head / ".gitignore").write_text("/build/\n/results/*\n!/results/README.md\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "base"]):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@e", *arguments], cwd=head, check=True)
    (tmp_path / "bin").mkdir()
    for name, text in (("cmake", FAKE_CMAKE), ("fake-cc", FAKE_COMPILER)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    shutil.copy(HERE / "fake_gate.py", tmp_path / "bin")
    said = json.dumps({"cells": CELLS, "context": CONTEXT, "factors": {CELLS[1]: "FACTOR"}})
    (tmp_path / "bin" / "gate.json").write_text(said.replace('"FACTOR"', "FACTOR"))
    return head


def run_steps(checkout: Path, names: list[str]) -> tuple[list[int], str]:
    """Runs the named steps as GitHub would; their exit statuses and the job's summary."""
    blocks = steps((checkout / "docs" / "github-workflow.yml").read_text())
    base = subprocess.run(["git", "rev-list", "--max-parents=0", "HEAD"], cwd=checkout, capture_output=True, text=True)
    summary = checkout.parent / "summary.md"
    environment = {
        **os.environ, "BASE": base.stdout.strip(), "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_ACTIONS": "true",
        "FAKE_DATA": str(checkout.parent / "bin"), "PATH": f"{checkout.parent / 'bin'}:{os.environ['PATH']}",
    }  # fmt: skip
    statuses = []
    for name in names:
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", blocks[name]]
        statuses.append(subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.DEVNULL).returncode)
    return statuses, summary.read_text() if summary.exists() else ""


ALL = ["Judge", "Tell"]


def commit(checkout: Path, message: str) -> None:
    for arguments in (["add", "-A"], ["commit", "-q", "--allow-empty", "-m", message]):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@e", *arguments], cwd=checkout, check=True)


def test_the_workflow_has_the_steps_that_are_tested(root: Path) -> None:
    workflow = (root / "docs" / "github-workflow.yml").read_text()
    assert list(steps(workflow)) == ALL
    assert "\t" not in workflow


def test_a_head_without_change_passes(checkout: Path) -> None:
    commit(checkout, "head")
    statuses, summary = run_steps(checkout, ALL)
    assert statuses == [0, 0]
    assert summary.startswith("<!-- poolmark-gate -->")


def test_a_head_with_slower_threads_fails_at_the_gate(checkout: Path) -> None:
    (checkout / "slow_threads").touch()
    commit(checkout, "slow")
    statuses, summary = run_steps(checkout, ALL)
    assert statuses == [1, 0]
    assert CELLS[1] in summary and "1 of 2 cells regressed" in summary
