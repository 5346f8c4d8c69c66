"""What the tests of scripts/history have in common: the command on a history of their own, commits and reports."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Callable

import history_data
import pytest
from history_data import BANDS, CELL, cell, report
from poolmark_scripts import history

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def commits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A repository and its commits."""
    directory = tmp_path_factory.mktemp("commits")
    return directory, history_data.commits(directory, 60)


@pytest.fixture
def run(
    tmp_path: Path, commits: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs the command, in this process, on a history of the test's own."""

    def made(*arguments: object, repository: Path = commits[0], **environment: str) -> "subprocess.CompletedProcess[str]":
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        where = ("--history", tmp_path / "history.json", "--repository", repository)
        capsys.readouterr()
        try:
            status = history.main([str(argument) for argument in (*arguments, *where)])
        except SystemExit as ended:
            status = int(ended.code or 0)
        said = capsys.readouterr()
        return subprocess.CompletedProcess([], status, said.out, said.err)

    return made


@pytest.fixture
def one(tmp_path: Path, commits: tuple[Path, list[str]]) -> Path:
    """A report of the first commit."""
    return history_data.write(tmp_path / "one.json", report(commits[1][0], [cell(name, 1.01) for name in BANDS]))


@pytest.fixture(scope="session")
def slow_files(tmp_path_factory: pytest.TempPathFactory, commits: tuple[Path, list[str]]) -> list[Path]:
    """40 commits, every third not measured; CELL is 8 % slower from the 25th measured one on."""
    measured = [commit for index, commit in enumerate(commits[1]) if index % 3 != 1]
    level = lambda name, index: 1.08 if name == CELL and index >= 24 else 1.0  # noqa: E731
    return history_data.write_series(tmp_path_factory.mktemp("slow"), measured, level)


def kept(tmp_path: Path) -> dict[str, Any]:
    return json.loads((tmp_path / "history.json").read_text())


def entries(tmp_path: Path) -> list[dict[str, Any]]:
    return kept(tmp_path)["epochs"][-1]["entries"]
