"""tests/examples/check_output.py: what it lets pass, and what it shows of what it does not."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[1] / "examples" / "check_output.py"
spec = importlib.util.spec_from_file_location("check_output", PROGRAM)
assert spec and spec.loader
check_output = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_output)


def differences(expected: str, got: str) -> list[str]:
    return check_output.differences(expected.splitlines(), got.splitlines())


@pytest.mark.parametrize(
    "expected, got",
    [
        ("a (b) [c] *", "a (b) [c] *"),
        ("{seconds}s for {number}", "  0.25s for 17"),
        ("<Future at {address} state={state}>", "<Future at 0x55e4 state=pending>"),
        ("<Future at {address} state={state}>", "<Future at 0x55e4 state=finished returned std::map<int, int>>"),
        ("{address a} {address b} {address a}", "0x1 0x2 0x1"),
        ("{address a}\n{address a}", "0x1\n0x1"),
        ("first\n~ b\n~ a {number}\nlast", "first\na 1\nb\nlast"),
    ],
)
def test_what_may_differ_passes(expected: str, got: str) -> None:
    assert differences(expected, got) == []


@pytest.mark.parametrize(
    "expected, got",
    [
        ("a.c", "abc"),
        ("{number}", "1.5"),
        ("state={state}>", "state=cancelled>"),
        ("{address a} {address a}", "0x1 0x2"),
        ("{address a}\n{address a}", "0x1\n0x2"),
        ("~ a\n~ b", "a\na"),
        ("b\na", "a\nb"),
        ("~ b\nlast\n~ a", "a\nlast\nb"),
        ("a\nb", "a"),
        ("a", "a\nb"),
        ("a", ""),
    ],
)
def test_what_must_not_differ_is_found(expected: str, got: str) -> None:
    assert differences(expected, got) != []


def test_only_the_wrong_line_is_shown_as_different() -> None:
    shown = differences("took {seconds}s\nsum 5\n~ x\n~ y", "took 0.1s\nsum 6\ny\nx")
    changed = [line for line in shown if line[:1] in "+-"]
    assert changed == ["- sum 5", "+ sum 6"]


def run(tmp_path: Path, expected: str, *arguments: str, shell: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "text.expected"
    path.write_text(expected)
    command = [sys.executable, PROGRAM, *arguments, path, "--", "/bin/sh", "-c", shell]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_exit_status_is_checked_too(tmp_path: Path) -> None:
    failed = run(tmp_path, "no\n", shell="echo no >&2; exit 2")
    assert failed.returncode == 1
    assert failed.stdout == "it ended with status 2, expected was 0\n"
    assert run(tmp_path, "no\n", "--status=2", shell="echo no >&2; exit 2").returncode == 0


def test_the_command_fails_for_another_text(tmp_path: Path) -> None:
    failed = run(tmp_path, "yes\n", shell="echo no")
    assert failed.returncode == 1
    assert failed.stdout.splitlines() == ["- yes", "+ no"]
