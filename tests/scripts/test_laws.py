"""Speed-up, efficiency and serial fraction with their intervals, and the laws that points may identify."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import sample_data
from poolmark_scripts import laws, results, scaling_law
from poolmark_scripts.results import Results
from poolmark_scripts.scaling_law import Law, Unidentified

COUNTS = (1, 2, 3, 4, 6, 8, 12, 16)


@pytest.fixture
def measured(tmp_path: Path) -> Results:
    return results.load(sample_data.write(tmp_path / "run.json", sample_data.document()))


def times(alpha: float, beta: float, counts: tuple[int, ...] = COUNTS, *, noise: float = 0.004, rounds: int = 12,
          seed: int = 3) -> dict[int, list[float]]:  # fmt: skip
    """Wall times by the law, one second for one worker."""
    rng = np.random.default_rng(seed)
    return {
        n: [1e9 * (1 + alpha * (n - 1) + beta * n * (n - 1)) / n * math.exp(e) for e in rng.normal(0, noise, rounds)]
        for n in counts
    }


def test_a_speedup_has_the_loop_and_an_interval(measured: Results) -> None:
    cell = measured.cells["primes/thread/map/workers:2"]
    found = laws.speedup(measured, cell)
    assert found is not None and found.median == pytest.approx(measured.speedup(cell))
    assert found.low < found.median < found.high and found.half_width < 0.01


def test_the_loop_is_its_own_measure(measured: Results) -> None:
    found = laws.speedup(measured, measured.cells["primes/sequential/map/workers:1"])
    assert found is not None and (found.low, found.median, found.high) == (1, 1, 1)


def test_relative_speedup_is_against_one_worker(measured: Results) -> None:
    one, two = (measured.cells[f"primes/process/map/workers:{count}"] for count in (1, 2))
    found = laws.relative_speedup(two, one)
    assert found is not None and found.median == pytest.approx(one.median / two.median)


def test_efficiency_is_speedup_a_worker(measured: Results) -> None:
    cell = measured.cells["primes/thread/map/workers:4"]
    speedup, efficiency = laws.speedup(measured, cell), laws.efficiency(measured, cell)
    assert efficiency is not None and speedup is not None
    assert (efficiency.low * 4, efficiency.high * 4) == pytest.approx((speedup.low, speedup.high))


def test_karp_and_flatt(measured: Results) -> None:
    assert laws.serial_fraction(1.9, 2) == pytest.approx(0.0526, abs=1e-4)
    cell = measured.cells["primes/thread/map/workers:2"]
    found, speedup = laws.karp_flatt(measured, cell), laws.speedup(measured, cell)
    assert found is not None and speedup is not None and found.low < found.median < found.high
    assert found.low == pytest.approx(laws.serial_fraction(speedup.high, 2))


def test_karp_and_flatt_need_a_cpu_a_worker(measured: Results) -> None:
    assert laws.karp_flatt(measured, measured.cells["primes/thread/map/workers:4"]) is None
    assert laws.karp_flatt(measured, measured.cells["primes/thread/map/workers:1"]) is None
    assert laws.karp_flatt(measured, measured.cells["sleep/thread/map/workers:8"]) is not None


def test_too_few_rounds_have_no_interval(tmp_path: Path) -> None:
    few = results.load(sample_data.write(tmp_path / "few.json", sample_data.document(repetitions=5)))
    cell = few.cells["primes/thread/map/workers:2"]
    assert laws.speedup(few, cell) is None and laws.karp_flatt(few, cell) is None


@pytest.mark.parametrize("rounds", [6, 9, 20])
def test_the_interval_of_a_ratio_covers_it(rounds: int) -> None:
    rng = np.random.default_rng(rounds)
    covered, tries = 0, 200
    for attempt in range(tries):
        # A neighbour now and then: noise with one sign. Both have the same median, so the true ratio is 1.
        one, other = (np.exp(rng.normal(0, 0.004, rounds) + rng.exponential(0.01, rounds)) for _ in "ab")
        found = laws.quotient(one, other, (f"one {attempt}", f"other {attempt}"))
        assert found is not None
        covered += found.contains(1.0)
    assert 0.93 <= covered / tries <= 0.995


def test_amdahl_is_recovered() -> None:
    found = scaling_law.identify(times(0.05, 0.0), usable_cpus=16)
    assert isinstance(found, Law) and found.name == "Amdahl" and found.peak is None
    alpha = found.parameters["alpha"]
    assert alpha.contains(0.05) and alpha.high - alpha.low < 0.005


def test_the_universal_law_is_recovered() -> None:
    found = scaling_law.identify(times(0.03, 0.01), usable_cpus=16)
    assert isinstance(found, Law) and found.name == "USL"
    assert found.parameters["alpha"].contains(0.03) and found.parameters["beta"].contains(0.01)
    assert found.peak is not None and found.peak.contains(math.sqrt(0.97 / 0.01))


def test_one_spoilt_point_does_not_move_the_law() -> None:
    points = times(0.05, 0.0)
    points[6] = [time * 1.15 for time in points[6]]
    found = scaling_law.identify(points, usable_cpus=16)
    assert isinstance(found, Law) and found.parameters["alpha"].median == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("alpha", [0.0, 1e-5])
@pytest.mark.parametrize("seed", range(5))
def test_nearly_linear_data_have_no_limit(alpha: float, seed: int) -> None:
    found = scaling_law.identify(times(alpha, 0.0, seed=seed, noise=0.02), usable_cpus=16)
    assert isinstance(found, Unidentified) and "cannot be told from linear" in found.reason


def test_a_peak_needs_a_point_beyond_it() -> None:
    found = scaling_law.identify(times(0.01, 0.002, noise=0.001), usable_cpus=16)
    assert isinstance(found, Unidentified) and "still rising at 16 workers" in found.reason


def test_workers_without_a_cpu_are_not_fitted() -> None:
    few = scaling_law.identify(times(0.05, 0.0), usable_cpus=3)
    assert isinstance(few, Unidentified)
    assert few.reason.startswith("three worker counts within the 3 usable CPUs (1, 2 and 3) do not identify a law")


@pytest.mark.parametrize(
    "counts, said",
    [
        ((1, 2), "two worker counts within the 2 usable CPUs (1 and 2) do not identify a law of scaling"),
        ((2,), "one worker count within the 2 usable CPUs (2) does not identify a law of scaling"),
        ((4, 8), "no worker count within the 2 usable CPUs was measured"),
    ],
)
def test_two_cpus_identify_nothing(counts: tuple[int, ...], said: str) -> None:
    found = scaling_law.identify(times(0.05, 0.0, counts), usable_cpus=2)
    assert isinstance(found, Unidentified) and found.reason.startswith(said)


def test_four_points_that_no_simple_law_explains() -> None:
    found = scaling_law.identify(times(0.1, 0.05, (1, 2, 3, 4), noise=0.001), usable_cpus=4)
    assert isinstance(found, Unidentified) and "(1" not in found.reason
    assert "the points at 1, 2, 3 and 4 workers follow none of the laws" in found.reason


@pytest.mark.parametrize("seed", range(12))
def test_five_points_of_amdahls_are_not_bent_by_their_noise(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling_law, "DRAWS", 20)  # which law it is does not depend on the intervals
    found = scaling_law.identify(times(0.08, 0.0, (1, 2, 3, 4, 5), rounds=8, seed=seed), usable_cpus=8)
    assert isinstance(found, Law) and found.name == "Amdahl"
