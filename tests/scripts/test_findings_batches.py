"""Sentences about ways of collecting, chunk sizes, and cold pools, from documents as runs in rounds make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import round_data
import sample_data
from poolmark_scripts import findings_batches, results, verdicts
from poolmark_scripts.findings import findings
from poolmark_scripts.results import Results
from poolmark_scripts.verdicts import Verdict

TWO = {"primes": [1, 2]}


def load(document: dict[str, Any], folder: Path) -> Results:
    return results.load(sample_data.write(folder / "run.json", document))


def text(measured: Results, workload: str) -> str:
    return "\n".join(findings(measured, workload))


def test_skewed_tasks_show_what_the_ordered_map_keeps_back(tmp_path: Path) -> None:
    made = round_data.add_views(round_data.add_skewed(round_data.document(workers=TWO)))
    said = text(load(made, tmp_path), "skewed")
    assert "as_completed gives the first result after 4.0" in said
    assert "times sooner than map (24." in said or "times sooner than map (25." in said
    assert "12 of the 25 results are in the caller's hands after 48.0 ms by as_completed, after 100 ms by map" in said


def test_equal_tasks_say_nothing_of_what_is_kept_back(tmp_path: Path) -> None:
    said = text(load(round_data.add_views(round_data.document(workers={"sleep": [2]})), tmp_path), "sleep")
    assert "as_completed" in said and "in the caller's hands" not in said


@pytest.mark.parametrize(
    "factors, said",
    [
        ({1: 1.001, 4: 0.999}, "no difference seen between auto, 1 and 4 (if there is one, it is below "),
        ({1: 1.2, 4: 1.0}, " with no difference seen between them; 1 takes "),
        ({1: 1.2, 4: 0.8}, "4 is best, 302 ms a batch; 1 takes 50% longer ("),
        ({1: 4.0, 4: 1.3}, "auto is best, 378 ms a batch; 1 takes 4.0"),
    ],
)
def test_the_best_chunk_size(factors: dict[int, float], said: str, tmp_path: Path) -> None:
    measured = load(round_data.add_variants(round_data.document(workers=TWO), chunk_factors=factors), tmp_path)
    sentences = [one for one in findings(measured, "primes") if one.startswith("Chunk size of map (thread pool, 2 workers)")]
    assert len(sentences) == 1 and said in sentences[0]


def test_no_chunk_size_is_named_without_a_sweep(tmp_path: Path) -> None:
    assert "Chunk size" not in text(load(round_data.document(workers=TWO), tmp_path), "primes")


def test_too_few_rounds_name_no_chunk_size(tmp_path: Path) -> None:
    made = round_data.add_variants(round_data.document(rounds=4, workers=TWO), chunk_factors={4: 2.0})
    assert "measured too seldom to name the best" in text(load(made, tmp_path), "primes")


def test_what_making_a_pool_costs_and_when_it_has_paid(tmp_path: Path) -> None:
    measured = load(round_data.add_variants(round_data.document(workers={"sum": [1, 2]})), tmp_path)
    warm = measured.cells["sum/process/map/workers:2"]
    made = findings_batches.making(measured, warm, measured.cells[warm.name + "/cold"])
    assert made.cost_interval is not None and made.cost_interval.contains(6e6)
    assert made.paid is not None and made.paid.low < made.paid.median < made.paid.high
    assert made.paid.median == pytest.approx(made.cost / (1 - 1 / measured.speedup(warm)))
    said = text(measured, "sum")
    assert "Making and shutting down the process pool of 2 workers costs 6." in said or "costs 5.9" in said
    assert "it has paid for itself after 12." in said


def test_a_cost_below_the_noise_is_not_named(tmp_path: Path) -> None:
    made = round_data.add_variants(round_data.document(workers=TWO, noise=0.02))
    assert "costs less than this run can see (at most " in text(load(made, tmp_path), "primes")


def test_a_pool_that_is_not_faster_never_pays(tmp_path: Path) -> None:
    made = round_data.add_variants(round_data.document(workers={"sum": [1]}))
    assert "nothing says that it pays for itself" in text(load(made, tmp_path), "sum")


def test_cold_cells_do_not_compete(tmp_path: Path) -> None:
    made = round_data.add_variants(round_data.document(workers=TWO))
    for entry in made["benchmarks"]:
        if entry["pool"] == "cold":
            entry["real_time"] /= 3
    measured = load(made, tmp_path)
    assert all(cell.pool == "warm" for cell in verdicts.warm_or_all(measured, "primes"))
    assert findings(measured, "primes")[0].startswith("Take the thread pool, 2 workers, map: 378 ms")


@pytest.mark.parametrize(
    "factor, noise, verdict",
    [
        (1.1, 0.004, Verdict.LONGER),
        (0.9, 0.004, Verdict.SHORTER),
        (1.0, 0.002, Verdict.SAME),
        (1.005, 0.0005, Verdict.SAME),
        (0.97, 0.08, Verdict.UNTOLD),
    ],
)
def test_verdicts(factor: float, noise: float, verdict: Verdict) -> None:
    from numpy.random import default_rng

    rng = default_rng(7)
    one, other = (tuple(rng.lognormal(0, noise, 12)) for _ in range(2))
    assert verdicts.compare_times([factor * t for t in one], other, ("one", "other")).verdict is verdict
    assert verdicts.compare_times(one[:5], other, ("one", "other")).verdict is Verdict.TOO_FEW_ROUNDS
