"""The commands of the ready workflow do what docs/ci.md says, on a checkout with two commits."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

# Stands for CMake: "builds" by putting the stand-in of the measuring program where the real one would be.
FAKE_CMAKE = """\
#!/bin/bash
mkdir -p build/release/bench
touch build/release/build.ninja
cp "$FAKE_SCALING_DATA/fake_scaling.py" build/release/bench/scaling
[[ -f slow_threads ]] && sed -i 's/"FAKE_SCALING_THREAD_FACTOR", "1"/"FAKE_SCALING_THREAD_FACTOR", "1.2"/' build/release/bench/scaling
[[ -f slow_threads ]] && sed -i 's/"FAKE_SCALING_SEED", "1"/"FAKE_SCALING_SEED", "2"/' build/release/bench/scaling
exit 0
"""


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
    (head / "results").mkdir()
    (head / "results" / "README.md").touch()
    (head / ".gitignore").write_text("/build/\n/results/*\n!/results/README.md\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "base"]):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@e", *arguments], cwd=head, check=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cmake").write_text(FAKE_CMAKE)
    (tmp_path / "bin" / "cmake").chmod(0o755)
    return head


def run_steps(checkout: Path, names: list[str]) -> tuple[list[int], str]:
    """Runs the named steps as GitHub would; their exit statuses and the job's summary."""
    blocks = steps((checkout / "docs" / "github-workflow.yml").read_text())
    base = subprocess.run(["git", "rev-list", "--max-parents=0", "HEAD"], cwd=checkout, capture_output=True, text=True)
    summary = checkout.parent / "summary.md"
    environment = {
        **os.environ, "BASE": base.stdout.strip(), "GITHUB_STEP_SUMMARY": str(summary),
        "FAKE_SCALING_DATA": str(HERE), "PATH": f"{checkout.parent / 'bin'}:{os.environ['PATH']}",
    }
    statuses = []
    for name in names:
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", blocks[name]]
        statuses.append(subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.DEVNULL).returncode)
    return statuses, summary.read_text() if summary.exists() else ""


ALL = ["Build base and head", "Measure base and head", "Compare", "Draw"]


def test_the_workflow_has_the_steps_that_are_tested(root: Path) -> None:
    workflow = (root / "docs" / "github-workflow.yml").read_text()
    assert list(steps(workflow)) == ALL
    assert "\t" not in workflow


def test_a_head_without_change_passes(checkout: Path) -> None:
    statuses, summary = run_steps(checkout, ALL)
    assert statuses == [0, 0, 0, 0]
    assert "no regression found (exit 0)" in summary
    assert (checkout / "results" / "base-and-head.svg").exists()


def test_a_head_with_slower_threads_fails_at_the_gate(checkout: Path) -> None:
    (checkout / "slow_threads").touch()
    statuses, summary = run_steps(checkout, ALL)
    assert statuses == [0, 0, 1, 0]
    regressed = re.findall(r"\*\*regressed\*\* \| `(\S+)`", summary)
    assert len(regressed) == 9 and all("/thread/" in name for name in regressed)
