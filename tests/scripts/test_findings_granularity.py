"""The sentence about task lengths comes only from a granularity run of the same build and machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import granularity_data
import pytest
import sample_data
from poolmark_scripts import granularity_results, results
from poolmark_scripts.findings_granularity import SAME, task_lengths


@pytest.fixture
def measured(tmp_path: Path) -> results.Results:
    return results.load(sample_data.write(tmp_path / "run.json", sample_data.document(repetitions=6, workers={"sum": [2]})))


def write(folder: Path, measured: results.Results, **changes: Any) -> Path:
    run = granularity_data.run({"thread/as_completed/workers:2": 200.0, "process/as_completed/workers:2": 4000.0})
    run.context.update({field: measured.context[field] for field in SAME}, **changes)
    path = folder / "granularity-latest.json"
    path.write_text(json.dumps(granularity_results.document(run)))
    return path


def test_the_sentence_of_the_same_build(measured: results.Results, tmp_path: Path) -> None:
    said = task_lengths(measured, write(tmp_path, measured))
    assert len(said) == 1 and "a process pool loses to a thread pool" in said[0]
    assert said[0].endswith("(scripts/granularity, same build and machine.)")


@pytest.mark.parametrize("change", [{"commit": "f" * 40}, {"host_name": "there"}, {"usable_cpus": 4}, {"dirty": True}])
def test_another_build_or_machine_says_nothing(change: dict[str, Any], measured: results.Results, tmp_path: Path) -> None:
    assert task_lengths(measured, write(tmp_path, measured, **change)) == []


def test_no_run_and_a_broken_file_say_nothing(measured: results.Results, tmp_path: Path) -> None:
    assert task_lengths(measured, tmp_path / "nothing.json") == []
    (tmp_path / "broken.json").write_text("{")
    assert task_lengths(measured, tmp_path / "broken.json") == []
