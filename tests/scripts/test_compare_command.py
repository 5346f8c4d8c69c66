"""scripts/compare as a user meets it: exit status, sentences, three formats."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Callable

import pytest
import sample_data

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SLOW = "primes/thread/map/workers:2"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Base, an equal run, and a run with one slow cell."""

    def write(name: str, seed: int, **options: Any) -> Path:
        content = sample_data.document(seed=seed, repetitions=9, workers=sample_data.QUICK_WORKERS, **options)
        return sample_data.write(tmp_path / name, content)

    slow = lambda name, _: 1.3 if name == SLOW else 1.0  # noqa: E731
    return write("base.json", 1), write("same.json", 2), write("slow.json", 3, factor=slow)


@pytest.fixture
def compare(root: Path) -> Run:
    def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [root / "scripts" / "compare", *map(str, arguments)],
            capture_output=True, text=True, env={**os.environ, **environment}, check=False,
        )

    return run


def test_exit_status(files: tuple[Path, Path, Path], compare: Run) -> None:
    base, same, slow = files
    assert compare(base, same).returncode == 0
    assert compare(base, slow).returncode == 1
    assert compare(base, slow, "--threshold", "50%").returncode == 0
    assert compare(base, slow, "--threshold=0.05", "--strict").returncode == 1


def test_text(files: tuple[Path, Path, Path], compare: Run) -> None:
    shown = compare(files[0], files[2])
    lines = [line for line in shown.stdout.splitlines() if line.startswith("regressed")]
    assert len(lines) == 1 and SLOW in lines[0]
    assert "Mann-Whitney" in shown.stdout and shown.stdout.rstrip().endswith("(exit 1)")
    assert "\x1b" not in shown.stdout and shown.stderr == ""


@pytest.mark.parametrize("columns", [80, 100, 140])
def test_the_table_fits_the_width(columns: int, files: tuple[Path, Path, Path], compare: Run) -> None:
    shown = compare(files[0], files[2], COLUMNS=str(columns)).stdout
    table = shown.split("\n\n")[1].splitlines()
    assert len(table) == 22
    assert all(len(line) <= columns and "…" not in line for line in table)


def test_markdown(files: tuple[Path, Path, Path], compare: Run) -> None:
    shown = compare(files[0], files[2], "--format", "markdown").stdout
    assert f"| **regressed** | `{SLOW}` |" in shown
    assert "<details><summary>20 unchanged cells</summary>" in shown
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1


def test_json_says_what_the_text_says(files: tuple[Path, Path, Path], compare: Run) -> None:
    shown = compare(files[0], files[2], "--format=json")
    content = json.loads(shown.stdout)
    assert content["exit_status"] == shown.returncode == 1
    assert content["counts"]["regressed"] == 1 and content["counts"]["unchanged"] == 20
    cell = next(cell for cell in content["cells"] if cell["name"] == SLOW)
    assert cell["verdict"] == "regressed" and cell["p"] < 0.05
    assert 1.25 < cell["ratio"]["low"] <= cell["ratio"]["ratio"] <= cell["ratio"]["high"] < 1.35
    assert compare(files[0], files[2], "--format=json").stdout == shown.stdout


def test_incomparable_files_are_refused_by_every_field(files: tuple[Path, Path, Path], compare: Run, tmp_path: Path) -> None:
    other = sample_data.document(
        workers=sample_data.QUICK_WORKERS, compiler="Clang 16", host_name="bench-2", usable_cpus=4, pool="cold",
        timeline=True, batches=20,
    )
    path = sample_data.write(tmp_path / "other.json", other)
    refused = compare(files[0], path)
    assert refused.returncode == 2 and refused.stdout == ""
    for field in ("machine: host_name is 'bench-1'", "machine: usable_cpus", "compiler: compiler", "settings: pool", "settings: batches", "settings: timeline"):
        assert field in refused.stderr
    assert refused.stderr.count(" in the base and ") == 6
    assert compare(files[0], path, "--across-machines").returncode == 0


@pytest.mark.parametrize("arguments", [[], ["--across-machines"]])
def test_other_work_is_refused(arguments: list[str], files: tuple[Path, Path, Path], compare: Run, tmp_path: Path) -> None:
    other = sample_data.document(workers=sample_data.QUICK_WORKERS, long=True)
    for entry in other["benchmarks"]:
        entry["tasks"] += entry["name"] == SLOW
    refused = compare(files[0], sample_data.write(tmp_path / "other.json", other), *arguments)
    assert refused.returncode == 2
    assert "work: long" in refused.stderr and f"work: tasks of {SLOW} is 20" in refused.stderr


def test_nothing_in_common(files: tuple[Path, Path, Path], compare: Run, tmp_path: Path) -> None:
    other = sample_data.document(workers={"sum": [3]})
    other["benchmarks"] = [entry for entry in other["benchmarks"] if entry["executor"] == "thread"]
    refused = compare(files[0], sample_data.write(tmp_path / "other.json", other))
    assert refused.returncode == 2 and "no cell in common" in refused.stderr


def test_unusable_files(files: tuple[Path, Path, Path], compare: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("")
    for arguments in ((tmp_path / "empty.json", files[0]), (files[0], tmp_path / "nowhere.json")):
        refused = compare(*arguments)
        assert refused.returncode == 2 and refused.stdout == ""
        assert refused.stderr.startswith("scripts/compare: ") and "Traceback" not in refused.stderr


@pytest.mark.parametrize("value", ["5", "0", "-1%", "five", "nan", "200%"])
def test_bad_thresholds(value: str, files: tuple[Path, Path, Path], compare: Run) -> None:
    refused = compare(files[0], files[1], f"--threshold={value}")
    assert refused.returncode == 2 and value in refused.stderr and "write 5% or 0.05" in refused.stderr


def test_help_shows_examples(compare: Run) -> None:
    shown = compare("--help")
    assert shown.returncode == 0 and "scripts/compare base.json head.json --threshold 10% --strict" in shown.stdout
