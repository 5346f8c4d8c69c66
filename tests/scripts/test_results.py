"""A results file is read whole or refused with a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import jsonschema
import pytest
import sample_data
from poolmark_scripts import results

Document = dict[str, Any]


@pytest.fixture
def document() -> Document:
    return sample_data.document(repetitions=7)


def refusal(path: Path) -> str:
    with pytest.raises(results.ResultsError) as refused:
        results.load(path)
    assert str(path) in str(refused.value)
    return str(refused.value)


def test_the_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(results.SCHEMA_PATH.read_text()))


def test_a_valid_file_is_read(document: Document, tmp_path: Path) -> None:
    document["failures"] = [{"name": "sum/thread/map/workers:1", "repetition_index": 7, "message": "wrong"}]
    loaded = results.load(sample_data.write(tmp_path / "run.json", document))
    assert loaded.workloads() == ["primes", "sum", "sleep"]
    cell = loaded.cells["primes/process/as_completed/workers:2"]
    assert (cell.executor, cell.pattern, cell.workers, cell.task_count) == ("process", "as_completed", 2, 20)
    assert len(cell.real_times) == 7
    assert loaded.failures[0].message == "wrong"
    assert loaded.speedup(cell) == pytest.approx(1.93, abs=0.05)
    assert loaded.efficiency(cell) == pytest.approx(loaded.speedup(cell) / 2)
    assert loaded.is_cpu_bound("primes") and not loaded.is_cpu_bound("sleep")


def test_a_real_file_is_read(real_results: Path) -> None:
    loaded = results.load(real_results)
    pools = {f"sum/{e}/{p}/workers:2" for e in ("thread", "process") for p in ("map", "as_completed", "wait")}
    assert pools | {"sum/sequential/map/workers:1"} <= set(loaded.cells)
    assert loaded.cells["sum/process/wait/workers:2"].first_result is not None
    assert len(loaded.tasks["sum"]) == loaded.baseline("sum").task_count


def test_the_speedups_of_a_real_file_are_those_of_its_times(real_results: Path) -> None:
    loaded = results.load(real_results)
    for entry in json.loads(real_results.read_text())["benchmarks"]:
        baseline = loaded.baseline(entry["workload"]).median
        assert entry["speedup"] == pytest.approx(baseline / entry["real_time"])
        assert entry["efficiency"] == pytest.approx(entry["speedup"] / entry["workers"])


def test_repetitions_are_put_in_order(document: Document, tmp_path: Path) -> None:
    expected = results.load(sample_data.write(tmp_path / "a.json", document)).cells
    document["benchmarks"].reverse()
    assert results.load(sample_data.write(tmp_path / "b.json", document)).cells == expected


@pytest.mark.parametrize("text", ["", "  \n"])
def test_empty(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    assert "is empty" in refusal(tmp_path / "run.json")


def test_cut_off_anywhere(document: Document, tmp_path: Path) -> None:
    text = json.dumps(sample_data.document(repetitions=1, workers={"sum": [1]}))
    path = tmp_path / "run.json"
    for length in range(1, len(text), 7):
        path.write_text(text[:length])
        assert "is cut off" in refusal(path)


@pytest.mark.parametrize("content", [b"name,time\n", b"{'a': 1}", b"\xff\xfe\x00", b"null and void"])
def test_not_json(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(content)
    assert "is not JSON" in refusal(tmp_path / "run.json")


def test_no_such_file_and_directory(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "run.json")
    assert "is a directory" in refusal(tmp_path)


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda d: d.update(schema_version=2), "has schema_version 2; this poolmark reads 1"),
        (lambda d: d.update(schema_version="1"), "has schema_version '1'"),
        (lambda d: d.pop("schema_version"), "has no schema_version"),
        (lambda d: d.pop("benchmarks"), 'has no "benchmarks"'),
        (lambda d: d.pop("failures"), "'failures' is a required property"),
        (lambda d: d.update(partial="no"), "partial: 'no' is not of type 'boolean'"),
        (lambda d: d["context"].pop("compiler"), "context: 'compiler' is a required property"),
        (lambda d: d["context"].update(caches={}), "context.caches: {} is not of type 'array'"),
        (lambda d: d["benchmarks"][3].pop("workload"), "benchmarks[3]: 'workload' is a required property"),
        (lambda d: d["benchmarks"][3].update(real_time=float("nan")), "benchmarks[3].real_time is nan"),
        (lambda d: d["benchmarks"][3].update(speedup=float("inf")), "benchmarks[3].speedup is inf"),
        (lambda d: d["tasks"].update(sum=[float("-inf")]), "tasks.sum[0] is -inf"),
        (lambda d: d["benchmarks"][3].update(real_time=0), "benchmarks[3].real_time"),
        (lambda d: d["benchmarks"][3].update(time_unit="ms"), "benchmarks[3].time_unit"),
        (lambda d: d["benchmarks"][3].update(run_type="aggregate"), "benchmarks[3].run_type"),
        (lambda d: d["benchmarks"][3].update(stages=[1]), "benchmarks[3].stages"),
        (lambda d: d["benchmarks"][3].update(workers=2), "is called primes/sequential/map/workers:1 but"),
        (lambda d: d["benchmarks"][3].update(tasks=21), "different numbers of tasks"),
        (lambda d: d["benchmarks"].append(d["benchmarks"][3]), "with repetition_index 3 twice"),
        (
            lambda d: d["failures"].append(
                {"name": d["benchmarks"][0]["name"], "repetition_index": 0, "message": "m"}
            ),
            "has a time and a failure",
        ),
    ],
)
def test_refused(change: Callable[[Document], Any], said: str, document: Document, tmp_path: Path) -> None:
    change(document)
    assert said in refusal(sample_data.write(tmp_path / "run.json", document))


def test_an_overflowing_number_is_not_finite(document: Document, tmp_path: Path) -> None:
    text = json.dumps(document).replace('"cpu_time": 120000.0', '"cpu_time": 1e999', 1)
    (tmp_path / "run.json").write_text(text)
    assert "cpu_time is inf" in refusal(tmp_path / "run.json")


@pytest.mark.parametrize("text", ["[]", "3", '"benchmarks"'])
def test_json_of_another_kind(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    assert "not a results file" in refusal(tmp_path / "run.json")
