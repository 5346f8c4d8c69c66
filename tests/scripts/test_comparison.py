"""Which verdict a cell gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
import round_data
import sample_data
from poolmark_scripts import comparison, results
from poolmark_scripts.comparison import Verdict

Document = dict[str, Any]
THREAD_MAP = "primes/thread/map/workers:2"


def loaded(path: Path, document: Document) -> results.Results:
    return results.load(sample_data.write(path, document))


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., comparison.Comparison]:
    """Compares a usual base with a new run; `factor` slows samples, `change` edits the documents."""

    def run(
        factor: sample_data.Factor = lambda name, repetition: 1.0,
        change: Callable[[Document, Document], Any] = lambda base, new: None,
        repetitions: int = 9,
        threshold: float = 0.05,
        across_machines: bool = False,
        noise: float = 0.004,
        **context: Any,
    ) -> comparison.Comparison:
        common: dict[str, Any] = {"repetitions": repetitions, "workers": sample_data.QUICK_WORKERS, "noise": noise}
        base = sample_data.document(seed=1, **common)
        new = sample_data.document(seed=2, factor=factor, **common, **context)
        change(base, new)
        return comparison.compare(
            loaded(tmp_path / "base.json", base), loaded(tmp_path / "new.json", new), threshold, across_machines
        )

    return run


def named(made: comparison.Comparison, verdict: Verdict) -> set[str]:
    return {row.name for row in made.rows if row.verdict is verdict}


def drop(name: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        document["benchmarks"] = [entry for entry in document["benchmarks"] if entry["name"] != name]

    return change


def test_two_runs_of_one_build(judge: Callable[..., comparison.Comparison]) -> None:
    made = judge()
    assert made.count(Verdict.UNCHANGED) == len(made.rows) == 21
    assert made.exit_status(strict=True) == 0


def test_slower_thread_cells_are_named_and_no_others(judge: Callable[..., comparison.Comparison]) -> None:
    made = judge(lambda name, _: 1.2 if "/thread/" in name else 1.0)
    assert named(made, Verdict.REGRESSED) == {row.name for row in made.rows if "/thread/" in row.name}
    assert made.exit_status(strict=False) == 1
    assert made.rows[0].verdict is Verdict.REGRESSED  # what needs attention stands first


def test_the_threshold_is_part_of_the_hypothesis(judge: Callable[..., comparison.Comparison]) -> None:
    slowed = lambda name, _: 1.08 if name == THREAD_MAP else 1.0  # noqa: E731
    assert named(judge(slowed), Verdict.REGRESSED) == {THREAD_MAP}
    assert named(judge(slowed, threshold=0.15), Verdict.UNCHANGED) >= {THREAD_MAP}


def test_faster_cells_are_improved(judge: Callable[..., comparison.Comparison]) -> None:
    made = judge(lambda name, _: 0.8 if name == THREAD_MAP else 1.0)
    assert named(made, Verdict.IMPROVED) == {THREAD_MAP}
    assert made.exit_status(strict=True) == 0


def test_swapping_the_files_turns_the_verdict(tmp_path: Path) -> None:
    slow = lambda name, _: 1.2 if name == THREAD_MAP else 1.0  # noqa: E731
    base = loaded(tmp_path / "a.json", sample_data.document(seed=1, workers=sample_data.QUICK_WORKERS))
    new = loaded(tmp_path / "b.json", sample_data.document(seed=2, workers=sample_data.QUICK_WORKERS, factor=slow))
    assert named(comparison.compare(base, new, 0.05), Verdict.REGRESSED) == {THREAD_MAP}
    assert named(comparison.compare(new, base, 0.05), Verdict.IMPROVED) == {THREAD_MAP}


def test_a_slower_machine_is_not_a_regression(judge: Callable[..., comparison.Comparison]) -> None:
    made = judge(lambda name, _: 1.0 if name.startswith("sleep") else 1.12)
    assert not named(made, Verdict.REGRESSED)
    assert any("ran 12% slower" in note for note in made.notes)


def test_a_busy_cpu_is_not_a_regression(judge: Callable[..., comparison.Comparison]) -> None:
    parallel = lambda name, _: 1.0 if "/sequential/" in name or name.startswith("sleep") else 1.5  # noqa: E731
    made = judge(parallel)
    assert not named(made, Verdict.REGRESSED)
    row = next(row for row in made.rows if row.name == THREAD_MAP)
    assert row.verdict is Verdict.UNDECIDED and "the other executors slowed down with it" in row.reason
    assert made.exit_status(strict=False) == 0
    assert made.exit_status(strict=True) == 2


def test_slower_sequential_code_is_seen(judge: Callable[..., comparison.Comparison]) -> None:
    made = judge(lambda name, _: 1.2 if name.startswith("primes/") else 1.0)
    assert named(made, Verdict.REGRESSED) == {"primes/sequential/map/workers:1"}


def test_few_repetitions_are_undecided(judge: Callable[..., comparison.Comparison]) -> None:
    made = judge(lambda name, _: 1.5 if "/thread/" in name else 1.0, repetitions=6)
    assert made.count(Verdict.UNDECIDED) == len(made.rows)
    assert "6 repetitions; at least 7" in made.rows[0].reason
    assert (made.exit_status(strict=False), made.exit_status(strict=True)) == (0, 2)


def test_seven_repetitions_are_enough(judge: Callable[..., comparison.Comparison]) -> None:
    made = judge(lambda name, _: 1.2 if "/thread/" in name else 1.0, repetitions=7)
    assert len(named(made, Verdict.REGRESSED)) == 9


def test_a_wide_interval_is_undecided(judge: Callable[..., comparison.Comparison]) -> None:
    made = judge(noise=0.2)
    assert made.count(Verdict.UNDECIDED) > 15
    assert any("too wide" in row.reason for row in made.rows)
    assert made.exit_status(strict=False) == 0


def test_too_many_cells_for_so_few_repetitions(tmp_path: Path) -> None:
    many = {"primes": list(range(1, 41))}
    slow = lambda name, _: 1.5 if "/thread/" in name else 1.0  # noqa: E731
    base = loaded(tmp_path / "a.json", sample_data.document(seed=1, repetitions=7, workers=many))
    new = loaded(tmp_path / "b.json", sample_data.document(seed=2, repetitions=7, workers=many, factor=slow))
    made = comparison.compare(base, new, 0.05)
    row = next(row for row in made.rows if row.name == THREAD_MAP)
    assert row.verdict is Verdict.UNDECIDED and "too few repetitions to judge 241 cells at once" in row.reason


def test_a_missing_cell_is_never_faster(judge: Callable[..., comparison.Comparison]) -> None:
    made = judge(change=lambda base, new: drop(THREAD_MAP)(new))
    assert named(made, Verdict.MISSING) == {THREAD_MAP}
    assert made.rows[0].reason == "the new run did not measure it"
    assert made.exit_status(strict=False) == 1


def test_a_cell_missing_from_a_partial_file_says_so(judge: Callable[..., comparison.Comparison]) -> None:
    def interrupt(base: Document, new: Document) -> None:
        drop(THREAD_MAP)(new)
        new["partial"] = True

    made = judge(change=interrupt)
    assert "partial" in made.rows[0].reason and made.exit_status(strict=False) == 1
    assert "The new file is partial: its run was interrupted." in made.notes


def test_a_failed_repetition_fails_the_cell(judge: Callable[..., comparison.Comparison]) -> None:
    def fail(base: Document, new: Document) -> None:
        new["benchmarks"] = [e for e in new["benchmarks"] if (e["name"], e["repetition_index"]) != (THREAD_MAP, 3)]
        new["failures"] = [{"name": THREAD_MAP, "repetition_index": 3, "message": "wrong result: 7"}]

    made = judge(lambda name, _: 0.5 if name == THREAD_MAP else 1.0, change=fail)
    assert named(made, Verdict.FAILED) == {THREAD_MAP} and made.rows[0].reason == "wrong result: 7"
    assert made.exit_status(strict=False) == 1


def test_a_cell_that_is_new_or_failed_in_the_base_is_not_judged(judge: Callable[..., comparison.Comparison]) -> None:
    def change(base: Document, new: Document) -> None:
        drop(THREAD_MAP)(base)
        drop("sum/thread/map/workers:2")(base)
        base["failures"] = [{"name": THREAD_MAP, "repetition_index": 0, "message": "died"}]

    made = judge(change=change)
    assert named(made, Verdict.NEW) == {"sum/thread/map/workers:2"}
    assert [row.reason for row in made.rows if row.name == THREAD_MAP] == ["failed in the base"]
    assert made.exit_status(strict=False) == 0


def test_a_new_cell_that_fails_fails(judge: Callable[..., comparison.Comparison]) -> None:
    name = "other/thread/map/workers:2"
    made = judge(change=lambda base, new: new["failures"].append({"name": name, "repetition_index": 0, "message": "no"}))
    assert named(made, Verdict.FAILED) == {name} and made.exit_status(strict=False) == 1


def test_without_baselines_times_are_compared_as_they_are(judge: Callable[..., comparison.Comparison]) -> None:
    def change(base: Document, new: Document) -> None:
        for document in (base, new):
            document["benchmarks"] = [e for e in document["benchmarks"] if e["executor"] != "sequential"]

    made = judge(lambda name, _: 1.2 if "/thread/" in name else 1.0, change=change)
    assert len(named(made, Verdict.REGRESSED)) == 9
    assert any("no sequential baseline" in note for note in made.notes)


def test_across_machines_compares_speedups(judge: Callable[..., comparison.Comparison]) -> None:
    twice_as_slow = lambda name, _: 2.4 if name == THREAD_MAP else 2.0  # noqa: E731
    made = judge(twice_as_slow, across_machines=True, cpu_model="Other")
    assert named(made, Verdict.REGRESSED) == {THREAD_MAP}
    assert not any("/sequential/" in row.name for row in made.rows)


def test_across_machines_with_other_cpus_does_not_judge_wide_cells(judge: Callable[..., comparison.Comparison]) -> None:
    made = judge(across_machines=True, usable_cpus=1)
    undecided = named(made, Verdict.UNDECIDED)
    assert THREAD_MAP in undecided and not any(name.startswith("sleep") for name in undecided)


def test_the_test_itself_is_against_the_threshold(judge: Callable[..., comparison.Comparison]) -> None:
    made = judge(lambda name, _: 1.03 if name == THREAD_MAP else 1.0)
    row = next(row for row in made.rows if row.name == THREAD_MAP)
    assert row.verdict is Verdict.UNCHANGED and row.p == 1.0  # certainly slower, certainly not by 5 %


def test_a_loop_that_waited_for_a_cpu_is_not_slower_code(judge: Callable[..., comparison.Comparison]) -> None:
    name = "primes/sequential/map/workers:1"

    def wait_more(base: Document, new: Document) -> None:
        for entry in new["benchmarks"]:
            if entry["name"] == name:
                entry["real_time"] *= 1.5

    made = judge(change=wait_more)
    row = next(row for row in made.rows if row.name == name)
    assert row.verdict is Verdict.UNDECIDED and "waited for a CPU" in row.reason
    assert row.cpu_time.ratio == pytest.approx(1.0, abs=0.02)
    assert name in named(judge(lambda cell, _: 1.5 if cell == name else 1.0), Verdict.REGRESSED)


def test_a_busy_machine_does_not_make_primes_naps(tmp_path: Path) -> None:
    document = sample_data.document(factor=lambda name, repetition: 1.0)
    for entry in document["benchmarks"]:
        if entry["repetition_index"] > 2:
            entry["real_time"] *= 6
    one = loaded(tmp_path / "run.json", document)
    assert one.is_cpu_bound("primes") and not one.is_cpu_bound("sleep")


def test_files_of_rounds_are_judged_like_files_of_one_process(tmp_path: Path) -> None:
    pair = [
        results.load(sample_data.write(tmp_path / f"{seed}.json", round_data.full(rounds=12, seed=seed, workers={"sum": [2]})))
        for seed in (1, 2)
    ]
    judged = comparison.compare(*pair, 0.05)
    assert judged.exit_status(strict=False) == 0 and not judged.notes
    assert judged.count(Verdict.UNCHANGED) == len(pair[0].cells)


def test_a_file_of_one_process_beside_one_of_rounds_gets_a_note(tmp_path: Path) -> None:
    one = results.load(sample_data.write(tmp_path / "one.json", sample_data.document(workers={"sum": [2]})))
    rounds = results.load(sample_data.write(tmp_path / "rounds.json", round_data.document(workers={"sum": [2]})))
    judged = comparison.compare(one, rounds, 0.05)
    assert judged.exit_status(strict=False) == 0
    assert len(judged.notes) == 1 and "The base was measured in one process" in judged.notes[0]


def with_slower_cold_pools(tmp_path: Path, executors: tuple[str, ...]) -> comparison.Comparison:
    """Warm and cold pools, the cold ones of these executors slower in the new file."""
    pair = []
    for slower in (1.0, 1.3):
        made = round_data.add_variants(round_data.document(workers={"sum": [2]}))
        for entry in made["benchmarks"]:
            if entry["pool"] == "cold" and entry["executor"] in executors:
                entry["real_time"] *= slower
        pair.append(results.load(sample_data.write(tmp_path / f"{slower}.json", made)))
    return comparison.compare(*pair, 0.05)


def test_cold_pools_that_slow_down_together_are_not_held_against_warm_ones(tmp_path: Path) -> None:
    judged = with_slower_cold_pools(tmp_path, ("thread", "process"))
    undecided = [row for row in judged.rows if row.verdict is Verdict.UNDECIDED]
    assert len(undecided) == 6 and all("the other executors slowed down with it" in row.reason for row in undecided)


def test_cold_pools_are_judged_against_cold_pools(tmp_path: Path) -> None:
    judged = with_slower_cold_pools(tmp_path, ("process",))
    assert {row.name for row in judged.rows if row.verdict is Verdict.REGRESSED} == {
        f"sum/process/{pattern}/workers:2/cold" for pattern in ("map", "as_completed", "wait")
    }
