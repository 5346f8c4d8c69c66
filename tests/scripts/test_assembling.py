"""From a journal to a results file, and what is said of it at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sample_data
from poolmark_scripts import assembling, results, round_summary
from poolmark_scripts.rounds import Samples
from poolmark_scripts.stopping import Stop

BASELINE, POOL = "sum/sequential/map/workers:1", "sum/thread/map/workers:2"
HEADER = {"context": sample_data.context(), "preset": "quick", "seed": 7, "budget_s": 45.0}
MACHINE = {"foreign": 0.01, "steal": 0.0, "throttled_s": 0.0, "load": 0.5}


def entry(name: str, real_time: float) -> dict[str, Any]:
    content = sample_data.document(repetitions=1, workers={"sum": [2]})
    (found,) = [entry for entry in content["benchmarks"] if entry["name"] == name]
    return {**found, "real_time": real_time, "iterations": 2}


def line(index: int, number: int, name: str, real_time: float, **more: Any) -> dict[str, Any]:
    return {
        "round": number, "index": index, "name": name, "started_s": 2.0 * index, "wall_s": 1.5, "status": "ok",
        "reasons": [], "entry": entry(name, real_time), **MACHINE, **more,
    }  # fmt: skip


@pytest.fixture
def samples() -> Samples:
    """Two rounds; the pool was disturbed in the second and measured again, and something else has crashed."""
    made = Samples([POOL, BASELINE, "sum/process/map/workers:2"])
    disturbed = {"status": "disturbed", "reasons": ["others used 31% of the CPUs"]}
    made.add(line(0, 1, BASELINE, 4e8, tasks={"sum": [1e8, 3e8]}))
    made.add(line(1, 1, POOL, 2e8))
    made.add({"round": 1, "index": 2, "name": made.cells[2], "started_s": 4.0, "wall_s": 1.0, "status": "failed",
              "reasons": [], "message": "was killed by SIGSEGV"})  # fmt: skip
    made.add(line(3, 2, POOL, 9e8, **disturbed))
    made.add(line(4, 2, BASELINE, 6e8, tasks={"sum": [2e8, 5e8]}, **disturbed))
    made.add(line(5, 2, POOL, 3e8))
    return made


@pytest.fixture
def document(samples: Samples) -> dict[str, Any]:
    stops = {POOL: Stop("precise", 2, 0.004), BASELINE: Stop("budget", 2, None), samples.cells[2]: Stop("failed", 0, None)}
    return assembling.assemble(HEADER, samples, stops, elapsed_s=10.0, partial=False)


def test_it_is_a_results_file(document: dict[str, Any], tmp_path: Path) -> None:
    found = results.load(sample_data.write(tmp_path / "run.json", document))
    assert found.cells[POOL].real_times == (2e8, 3e8) and found.cells[BASELINE].median == 5e8
    assert found.speedup(found.cells[POOL]) == 2.0
    assert found.tasks == {"sum": [1.5e8, 4e8]}
    assert [(f.name, f.repetition_index, f.message) for f in found.failures] == [
        ("sum/process/map/workers:2", 0, "was killed by SIGSEGV")
    ]


def test_entries_say_where_they_stand_in_the_run(document: dict[str, Any]) -> None:
    keys = ("name", "family_index", "repetition_index", "repetitions", "round", "order", "started_s")
    assert [tuple(entry[key] for key in keys) for entry in document["benchmarks"]] == [
        (POOL, 0, 0, 2, 1, 1, 2.0), (POOL, 0, 1, 2, 2, 5, 10.0), (BASELINE, 1, 0, 2, 1, 0, 0.0), (BASELINE, 1, 1, 2, 2, 4, 8.0),
    ]  # fmt: skip
    assert all(entry[key] == value for entry in document["benchmarks"] for key, value in MACHINE.items())


def test_speedups_are_those_of_the_medians(document: dict[str, Any]) -> None:
    assert [entry["speedup"] for entry in document["benchmarks"][:2]] == [2.5, pytest.approx(5 / 3)]
    assert [entry["efficiency"] for entry in document["benchmarks"][:2]] == [1.25, pytest.approx(5 / 6)]


def test_without_a_baseline_there_is_no_speedup(samples: Samples) -> None:
    alone = Samples([POOL])
    for measured in samples.lines:
        if measured["name"] == POOL:
            alone.add(measured)
    document = assembling.assemble(HEADER, alone, {}, 10.0, partial=True)
    assert not any("speedup" in entry or "efficiency" in entry for entry in document["benchmarks"])
    assert document["partial"] is True and document["tasks"] == {}


def test_what_was_disturbed_is_kept(document: dict[str, Any]) -> None:
    (repeated,) = document["disturbed"]
    assert (repeated["name"], repeated["round"], repeated["real_time"]) == (POOL, 2, 9e8)
    assert repeated["reasons"] == ["others used 31% of the CPUs"] and "repetition_index" not in repeated
    marked = [entry for entry in document["benchmarks"] if "disturbed" in entry]
    assert [(entry["name"], entry["disturbed"], entry["disturbed_by"]) for entry in marked] == [
        (BASELINE, 1, "others used 31% of the CPUs")
    ]


def test_the_context_says_how_it_was_measured(document: dict[str, Any]) -> None:
    context = document["context"]
    assert {key: context[key] for key in ("rounds", "repetitions", "preset", "seed", "budget_s", "processes")} == {
        "rounds": 2, "repetitions": 2, "preset": "quick", "seed": 7, "budget_s": 45.0, "processes": 6,
    }  # fmt: skip
    assert context["measured_share"] == pytest.approx(2 * (4 + 2 + 9 + 6 + 3) / 10 / 10)
    assert document["stops"] == {
        POOL: {"reason": "precise", "rounds": 2, "half_width": 0.004}, BASELINE: {"reason": "budget", "rounds": 2},
        "sum/process/map/workers:2": {"reason": "failed", "rounds": 0},
    }  # fmt: skip


@pytest.mark.parametrize(
    "where, value", [(("stops", POOL, "reason"), "bored"), (("disturbed", 0, "reasons"), []), (("context", "preset"), "slow")]
)
def test_the_schema_knows_the_new_fields(where: tuple, value: Any, document: dict[str, Any]) -> None:
    schema = json.loads(results.SCHEMA_PATH.read_text())
    jsonschema.validate(document, schema)
    inner = document
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_completions_and_latencies_are_combined() -> None:
    samples = Samples([POOL])
    for number, (ns, count) in enumerate([(10.0, 100), (30.0, 1000), (20.0, 100)], 1):
        quantiles = [0.5, 0.9, 0.99, 1] if count == 1000 else [0.5, 0.9, 1]
        samples.add(line(
            number, number, POOL, 1e8, completions={POOL: {"k": [1, 2], "ns": [ns, 2 * ns]}},
            latencies={POOL: {"count": count, "quantiles": quantiles, "ns": [ns * (1 + i) for i in range(len(quantiles))]}},
        ))  # fmt: skip
    document = assembling.assemble(HEADER, samples, {}, 10.0, partial=False)
    assert document["completions"] == {POOL: {"k": [1, 2], "ns": [20.0, 40.0]}}
    assert document["latencies"] == {POOL: {"count": 1200, "quantiles": [0.5, 0.9, 0.99, 1], "ns": [30.0, 60.0, 90.0, 120.0]}}


def test_quantiles_are_of_the_tasks_of_all_samples() -> None:
    samples = Samples([POOL])
    for number in range(1, 7):
        each = [float(20 * k + number) for k in range(20)]  # 1 .. 6, 21 .. 26, ... 381 .. 386
        samples.add(line(
            number, number, POOL, 1e8,
            latencies={POOL: {"count": 20, "quantiles": [0.5, 1], "ns": [each[9], 500.0 + number], "each": each}},
        ))  # fmt: skip
    document = assembling.assemble(HEADER, samples, {}, 10.0, partial=False)
    # The 60th and the 108th of 120; the longest may be of a batch that `each` does not tell of.
    assert document["latencies"] == {POOL: {"count": 120, "quantiles": [0.5, 0.9, 1], "ns": [186.0, 346.0, 506.0]}}


@pytest.mark.parametrize(
    "pairs, expected", [([(5.0, 1)], 5.0), ([(1.0, 1), (3.0, 1)], 2.0), ([(3.0, 3), (1.0, 1)], 3.0), ([(1.0, 2), (2.0, 1), (9.0, 1)], 1.5)]
)
def test_weighted_medians(pairs: list[tuple[float, int]], expected: float) -> None:
    assert assembling.weighted_median(pairs) == expected


def test_the_summary(document: dict[str, Any]) -> None:
    assert round_summary.summary(document) == [
        f"1 cell precise (the median is known to ±1% or better): {POOL}",
        f"1 cell stopped by the budget: {BASELINE} (too few for an interval after 2 rounds)",
        "1 cell failed: sum/process/map/workers:2",
        f"1 sample disturbed and repeated (others used 31% of the CPUs): {POOL} (round 2)",
        f"1 sample disturbed, but counted and marked in the file (others used 31% of the CPUs): {BASELINE}",
    ]
    assert round_summary.closing(document, 125.0) == "6 processes in 2 rounds, 2:05, 48% of it measuring"


def test_reasons_are_said_once_with_their_range() -> None:
    sentences = ["others used 31% of the CPUs", "others used 8% of the CPUs", "the CPU quota stopped it for 90 ms"]
    assert round_summary._reasons(sentences) == "others used 8 to 31% of the CPUs; the CPU quota stopped it for 90 ms"
