"""The validation of scripts/gate: its plan, its builds, its sabotage, and the tables that it writes."""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from gate_data import decided, every_verdict
from poolmark_scripts.gate import report_json
from poolmark_scripts.gate.deciding import decide, exit_status
from poolmark_scripts.gate.model import Arm, Band, Block, Kind, Stage, Verdict
from poolmark_scripts.gate.sampling import Sampler
from poolmark_scripts.gate.trees import TreeError
from poolmark_scripts.gate_validation import builds, exchanging, rules, runs, sabotage, tables
from poolmark_scripts.gate_validation.plan import BY_NAME, EXPERIMENTS, NULLS, Experiment
from poolmark_scripts.one_process import EXIT_INTERRUPTED, Ended, Interrupted, Runner
from rich.console import Console
from test_gate_deciding import CELL, POOL, blocks, constantly

OTHER = "tiny/thread/map/workers:2"
BANDS = {CELL: POOL, OTHER: POOL}


def test_the_plan_is_that_of_the_issue() -> None:
    assert sum(BY_NAME[name].runs for name in NULLS) >= 30
    assert all(BY_NAME[name].is_null and BY_NAME[name].cells is None for name in NULLS)
    assert BY_NAME["slower-5"].runs >= 20 and BY_NAME["slower-8"].runs >= 20 and BY_NAME["kernel-2"].runs >= 20
    assert {1, 2, 3, 5, 8, 10} <= {int(name.split("-")[1]) for name in BY_NAME if name.startswith("slower-")}
    assert not any(experiment.is_null for experiment in EXPERIMENTS if experiment.injected)


@pytest.mark.parametrize("name", sorted(builds.EDITS))
def test_every_edit_fits_the_source(root: Path, name: str) -> None:
    file, find, _ = builds.EDITS[name]
    assert (root / file).read_text().count(find) >= 1


def test_every_injection_fits_the_header(root: Path) -> None:
    text = (root / builds.INJECTED).read_text()
    for experiment in EXPERIMENTS:
        builds.with_values(text, experiment.injected)
    changed = builds.with_values(text, {"kCell": CELL, "kMoreOfTheKernel": 0.05, "kAllocations": 2})
    assert f'kCell = "{CELL}";' in changed and "kMoreOfTheKernel = 0.05;" in changed and "kAllocations = 2;" in changed
    assert len(changed.splitlines()) == len(text.splitlines())
    with pytest.raises(TreeError, match="has no constant kNothing"):
        builds.with_values(text, {"kNothing": 1})


def test_nothing_is_injected_here(root: Path) -> None:
    """What is committed slows nothing down."""
    values = [line.rpartition(" = ")[2] for line in (root / builds.INJECTED).read_text().splitlines() if " = " in line]
    assert values[:-1] == ['"";', "0;", "0;", "0;", "0;", "0;"] or all(value in ('"";', "0;", "") for value in values)


def test_experiments_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT", tmp_path)
    plan = (Experiment("a", "", 2), Experiment("b", "", 1))
    assert [(experiment.name, number) for experiment, number in runs.missing(plan)] == [("a", 1), ("b", 1), ("a", 2)]
    runs.keep("a", 1, 0, report_json.document(every_verdict()))
    assert [(experiment.name, number) for experiment, number in runs.missing(plan)] == [("b", 1), ("a", 2)]


def test_what_is_kept_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT", tmp_path)
    runs.keep("a", 1, 3, report_json.document(every_verdict()))
    (found,) = runs.kept("a")
    assert (found.experiment, found.number, found.status) == ("a", 1, 3) and found.report == every_verdict()
    first = (tmp_path / "a" / "001.json.gz").read_bytes()
    runs.keep("a", 1, 3, report_json.document(every_verdict()))
    assert (tmp_path / "a" / "001.json.gz").read_bytes() == first


def test_where_the_checkout_lay_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT", tmp_path)
    report = every_verdict()
    program = str(runs.ROOT / "build" / "release" / "bench" / "gate")
    runs.keep("a", 1, 0, report_json.document(replace(report, new=replace(report.new, program=program))))
    (found,) = runs.kept("a")
    assert found.report.new.program == "build/release/bench/gate" and found.report.base == report.base


# ---- exchanged labels --------------------------------------------------------------------------------------------


def recording(rounds: int = 64) -> list[Block]:
    return [
        replace(block, stage=Stage.SCREEN)
        for cell, seed in ((CELL, 1), (OTHER, 2)) for block in blocks(cell=cell, rounds=rounds, noise=0.01, seed=seed)
    ]  # fmt: skip


def test_exchanged_runs_have_a_screen_and_a_trial_of_the_suspects() -> None:
    seen = list(exchanging.pseudo_runs(recording(), BANDS, 20))
    assert all(len(evidence.of(CELL, Stage.SCREEN)) == 8 for evidence in seen)
    assert {len(evidence.of(CELL, Stage.TRIAL)) for evidence in seen} <= {0, 24}
    for evidence in seen:
        screen = {block.round for block in evidence.of(CELL, Stage.SCREEN)}
        assert not screen & {block.round for block in evidence.of(CELL, Stage.TRIAL)}
    assert [exit_status(decide(evidence)) for evidence in seen].count(1) == 0


def test_labels_are_exchanged_within_blocks() -> None:
    recorded = {(block.cell, block.round): block.times for block in recording()}
    exchanged = 0
    for block in next(exchanging.pseudo_runs(recording(), BANDS, 1)).blocks:
        before = recorded[block.cell, block.round]
        assert {block.times[Arm.BASE], block.times[Arm.NEW]} == {before[Arm.BASE], before[Arm.NEW]}
        assert block.times[Arm.NULL] == before[Arm.NULL]
        exchanged += block.times[Arm.BASE] != before[Arm.BASE]
    assert 2 <= exchanged <= 14  # of 16 or more, by chance


def test_a_real_difference_would_not_survive_the_exchange() -> None:
    slow = [replace(block, stage=Stage.SCREEN) for block in blocks(constantly(1.3), rounds=64)]
    assert all(exit_status(decide(evidence)) != 1 for evidence in exchanging.pseudo_runs(slow, {CELL: POOL}, 20))


def test_too_short_a_recording_is_refused() -> None:
    with pytest.raises(ValueError, match="20 rounds were recorded; a screen and two trials take 56"):
        next(exchanging.pseudo_runs(recording(20), BANDS, 1))


# ---- other rules -------------------------------------------------------------------------------------------------


def test_other_rules_say_what_they_say() -> None:
    assert rules.fixed_threshold([1.0, 9.0], [1.06, 1.0]) and not rules.fixed_threshold([1.0, 1.0], [1.04, 9.0])
    assert rules.threshold_of_medians([1.0] * 3, [1.06] * 3) and not rules.threshold_of_medians([1.0] * 3, [1.0, 1.0, 9.0])
    assert rules.rank_sum([1.0, 1.1, 1.2, 1.3, 1.4], [2.0, 2.1, 2.2, 2.3, 2.4])
    assert not rules.rank_sum([2.0, 2.1, 2.2, 2.3, 2.4], [1.0, 1.1, 1.2, 1.3, 1.4])
    assert not rules.rank_sum([1.0, 1.1, 1.2, 1.3, 1.4], [1.05, 1.15, 1.25, 1.35, 1.45])


def test_other_rules_see_the_screen_alone() -> None:
    slow = [replace(block, stage=Stage.SCREEN) for block in blocks(constantly(1.2), rounds=8)]
    assert rules.alarms(slow, rules.threshold_of_medians) == [CELL]
    assert rules.alarms([replace(block, stage=Stage.TRIAL) for block in slow], rules.threshold_of_medians) == []


# ---- sabotage ----------------------------------------------------------------------------------------------------


class Runs:
    """A runner whose program writes good results."""

    def run(self, command: list[str], limit_s: float, environment: dict[str, str]) -> Ended:
        document = {"failures": [], "benchmarks": [{"name": CELL, "real_time": 1.0, "median_batch_ns": 1.0, "cpu_time": 1.0}]}
        Path(command[-1].partition("=")[2]).write_text(json.dumps(document))
        return Ended(0, "")


@pytest.mark.parametrize(("kind", "said"), [("truncated", "no JSON"), ("nan", "a time that is none: nan")])
def test_only_the_new_build_is_sabotaged(tmp_path: Path, kind: str, said: str) -> None:
    sampler = sabotage.KINDS[kind](Runs(), tmp_path, [], 1)
    assert sampler.measure(tmp_path / "first" / "base" / "0" / "gate", CELL, 3).ns == 1.0
    assert said in sampler.measure(tmp_path / "first" / "new" / "0" / "gate", CELL, 3).message


def test_hogs_outlast_what_the_runner_runs_and_end_with_their_block() -> None:
    """The runner ends every child and counts its time as the sample's: hogs that are its children disturb nobody."""
    with Runner() as runner:
        with sabotage.hogs() as pids:
            assert len(pids) == len(os.sched_getaffinity(0))
            assert runner.run(["true"], limit_s=60).status == 0
            assert not set(pids) & _children()
            ends = [os.pidfd_open(pid) for pid in pids]
            assert not _ended(ends, within_s=0)
        assert _ended(ends, within_s=60) == sorted(ends)


def test_a_hog_begins_in_mid_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[list[int]] = []

    @contextlib.contextmanager
    def seen():
        with hogs() as pids:
            begun.append(pids)
            yield pids

    hogs = sabotage.hogs
    monkeypatch.setattr(sabotage, "hogs", seen)
    sampler = sabotage.Hogged(Runs(), tmp_path, [], 1)
    for _ in range(sabotage.HOGGED_FROM - 1):
        sampler.measure(tmp_path / "gate", CELL, 3)
    assert not begun
    sampler.measure(tmp_path / "gate", CELL, 3)
    ends = [os.pidfd_open(pid) for pid in begun[0]]
    assert not _ended(ends, within_s=0)
    sampler.close()
    assert _ended(ends, within_s=60) == sorted(ends)


def test_only_the_new_build_is_starved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starved: list[str] = []

    @contextlib.contextmanager
    def seen():
        starved.append("began")
        yield []
        starved.append("ended")

    monkeypatch.setattr(sabotage, "hogs", seen)
    sampler = sabotage.Starved(Runs(), tmp_path, [], 1)
    sampler.measure(tmp_path / "first" / "base" / "0" / "gate", CELL, 3)
    assert not starved
    sampler.measure(tmp_path / "first" / "new" / "0" / "gate", CELL, 3)
    assert starved == ["began", "ended"]


def _ended(processes: list[int], within_s: float) -> list[int]:
    """Which of them end, as soon as all have."""
    ended: set[int] = set()
    latest = time.monotonic() + within_s
    while len(ended) < len(processes):
        found = select.select(sorted(set(processes) - ended), [], [], max(0.0, latest - time.monotonic()))[0]
        if not found:
            break
        ended.update(found)
    return sorted(ended)


def _children() -> set[int]:
    return set(map(int, Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()))


def test_a_run_that_was_interrupted_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(request, console) -> int:
        request.write(decided(), EXIT_INTERRUPTED)
        return EXIT_INTERRUPTED

    monkeypatch.setattr(runs, "KEPT", tmp_path)
    monkeypatch.setattr(builds, "base", lambda commit, console: SimpleNamespace(directory=tmp_path))
    monkeypatch.setattr(runs.trees, "find", lambda text: text)
    monkeypatch.setattr(runs.run, "run", interrupted)
    with pytest.raises(Interrupted):
        runs.perform(BY_NAME["same"], 1, "HEAD", Console())
    assert not list(tmp_path.rglob("*"))


def test_a_sampler_that_spoils_nothing_leaves_all_as_it_is(tmp_path: Path) -> None:
    assert Sampler(Runs(), tmp_path, [], 1).measure(Path("new/0/gate"), CELL, 3).ns == 1.0


# ---- the tables ----------------------------------------------------------------------------------------------------


def test_tables_count_alarms_and_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT", tmp_path)
    report = decided()
    regressed = report.of(Verdict.REGRESSED)[0]
    cells = tuple(replace(cell, verdict=Verdict.EQUIVALENT) for cell in report.cells)
    for number in range(1, 4):
        blocks = report.blocks if number > 1 else ()
        runs.keep("same", number, 0, report_json.document(replace(report, cells=cells, blocks=blocks, elapsed_s=60.0 * number)))
    runs.keep("same", 4, 1, report_json.document(report))
    found = tables.measured()
    assert f"| the same program twice | 4 | {4 * len(cells)} | 1 |" in found
    assert "Runs with an alarm: 1 of 4, at most 80.6 % (95 %" in found
    assert "the 1 of 4 without a suspect 1:00 minutes (median; 1:00 at most), builds not included." in found
    slowed = replace(regressed, name=BY_NAME["slower-5"].cell)
    runs.keep("slower-5", 1, 1, report_json.document(replace(report, cells=(slowed,))))
    runs.keep("slower-5", 2, 0, report_json.document(replace(report, cells=(replace(slowed, verdict=Verdict.INCONCLUSIVE),))))
    found = tables.measured()
    assert "| one cell of a thread pool 5 % slower, by more work in its tasks | 2 | 1 (50 %) |" in found


def test_a_sabotage_that_was_not_seen_is_shouted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT", tmp_path)
    report = decided()
    runs.keep("hog", 1, 1, report_json.document(report))
    assert "| NO |" in tables.measured()
    calm = tuple(replace(cell, verdict=Verdict.UNTRUSTED) for cell in report.cells)
    runs.keep("hog", 1, 4, report_json.document(replace(report, cells=calm)))
    assert "| yes |" in tables.measured() and "| NO |" not in tables.measured()


def test_every_machine_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT", tmp_path)
    report = decided()
    runs.keep("same", 1, 0, report_json.document(report))
    assert f"Measured on {report.new.context['cpu_model']}, " in tables.measured() and " (1 runs)" not in tables.measured()
    elsewhere = replace(report.new, context={**report.new.context, "cpu_model": "another"})
    for number in (2, 3):
        runs.keep("same", number, 0, report_json.document(replace(report, new=elsewhere)))
    assert "Measured on another, " in tables.measured()
    assert f"(2 runs); {report.new.context['cpu_model']}, " in tables.measured()


def test_the_document_keeps_what_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT", tmp_path)
    document = tmp_path / "gate.md"
    document.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    assert tables.written(document) == (
        f"before\n{tables.BEGIN}\n\nNothing has been measured yet: `scripts/validate-gate` does it.\n\n{tables.END}\nafter\n"
    )
    document.write_text("no marks")
    with pytest.raises(ValueError, match="has no part between"):
        tables.written(document)
