"""The tables of scripts/bench: every number beside its uncertainty, aligned, and as much as the terminal holds."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import round_data
import sample_data
from poolmark_scripts import bench_report, results, units
from rich.console import Console


def report(document: dict[str, Any], folder: Path, width: int = 160) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False, emoji=False, markup=False)
    bench_report.print_report(results.load(sample_data.write(folder / "run.json", document)), console)
    return stream.getvalue()


def row(said: str, start: str) -> list[str]:
    return next(line.split() for line in said.splitlines() if line.split()[: len(start.split())] == start.split())


def test_numbers_stand_beside_their_uncertainty(tmp_path: Path) -> None:
    said = report(round_data.document(workers={"primes": [1, 2, 4]}), tmp_path)
    head = row(said, "executor")
    assert head == "executor pattern workers median ms ±95% speed-up ± eff. first Karp-Flatt ± rounds stopped".split()
    two = row(said, "thread map 2")
    assert two[3] == "378" and two[4] == "0.2%" and two[5:8] == ["1.97", "0.01", "99%"]
    assert two[10:] == ["0.015", "0.005", "12", "precise"]
    assert row(said, "thread map 4")[-3:] == ["-", "12", "precise"]
    assert "stopped: precise" in said and "one process" not in said


def test_old_files_say_what_their_intervals_lack(tmp_path: Path) -> None:
    said = report(sample_data.document(workers={"primes": [2]}), tmp_path)
    assert row(said, "executor")[-1] == "repetitions" and "stopped" not in said
    assert "All repetitions were taken in one process" in said


def test_few_rounds_have_no_interval(tmp_path: Path) -> None:
    two = row(report(round_data.document(rounds=3, workers={"primes": [2]}), tmp_path), "thread map 2")
    assert two[4] == "-" and two[5:7] == ["1.97", "98%"]


def test_a_narrow_terminal_shows_less(tmp_path: Path) -> None:
    said = report(round_data.document(workers={"primes": [2]}), tmp_path, width=90)
    assert row(said, "executor")[-1] == "first" and "Karp" not in said.split("Serial fraction")[0]
    assert len(next(line for line in said.splitlines() if line.startswith("executor"))) <= 90


def test_variants_are_named(tmp_path: Path) -> None:
    said = report(round_data.add_variants(round_data.document(workers={"primes": [2]}), chunk_factors={4: 1.0}), tmp_path)
    assert row(said, "thread map chunksize:4 2") and row(said, "process wait cold 2")


def test_a_run_that_was_disturbed_throughout_says_so(tmp_path: Path) -> None:
    made = round_data.document(rounds=6, workers={"primes": [2]})
    assert "were disturbed all the same" not in report(made, tmp_path)
    for entry in made["benchmarks"][::2]:
        entry.update(disturbed=1, disturbed_by="others used 31 % of the CPUs")
    assert "21 of the 42 samples that count were disturbed all the same, such as: others used 31 %" in report(made, tmp_path)


def test_failures_with_one_message_stand_together(tmp_path: Path) -> None:
    made = round_data.document(rounds=6, workers={"primes": [2]})
    names = ["sum/thread/map/workers:2", "sum/process/map/workers:2", "sum/process/map/workers:2"]
    made["failures"] = [{"name": name, "repetition_index": i, "message": "wrong sum"} for i, name in enumerate(names)]
    said = report(made, tmp_path)
    assert "sum/thread/map/workers:2, sum/process/map/workers:2 (2 times): wrong sum" in said


def test_a_column_has_one_unit() -> None:
    assert units.common_unit([378e6, 1.01e9]).name == "ms"
    assert units.common_unit([2.5e9, 1.5e9]).shown(2.5e9) == "2.50"
    assert units.common_unit([20.2e6, 640e6]).shown(640e6) == "640.0"
    assert units.common_unit([5e3, 1e6]) == units.Unit("us", 1e3, 2)
    assert units.common_unit([500.0, 1e3]).shown(500) == "500"


def test_a_function_that_prints_is_told_of_once(tmp_path: Path) -> None:
    document = round_data.document(workers={"primes": [2], "sum": [2]})
    for entry in document["benchmarks"]:
        if entry["workload"] == "primes":
            entry["stdout_bytes"] = 88
    said = report(document, tmp_path)
    assert said.count("writes to standard output") == 1
    assert "The function of primes writes to standard output, 88 bytes a batch" in said
    assert "standard output" not in report(round_data.document(workers={"primes": [2]}), tmp_path)


def test_what_could_not_be_measured_is_told_of(tmp_path: Path) -> None:
    document = round_data.document(workers={"primes": [2]})
    document["context"]["left_out"] = ["names/process is left out: its inputs [int] cannot cross."]
    assert "names/process is left out: its inputs [int] cannot cross." in report(document, tmp_path)
