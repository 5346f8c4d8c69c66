"""scripts/history: what it shows and draws, and its command line."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import history_data
import pytest
from history_data import BANDS, CELL, REFERENCE, report
from history_fixtures import Run, commits, entries, one, run, slow_files  # noqa: F401
from poolmark_scripts import history, history_commits, history_file, history_findings, history_report


# ---- what is shown ---------------------------------------------------------------------------------------------


def test_a_slow_down_is_shown(run: Run, slow_files: list[Path], commits: tuple[Path, list[str]], tmp_path: Path) -> None:
    assert run("add", *slow_files[::-1]).returncode == 0  # the order is git's
    shown = run("show", "--json", tmp_path / "changes.json")
    assert shown.returncode == 1 and shown.stderr == "" and "\x1b" not in shown.stdout
    content = json.loads((tmp_path / "changes.json").read_text())
    assert content["exit_status"] == 1 and len(content["changes"]) == 1
    change = content["changes"][0]
    measured = [commit for index, commit in enumerate(commits[1]) if index % 3 != 1]
    assert change["cell"] == CELL and change["size"] == pytest.approx(0.08, abs=0.01)
    assert (change["last_before"], change["first_after"], change["commits"]) == (measured[23], measured[24], 1)
    assert change["p"] < 1e-6 and change["stands"] and not change["reference_rebuilt"]
    assert change["found_after"] == 5  # of 24 before it
    line = next(line for line in shown.stdout.splitlines() if CELL in line)
    assert f"in {measured[24][:7]}" in line and "5 measured" in line
    assert f"{measured[24][:7]}  Change 36" in shown.stdout.splitlines()
    assert shown.stdout.endswith("1 change point found, 1 slow-down still there at the end (exit 1)\n")
    assert run().stdout == shown.stdout  # show is what is done without a command


def test_how_it_lags(run: Run, slow_files: list[Path], tmp_path: Path, commits: tuple[Path, list[str]]) -> None:
    run("add", *slow_files[:20])
    shown = run("show", "--json", tmp_path / "x.json")
    content = json.loads((tmp_path / "x.json").read_text())
    last = json.loads(slow_files[19].read_text())["new"]["commit"]
    assert content["behind_head"] == 59 - commits[1].index(last) == 30
    assert f"the history is 30 commits behind HEAD ({commits[1][-1][:7]})" in shown.stdout
    assert content["commits_needed_next"] == 5 and "once 5 commits from it on are measured, at the latest" in shown.stdout
    assert shown.returncode == 0 and "no change point found, no slow-down is there at the end (exit 0)" in shown.stdout


def test_a_short_history_says_what_it_needs(run: Run, slow_files: list[Path]) -> None:
    run("add", *slow_files[:3])
    assert "4 measured commits on either side and 17 in all" in run().stdout


def test_without_git_there_is_no_lag_to_say(run: Run, slow_files: list[Path], tmp_path: Path) -> None:
    run("add", *slow_files[:3], repository=tmp_path)
    shown = run(repository=tmp_path)
    assert shown.returncode == 0 and "git does not tell how far HEAD is ahead" in shown.stdout
    assert "subject" not in entries(tmp_path)[0]


def test_a_repository_that_does_not_know_the_commits(run: Run, slow_files: list[Path], tmp_path: Path) -> None:
    history_data.commits(tmp_path / "other", 2)
    environment = {"GIT_AUTHOR_DATE": "2026-03-01T00:00:00+00:00", "GIT_COMMITTER_DATE": "2026-03-01T00:00:00+00:00"}
    subprocess.run(["git", "-C", tmp_path / "other", "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--amend",
                    "--allow-empty", "-m", "x"], check=True, env={**os.environ, **environment})  # fmt: skip
    run("add", *slow_files[2:4])
    shown = run(repository=tmp_path / "other")
    assert "no measured commit is among the first parents of HEAD" in shown.stdout


@pytest.mark.parametrize("end, status", [(1.0, 0), (1.02, 0), (1.05, 1), (1.2, 1)])
def test_a_slow_down_that_was_mended_is_none(
    end: float, status: int, commits: tuple[Path, list[str]], tmp_path: Path, run: Run
) -> None:
    """From 1 to 1.1 and then to `end`, with a tolerance of 3 %."""
    level = lambda name, index: 1.0 if name != CELL or index < 20 else 1.1 if index < 35 else end  # noqa: E731
    run("add", *history_data.write_series(tmp_path / "r", commits[1][:50], level))
    shown = run()
    assert "2 change points found" in shown.stdout
    assert shown.returncode == status, shown.stdout


def test_what_left_the_window_is_no_alarm(commits: tuple[Path, list[str]], tmp_path: Path, run: Run) -> None:
    level = lambda name, index: 1.2 if index >= 7 else 1.0  # noqa: E731
    run("add", *history_data.write_series(tmp_path / "r", commits[1], level))
    shown = run()
    assert shown.returncode == 0 and "looked at  the last 50 commits of each cell" in shown.stdout


def test_a_commit_range_and_a_rebuilt_reference(commits: tuple[Path, list[str]], tmp_path: Path, run: Run) -> None:
    level = lambda name, index: 1.1 if index >= 15 else 1.0  # noqa: E731
    files = history_data.write_series(tmp_path / "r", commits[1][::2], level)
    rebuilt = history_data.write_series(tmp_path / "s", commits[1][::2], level, base={"sha256": ("9" * 64,)})
    run("add", *files[:15], *rebuilt[15:])
    shown = run().stdout
    assert f"{commits[1][28][:7]}..{commits[1][30][:7]}, 2 commits" in shown
    assert f"note: just before {commits[1][30][:7]} the reference was built anew" in shown
    assert entries(tmp_path)[0]["seed"] == 1


@pytest.mark.parametrize("columns", [80, 100, 125])
def test_the_table_fits_the_width(columns: int, run: Run, slow_files: list[Path]) -> None:
    run("add", *slow_files)
    table = run(COLUMNS=str(columns)).stdout.split("\n\n")[1].splitlines()
    assert len(table) == 2
    assert all(len(line.rstrip()) <= columns and "…" not in line for line in table)
    assert ("level" in table[0]) == (columns >= 100) and ("found after" in table[0]) == (columns >= 125)


def test_the_worst_stands_first(commits: tuple[Path, list[str]]) -> None:
    change = history_findings.Change("c", 9, "a", "b", 3, 1.0, 1.1, 1e-4, 5, True, False)
    series = history_findings.Series("c", BANDS[CELL], (), (), tuple(
        history_findings.Change("c", 9, "a", "b", 3, 1.0, after, 1e-4, 5, stands, False)
        for after, stands in ((0.5, False), (1.1, True), (1.2, True))
    ))  # fmt: skip
    epoch = history_file.Epoch(REFERENCE, (), {})
    findings = history_findings.Findings(epoch, history_commits.Line(), (), (series,))
    assert [one.after for one in findings.changes] == [1.2, 1.1, 0.5]
    assert history_report.where(change) == "a..b, 3 commits" and history_report.sized(change.size) == "+10.0 %"


# ---- what is drawn, and the command line -----------------------------------------------------------------------


def test_drawn(run: Run, slow_files: list[Path], tmp_path: Path) -> None:
    run("add", *slow_files)
    drawn = run("draw", "-o", tmp_path / "new" / "picture.svg")
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stdout.splitlines() == [str(tmp_path / "new" / f"picture.{kind}") for kind in ("svg", "png")]
    first = (tmp_path / "new" / "picture.svg").read_bytes()
    assert run("draw").stdout.splitlines()[0] == str(tmp_path / "history.svg")
    assert (tmp_path / "history.svg").read_bytes() == first


def test_the_entry_point(root: Path, one: Path, tmp_path: Path) -> None:
    command = [root / "scripts" / "history"]
    there = ["--history", tmp_path / "history.json"]
    added = subprocess.run([*command, "add", one, *there], capture_output=True, text=True, check=False)
    assert added.returncode == 0 and "pinned aaaaaaa" in added.stdout, added.stderr
    shown = subprocess.run([*command, *there], capture_output=True, text=True, check=False)
    assert shown.returncode == 0 and shown.stdout.endswith("(exit 0)\n"), shown.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["add", "--help"], ["show", "-h"], ["draw", "--help"]])
def test_help_comes_before_any_set_up(arguments: list[str], root: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.write_text(
        f'#!/bin/bash\n[[ $1 == -c ]] && exit $(($# > 2))\nexport PYTHONPATH={root}/scripts\nexec /usr/bin/python3 -S "$@"\n'
    )
    bare.chmod(0o755)
    shown = subprocess.run([root / "scripts" / "history", *arguments], capture_output=True, text=True, check=False,
                           env={"PATH": "/usr/bin:/bin", "POOLMARK_PYTHON": str(bare)})  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("usage: scripts/history") and "examples:" in shown.stdout and "exit status:" in shown.stdout


def test_a_word_that_is_no_command(run: Run, one: Path) -> None:
    refused = run("drawn")
    assert refused.returncode == 2 and "'drawn'" in refused.stderr and "'draw'" in refused.stderr
    assert "unrecognized arguments: --pin" in run("add", one, "--pin").stderr  # options are written in full


def test_when_it_was_measured(tmp_path: Path) -> None:
    made = report("c" * 40, [], context={"date": ""})
    path = history_data.write(tmp_path / "r.json", made)
    os.utime(path, (1767225600, 1767225600))
    assert history.measured_at(path, made) == "2026-01-01T00:00:00+00:00"
    assert history.parser().parse_args(["show"]).history.name == "history.json"
