"""What follows from granularity runs: shared reference, rejected rounds, goals, sentences, file, picture."""

from __future__ import annotations

import io
import json
from pathlib import Path

import granularity_data as made
import pytest
from poolmark_scripts import granularity_findings, granularity_goals, granularity_picture, granularity_report, terminal
from poolmark_scripts.granularity_results import ResultsError, document, judge, load

THREAD, PROCESS, TBB = "thread/as_completed/workers:2", "process/as_completed/workers:2", "tbb/tasks/workers:2"


def printed(results) -> str:
    stream = io.StringIO()
    granularity_report.print_report(results, terminal.console(stream))
    return stream.getvalue()


def test_metg_of_a_pool_is_twice_its_overhead() -> None:
    outcome = made.run({THREAD: 400.0, PROCESS: 3000.0}).outcomes()[THREAD]
    assert outcome.rounds == 8 and outcome.rejected == 0
    assert outcome.at(0.5).granularity.ns == pytest.approx(800, rel=0.05)
    assert outcome.at(0.9).granularity.ns == pytest.approx(4000, rel=0.15)
    assert outcome.overhead_ns == pytest.approx(200, rel=0.01)  # wall time, on two cores
    assert outcome.ratio == pytest.approx(1, rel=0.05)


def test_the_reference_is_shared_and_not_an_executors_own() -> None:
    # A pool whose tasks all take 8 % longer, the coarse ones too, is not 100 % efficient there.
    results = made.run({THREAD: 400.0, PROCESS: 400.0, TBB: 400.0}, noise=0.0)
    slow = [made.sample(results.subjects[TBB], n, 400.0, pace=1.08 * made.PACE_NS) for n in range(1, 9)]
    results.samples = [s for s in results.samples if s.subject != TBB] + slow
    outcomes = results.outcomes()
    assert outcomes[TBB].rounds == 8
    assert outcomes[TBB].efficiency[-1] == pytest.approx(1 / 1.08, rel=0.01)
    assert outcomes[THREAD].efficiency[-1] == pytest.approx(1, rel=0.01)


def test_each_worker_count_has_its_own_reference() -> None:
    results = made.run({THREAD: 400.0, "thread/as_completed/workers:1": 400.0})
    results.samples = [s for s in results.samples if s.subject == THREAD] + [
        made.sample(results.subjects["thread/as_completed/workers:1"], n, 400.0, pace=0.7 * made.PACE_NS) for n in range(1, 9)
    ]
    pace = judge(results.samples, results.subjects)
    assert pace[2] == pytest.approx(made.PACE_NS, rel=0.01) and pace[1] == pytest.approx(0.7 * made.PACE_NS, rel=0.01)
    assert not any(sample.rejected for sample in results.samples)


@pytest.mark.parametrize(("pace", "word"), [(1.15, "more"), (0.85, "less")])
def test_a_round_whose_coarse_run_is_off_is_rejected_and_counted(pace: float, word: str) -> None:
    results = made.run({THREAD: 400.0, PROCESS: 3000.0, TBB: 500.0})
    results.samples[0].points = made.points(400.0, 2, pace=pace * made.PACE_NS)
    outcome = results.outcomes()[THREAD]
    assert (outcome.rounds, outcome.rejected) == (7, 1)
    assert f"15% {word} time than those of all with 2 workers" in results.samples[0].rejected
    assert outcome.at(0.5).granularity.ns == pytest.approx(800, rel=0.05)
    said = printed(results)
    assert "7 (1)" in said and "1 of 24 tries were rejected" in said


def test_a_subject_without_an_accepted_round_has_no_number() -> None:
    results = made.run({THREAD: 400.0, PROCESS: 3000.0, TBB: 500.0})
    for sample in results.samples:
        if sample.subject == TBB:
            sample.points = made.points(500.0, 2, pace=1.3 * made.PACE_NS)
    said = printed(results)
    assert f"{TBB}: no METG, all 8 tries were rejected" in said
    assert document(results)["metg"][TBB] == {"rounds": 0, "rejected": 8, "levels": {}}


def test_goals_are_met_missed_or_not_to_be_told() -> None:
    rows = {row.goal: row for row in _rows({THREAD: 400.0, PROCESS: 4000.0, TBB: 900.0})}
    assert rows["thread, best pattern: <= 2.00 us"].met is True
    assert rows["process, best pattern: <= 5.00 us"].met is False
    assert rows["thread, a task each: below every peer"].met is True
    assert "tbb tasks: 1.8" in rows["thread, a task each: below every peer"].other
    assert rows["process, a task each: below every peer"].met is False
    assert rows["thread: METG / (2 x overhead) in 0.3 to 3"].met is True


def test_peers_with_futures_are_rivals_of_their_own() -> None:
    rows = {row.goal: row for row in _rows({PROCESS: 700.0, TBB: 170.0, "tbb/futures/workers:2": 2500.0})}
    assert rows["process, a task each: below every peer"].met is False
    assert rows["process, a task each: below every peer with futures"].met is True
    assert rows["process, a task each: below every peer with futures"].other.startswith("tbb futures: 5.")
    assert not any("with futures" in row.goal for row in _rows({PROCESS: 700.0, TBB: 170.0}))


def test_a_bound_within_the_interval_is_neither_met_nor_missed() -> None:
    assert _rows({THREAD: 1000.0, TBB: 900.0}, noise=0.1)[0].met is None


def test_two_rounds_cannot_tell() -> None:
    results = made.run({THREAD: 400.0, TBB: 900.0}, rounds=2)
    found = granularity_goals.rows(results, results.outcomes())
    assert {row.met for row in found if "METG /" not in row.goal} == {None}


def test_equal_pools_cannot_be_told_apart() -> None:
    rows = {row.goal: row for row in _rows({THREAD: 500.0, TBB: 501.0}, noise=0.05)}
    assert rows["thread, a task each: below every peer"].met is None


def test_below_the_shortest_tasks_nothing_is_said_to_be_smaller() -> None:
    results = made.run({THREAD: 5.0, TBB: 4.0}, chunked=(THREAD, TBB))
    (row,) = [r for r in granularity_goals.rows(results, results.outcomes()) if "chunked" in r.goal]
    assert row.met is None and row.found.startswith("< ")
    level = document(results)["metg"][THREAD]["levels"]["0.5"]
    assert "granularity_ns" not in level and level["granularity_below_ns"] > 0


def test_an_executor_measured_alone_is_said_to_divide_by_its_own() -> None:
    results = made.run({TBB: 400.0, "tbb/futures/workers:2": 900.0})
    assert any("divide by its own" in said for said in granularity_findings.warnings(results, results.outcomes()))
    results = made.run({TBB: 400.0, THREAD: 900.0})
    assert not any("divide by its own" in said for said in granularity_findings.warnings(results, results.outcomes()))


def _rows(overheads: dict[str, float], noise: float = 0.003) -> list[granularity_goals.Row]:
    results = made.run(overheads, noise=noise)
    return granularity_goals.rows(results, results.outcomes())


def test_goals_are_of_one_worker_a_cpu() -> None:
    results = made.run({THREAD: 400.0, "thread/as_completed/workers:1": 400.0, "thread/as_completed/workers:8": 400.0})
    assert granularity_goals.workers_of_goals(results) == 2


def test_sentences_say_how_long_tasks_must_be() -> None:
    results = made.run({THREAD: 400.0, PROCESS: 4000.0, TBB: 900.0})
    said = " ".join(granularity_findings.findings(results, results.outcomes()))
    assert "thread pool, 2 workers, as_completed (tasks handed out each by itself): half of the time is work from tasks of " in said
    assert "a process pool loses to a thread pool (as_completed against as_completed)" in said
    assert "tbb tasks: 1.8" in said and "2.2 times ours" in said


def test_an_implausible_ratio_is_a_warning() -> None:
    results = made.run({THREAD: 400.0, PROCESS: 400.0})
    for sample in results.samples:
        for point in sample.points:
            if sample.subject == THREAD and point["steps"] == 0:
                point["elapsed_ns"] //= 8
    outcomes = results.outcomes()
    assert outcomes[THREAD].ratio > 3
    assert any(w.startswith(f"{THREAD}: METG(50 %) is") for w in granularity_findings.warnings(results, outcomes))
    assert " !" in printed(results)


def test_the_file_says_the_same_when_read_again(tmp_path: Path) -> None:
    results = made.run({THREAD: 400.0, PROCESS: 3000.0, TBB: 500.0})
    results.failures.append({"subject": "asio/tasks/workers:2", "round": 1, "message": "was killed by SIGSEGV: it said nothing"})
    path = tmp_path / "out.json"
    path.write_text(json.dumps(document(results), allow_nan=False))
    again = load(path)
    assert document(again) == document(results)
    assert printed(again) == printed(results)
    assert "asio/tasks/workers:2, round 1: was killed by SIGSEGV" in printed(again)
    assert "\x1b" not in printed(again)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"granularity_version": 1}', b'{"context": "\xe0"}'])
def test_what_is_no_results_file_is_refused(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(text)
    with pytest.raises(ResultsError, match="is no results file of scripts/granularity"):
        load(path)


def test_another_version_is_refused_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    path.write_text('{"granularity_version": 2}')
    with pytest.raises(ResultsError, match="has version 2, this script reads 1"):
        load(path)


def test_every_time_on_the_axis_of_metg_by_workers_has_a_unit() -> None:
    run = made.run({"thread/wait/workers:1": 1000.0, "thread/wait/workers:2": 1400.0})  # less than a decade, and no unit
    figure = granularity_picture._workers_figure(run, list(run.outcomes().values()))
    figure.canvas.draw()
    labels = [label.get_text() for which in ("major", "minor") for label in figure.axes[0].get_yticklabels(which=which)]
    shown = [label for label in labels if label]
    assert len(shown) >= 2 and all(label.endswith((" ns", " us", " ms")) for label in shown)


def test_pictures_have_what_there_are_numbers_for(tmp_path: Path) -> None:
    one = made.run({THREAD: 400.0, PROCESS: 3000.0}, rounds=3)
    assert [path.name for path in granularity_picture.draw(one, tmp_path / "a.json")] == ["a.svg", "a.png"]
    two = made.run({THREAD: 400.0, "thread/as_completed/workers:1": 300.0, TBB: 1.0}, rounds=3)
    names = [path.name for path in granularity_picture.draw(two, tmp_path / "b.json")]
    assert names == ["b.svg", "b.png", "b.workers.svg", "b.workers.png"]
    assert granularity_picture.draw(made.run({}, rounds=0), tmp_path / "c.json") == []
