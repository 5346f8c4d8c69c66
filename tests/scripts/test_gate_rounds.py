"""Blocks and rounds of scripts/gate, and one sample: nothing is timed here."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Callable, Mapping

import pytest
from poolmark_scripts.gate import sampling
from poolmark_scripts.gate.model import Arm, Kind, Stage
from poolmark_scripts.gate.rounds import FEWEST_BATCHES, MOST_BATCHES, MOST_TRIES, Rounds, band_of
from poolmark_scripts.gate.sampling import Sample, Sampler
from poolmark_scripts.one_process import Ended, Interrupted

CELLS = ["fine/sequential/map/workers:1", "fine/thread/map/workers:2", "naps/thread/map/workers:8"]
PROGRAMS = {arm: [Path(f"{arm.value}{layout}") for layout in range(4)] for arm in Arm}
Measure = Callable[[Path, str, int], Sample]


class Silent:
    """A display that shows nothing."""

    def stage_begins(self, stage: Stage, plan: Mapping[str, int]) -> None: ...
    def block_begins(self, stage: Stage, number: int, cell: str) -> None: ...
    def block_ended(self) -> None: ...
    def stage_ended(self) -> None: ...


class Measured:
    """A sampler that remembers what it was asked."""

    def __init__(self, measure: Measure) -> None:
        self._measure, self.asked = measure, []

    def measure(self, program: Path, cell: str, batches: int) -> Sample:
        self.asked.append((program.name, cell, batches))
        return self._measure(program, cell, batches)


def good(program: Path, cell: str, _: int) -> Sample:
    return Sample(0.1, 5e6 if program.name.startswith("new") else 4e6, 0.02 if cell.startswith("naps") else 1.0)


def measured(measure: Measure = good, seed: int = 3) -> Rounds:
    return Rounds(PROGRAMS, Measured(measure), Silent(), seed)


def calibrated(measure: Measure = good, seed: int = 3) -> Rounds:
    made = measured(measure, seed)
    made.calibrate(CELLS)
    return made


def test_bands_go_by_what_a_cell_is_seen_to_use() -> None:
    assert [calibrated().bands[cell].kind for cell in CELLS] == [Kind.CPU, Kind.POOL, Kind.IO]
    assert band_of("naps/sequential/map/workers:1", 0.01, {kind: 0.1 for kind in Kind}).kind is Kind.IO


@pytest.mark.parametrize(("ns", "batches"), [(4e6, 38), (10e6, 15), (11e6, 14), (1e9, FEWEST_BATCHES), (1e4, MOST_BATCHES)])
def test_the_base_fixes_the_batches_of_all(ns: float, batches: int) -> None:
    made = calibrated(lambda *_: Sample(0.1, ns, 1.0))
    made.measure(Stage.SCREEN, dict.fromkeys(CELLS, 1))
    assert {asked[2] for asked in made.sampler.asked[len(CELLS) :]} == {batches}


def test_every_block_has_every_arm_in_one_layout() -> None:
    made = calibrated()
    before = len(made.sampler.asked)
    made.measure(Stage.SCREEN, dict.fromkeys(CELLS, 8))
    in_threes = zip(*[iter(made.sampler.asked[before:])] * 3)
    for block, asked in zip(made.blocks, in_threes, strict=True):
        assert {program[:-1] for program, _, _ in asked} == {"base", "new", "null"}
        assert {program[-1] for program, _, _ in asked} == {str(block.layout)}
        assert [program[:-1] for program, _, _ in asked] == [arm.value for arm in block.order]
        assert {cell for _, cell, _ in asked} == {block.cell}
        assert block.times == {Arm.BASE: 4e6, Arm.NEW: 5e6, Arm.NULL: 4e6}


def test_each_cell_has_the_rounds_of_its_plan() -> None:
    made = calibrated()
    made.measure(Stage.TRIAL, {CELLS[0]: 8, CELLS[1]: 16})
    counts = Counter((block.cell, block.layout) for block in made.blocks)
    assert counts == {(CELLS[0], layout): 2 for layout in range(4)} | {(CELLS[1], layout): 4 for layout in range(4)}
    assert {block.cell for block in made.blocks if block.round > 8} == {CELLS[1]}


def test_layouts_take_turns_and_orders_are_drawn() -> None:
    made = calibrated()
    made.measure(Stage.TRIAL, dict.fromkeys(CELLS, 24))
    assert set(Counter((block.cell, block.layout) for block in made.blocks).values()) == {6}
    assert len({block.order for block in made.blocks}) == 6
    rounds = [tuple(block.cell for block in made.blocks if block.round == number) for number in range(1, 25)]
    assert all(sorted(cells) == sorted(CELLS) for cells in rounds) and len(set(rounds)) > 1


def test_a_seed_repeats_the_orders() -> None:
    def order(seed: int) -> list[object]:
        made = calibrated(seed=seed)
        made.measure(Stage.SCREEN, dict.fromkeys(CELLS, 8))
        return [(block.cell, block.layout, block.order) for block in made.blocks]

    assert order(3) == order(3) != order(4)


def test_the_trial_is_drawn_anew() -> None:
    made = calibrated()
    made.measure(Stage.SCREEN, dict.fromkeys(CELLS, 8))
    made.measure(Stage.TRIAL, dict.fromkeys(CELLS, 8))
    screen, trial = ([block.order for block in made.blocks if block.stage is stage] for stage in (Stage.SCREEN, Stage.TRIAL))
    assert screen != trial


def test_a_disturbed_block_is_measured_again_and_the_last_try_counts() -> None:
    index = itertools.count()
    reasons = ("others used 50 % of the CPUs",)

    def at_first_disturbed(program: Path, cell: str, batches: int) -> Sample:
        return Sample(0.1, 4e6, 1.0, reasons if 3 <= next(index) < 6 else ())

    made = calibrated(at_first_disturbed)
    made.measure(Stage.SCREEN, dict.fromkeys(CELLS[:1], 1))
    (block,) = made.blocks
    assert block.is_clean and made.repeats == 1


def test_what_stays_disturbed_is_kept_and_marked() -> None:
    calls = itertools.count()

    def disturbed(program: Path, cell: str, batches: int) -> Sample:
        hogged = next(calls) >= 3 and program.name.startswith("new")
        return Sample(0.1, 4e6, 1.0, ("others used 50 % of the CPUs",) if hogged else ())

    made = calibrated(disturbed)
    made.measure(Stage.SCREEN, dict.fromkeys(CELLS[:1], 1))
    (block,) = made.blocks
    assert block.reasons == ("others used 50 % of the CPUs while new was measured",)
    assert made.repeats == MOST_TRIES - 1


def test_a_busy_machine_is_not_measured_three_times() -> None:
    made = calibrated(lambda *_: Sample(0.1, 4e6, 1.0, ("others used 50 % of the CPUs",)))
    made.measure(Stage.SCREEN, dict.fromkeys(CELLS, 30))
    assert len(made.blocks) == 90
    assert made.repeats <= 90 / 3 + len(CELLS) + MOST_TRIES


def test_a_cell_that_fails_is_measured_no_further() -> None:
    def failing(program: Path, cell: str, batches: int) -> Sample:
        return Sample(0.1, message="was killed by SIGSEGV") if program.name == "new2" and cell == CELLS[1] else good(program, cell, batches)

    made = calibrated(failing)
    made.measure(Stage.SCREEN, dict.fromkeys(CELLS, 8))
    assert made.failures == {(Arm.NEW, CELLS[1]): "was killed by SIGSEGV"}
    assert Counter(asked[0] for asked in made.sampler.asked if asked[1] == CELLS[1])["new2"] == 1
    assert sum(block.cell == CELLS[0] for block in made.blocks) == 8


def test_a_cell_that_fails_in_the_base_is_not_tried() -> None:
    made = calibrated(lambda program, cell, batches: Sample(0.1, message="hangs") if cell == CELLS[0] else good(program, cell, batches))
    made.measure(Stage.SCREEN, dict.fromkeys(CELLS, 1))
    assert made.failures == {(Arm.BASE, CELLS[0]): "hangs"}
    assert {block.cell for block in made.blocks} == set(CELLS[1:])


def test_what_was_measured_before_an_interruption_stays() -> None:
    calls = itertools.count()

    def interrupted(program: Path, cell: str, batches: int) -> Sample:
        if next(calls) == 10:
            raise Interrupted
        return good(program, cell, batches)

    made = calibrated(interrupted)
    with pytest.raises(Interrupted):
        made.measure(Stage.SCREEN, dict.fromkeys(CELLS, 8))
    assert len(made.blocks) == 2


# ---- one sample ------------------------------------------------------------------------------------------------


class Written:
    """A runner whose program writes what a test says."""

    def __init__(self, text: str | None, ended: Ended = Ended(0, "")) -> None:
        self.text, self.ended, self.environments, self.commands = text, ended, [], []

    def run(self, command: list[str], limit_s: float, environment: dict[str, str]) -> Ended:
        self.environments.append(environment)
        self.commands.append(command)
        if self.text is not None:
            Path(command[-1].partition("=")[2]).write_text(self.text)
        return self.ended


def results(*medians: float, name: str = CELLS[1], failures: tuple[str, ...] = ()) -> str:
    """Of repetitions whose batches had these medians, means twice as long, and four times as much CPU time."""
    return json.dumps({
        "failures": [{"name": name, "message": message} for message in failures],
        "benchmarks": [
            {"name": name, "real_time": 2 * ns, "median_batch_ns": ns, "cpu_time": 1.0, "cpu_time_total_ns": 4 * ns}
            for ns in medians
        ],
    })  # fmt: skip


def test_a_program_that_cannot_keep_its_pools_is_asked_for_more_repetitions(tmp_path: Path) -> None:
    runner = Written(results(*(1.0,) * 10))
    found = Sampler(runner, tmp_path, [], 1, keeps_pools=False).measure(Path("program"), CELLS[1], 10)
    assert found.ns == 2.0 and "--benchmark_repetitions=10" in runner.commands[0]
    assert not [flag for flag in runner.commands[0] if flag.startswith("--batches")]
    Sampler(runner, tmp_path, [], 1, keeps_pools=False).measure(Path("program"), CELLS[1], 100)
    assert f"--benchmark_repetitions={sampling.MOST_REPETITIONS}" in runner.commands[1]


def sample(tmp_path: Path, runner: Written, batches: int = 3) -> Sample:
    return Sampler(runner, tmp_path, [], 1).measure(Path("program"), CELLS[1], batches)


def test_a_sample_is_the_median_of_its_batches(tmp_path: Path) -> None:
    found = sample(tmp_path, Written(results(5.0)))
    assert found.ns == 5.0 and found.cpu_share == 2.0 and not found.message


def test_every_arm_gets_equal_flags_and_another_padding(tmp_path: Path) -> None:
    runner = Written(results(1.0))
    sampler = Sampler(runner, tmp_path, ["--pool=cold"], 1)
    for program in ("one", "other", "third"):
        sampler.measure(Path(program), CELLS[1], 3)
    assert runner.commands[0][1:] == runner.commands[1][1:]
    assert "--benchmark_repetitions=1" in runner.commands[0] and "--pool=cold" in runner.commands[0]
    assert "--batches=3" in runner.commands[0]
    assert len({len(environment[sampling.PADDING_VARIABLE]) for environment in runner.environments}) == 3


@pytest.mark.parametrize(
    ("runner", "message"),
    [
        (Written(None, Ended(-11, "")), "wrote no results: it was killed by SIGSEGV and said nothing"),
        (Written(results(1.0)[:40]), "no JSON"),
        (Written(results(float("nan"))), "a time that is none: nan ns"),
        (Written(results(0.0)), "a time that is none: 0.0 ns"),
        (Written(results(1.0, 1.0)), "wrote 2 times instead of 1"),
        (Written(results(1.0, name="another/cell/of/it")), "wrote 0 times instead of 1"),
        (Written(results(1.0, failures=("wrong result of fine",))), "wrong result of fine"),
        (Written("[]"), "results in which it is not"),
        (Written(results(1.0), Ended(-6, "Aborted")), "but then the program was killed by SIGABRT"),
        (Written(results(1.0), Ended(-9, "", too_late=True)), "was not at its end after 60 s"),
    ],
)  # fmt: skip
def test_a_sample_that_is_none_says_why(tmp_path: Path, runner: Written, message: str) -> None:
    found = sample(tmp_path, runner)
    assert found.ns is None and message in found.message


def test_a_file_of_the_sample_before_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "sample.json").write_text(results(1.0))
    assert "wrote no results" in sample(tmp_path, Written(None)).message
