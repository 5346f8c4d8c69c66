"""Verdicts of scripts/gate, from blocks that were made up."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Callable

import pytest
from poolmark_scripts.gate import statistics as tests
from poolmark_scripts.gate.deciding import Evidence, decide, exit_status, suspects
from poolmark_scripts.gate.model import Arm, Band, Block, CellReport, CountChange, Kind, Stage, Verdict

CELL = "fine/thread/map/workers:2"
POOL = Band(Kind.POOL, 0.03)
Ratio = Callable[[int, int], float]  # of round and layout


def one(_: int, __: int) -> float:
    return 1.0


def constantly(ratio: float) -> Ratio:
    return lambda _, __: ratio


def blocks(
    new: Ratio = one, null: Ratio = one, stage: Stage = Stage.TRIAL, rounds: int = 24, cell: str = CELL, disturbed: int = 0,
    noise: float = 0.004, seed: int = 1,
) -> list[Block]:  # fmt: skip
    """Blocks in a machine that drifts by 20 %; the first `disturbed` of them are."""
    drawn = random.Random(seed)
    made = []
    for number in range(1, rounds + 1):
        layout, drift = number % 4, 1e6 * (1 + 0.2 * math.sin(number))
        times = {
            arm: drift * ratio * math.exp(drawn.gauss(0, noise))
            for arm, ratio in ((Arm.BASE, 1.0), (Arm.NEW, new(number, layout)), (Arm.NULL, null(number, layout)))
        }
        reasons = ("others used 50 % of the CPUs while new was measured",) if number <= disturbed else ()
        made.append(Block(cell, stage, number, layout, tuple(Arm), times, reasons))
    return made


def judged(*made: list[Block], **evidence) -> CellReport:
    found = decide(Evidence({CELL: POOL}, [block for group in made for block in group], **evidence))
    assert len(found) == 1
    return found[0]


def test_a_slow_down_is_a_regression() -> None:
    report = judged(blocks(constantly(1.06)))
    assert report.verdict is Verdict.REGRESSED
    assert report.stage is Stage.TRIAL and report.blocks == 24
    assert report.ratio is not None and report.ratio.low < 1.06 < report.ratio.high and report.ratio.low > 1.05
    assert report.null is not None and report.null.contains(1.0)
    assert report.p_slower is not None and report.p_slower < 1e-6


def test_exchanged_arms_turn_the_verdict_round() -> None:
    slower = blocks(constantly(1.06))
    exchanged = [
        replace(block, times={Arm.BASE: block.times[Arm.NEW], Arm.NEW: block.times[Arm.BASE], Arm.NULL: block.times[Arm.NEW]})
        for block in slower
    ]
    assert judged(exchanged).verdict is Verdict.IMPROVED


@pytest.mark.parametrize("ratio", [1.0, 1.015, 0.985])
def test_a_change_within_the_band_is_none(ratio: float) -> None:
    assert judged(blocks(constantly(ratio))).verdict is Verdict.EQUIVALENT


def test_a_certain_change_at_the_edge_of_the_band_is_no_regression() -> None:
    report = judged(blocks(constantly(1.029), noise=0.004))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.detectable is not None and 0.03 < report.detectable < 0.06
    assert "would have shown" in report.reason


def test_a_slow_down_in_two_layouts_is_one_of_place() -> None:
    report = judged(blocks(lambda _, layout: 1.12 if layout < 2 else 1.0, rounds=48, noise=0.001))
    assert report.verdict is not Verdict.REGRESSED
    # Enough blocks beyond the band to be certain, and yet two layouts that show nothing.
    certain = [block for block in blocks(lambda _, layout: 1.12 if layout < 2 else 1.008, rounds=48) if block.layout < 2]
    rest = [block for block in blocks(lambda _, layout: 1.008, rounds=8) if block.layout >= 2]
    report = judged(certain, rest)
    assert report.verdict is Verdict.INCONCLUSIVE and "2 of 4 layouts" in report.reason


def test_three_layouts_are_enough() -> None:
    report = judged(blocks(lambda _, layout: 1.0 if layout == 0 else 1.08, rounds=40))
    assert report.verdict is Verdict.REGRESSED
    assert sorted(report.layouts)[0] < 1.01 < sorted(report.layouts)[1]


def test_a_null_arm_that_moves_is_not_to_be_trusted() -> None:
    report = judged(blocks(constantly(1.06), null=constantly(1.03)))
    assert report.verdict is Verdict.UNTRUSTED
    assert "3.0 % longer" in report.reason or "2.9 % longer" in report.reason or "3.1 % longer" in report.reason


def test_a_null_arm_within_half_the_band_is_trusted() -> None:
    assert judged(blocks(constantly(1.06), null=constantly(1.01))).verdict is Verdict.REGRESSED


def test_a_disturbed_machine_is_not_to_be_trusted_whatever_it_shows() -> None:
    report = judged(blocks(constantly(1.5), disturbed=12))
    assert report.verdict is Verdict.UNTRUSTED
    assert "12 of 24 blocks were disturbed" in report.reason and "others used 50 %" in report.reason
    assert report.disturbed == 12


def test_a_few_disturbed_blocks_are_left_out() -> None:
    hogged = blocks(constantly(1.0), rounds=32, disturbed=8)
    slowed = [replace(block, times={**block.times, Arm.NEW: block.times[Arm.NEW] * 2}) if not block.is_clean else block
              for block in hogged]  # fmt: skip
    report = judged(slowed)
    assert report.verdict is Verdict.EQUIVALENT and report.blocks == 24 and report.disturbed == 8


def test_the_screen_suspects_and_does_not_condemn() -> None:
    screen = blocks(constantly(1.2), stage=Stage.SCREEN, rounds=8)
    evidence = Evidence({CELL: POOL}, screen)
    assert suspects(evidence) == [CELL]
    assert decide(evidence)[0].verdict is Verdict.INCONCLUSIVE
    trial = blocks(constantly(1.0))
    assert judged(screen, trial).verdict is Verdict.EQUIVALENT


def test_the_screen_finds_cells_that_have_not_changed() -> None:
    screen = blocks(stage=Stage.SCREEN, rounds=8)
    assert suspects(Evidence({CELL: POOL}, screen)) == []
    assert judged(screen).verdict is Verdict.EQUIVALENT


@pytest.mark.parametrize("ratio", [1.02, 0.98])
def test_half_a_band_makes_a_suspect(ratio: float) -> None:
    assert suspects(Evidence({CELL: POOL}, blocks(constantly(ratio), stage=Stage.SCREEN, rounds=8))) == [CELL]


def test_a_screen_of_disturbed_blocks_suspects_all_the_same() -> None:
    screen = blocks(constantly(1.2), stage=Stage.SCREEN, rounds=8, disturbed=8)
    assert suspects(Evidence({CELL: POOL}, screen)) == [CELL]


def test_many_suspects_need_stronger_evidence() -> None:
    def at(count: int) -> Verdict:
        names = [f"fine/thread/map/workers:{number}" for number in range(count)]
        made = [block for name in names for block in blocks(lambda number, _: 1.06 if number > 5 else 1.0, cell=name, noise=0.001)]
        return decide(Evidence(dict.fromkeys(names, POOL), made))[0].verdict

    assert at(1) is Verdict.REGRESSED  # 19 of 24 beyond the band: p = 0.0033, and twice that for two trials
    assert at(20) is not Verdict.REGRESSED


def test_a_trial_has_half_of_what_may_go_wrong() -> None:
    def slower(beyond: int) -> CellReport:
        return judged(blocks(lambda number, _: 1.06 if number <= beyond else 1.0, rounds=32, noise=0.001))

    assert slower(24).p_slower == pytest.approx(2 * tests.sign_test(24, 32))
    assert slower(24).verdict is Verdict.REGRESSED  # p = 0.0035: twice that is below 1 %
    assert slower(23).verdict is not Verdict.REGRESSED  # p = 0.0100


def test_the_second_trial_alone_decides() -> None:
    first, second = blocks(constantly(1.06)), blocks(stage=Stage.SECOND_TRIAL, rounds=32)
    report = judged(first, second)
    assert report.verdict is Verdict.EQUIVALENT and report.stage is Stage.SECOND_TRIAL and report.blocks == 32
    slow = [replace(block, stage=Stage.SECOND_TRIAL) for block in blocks(constantly(1.06))]
    assert judged(blocks(null=constantly(1.03)), slow).verdict is Verdict.REGRESSED


def test_a_second_trial_is_a_family_of_its_own() -> None:
    """Nineteen suspects that were cleared weigh nothing on the one that is tried again."""
    names = [f"fine/thread/map/workers:{number}" for number in range(20)]
    shaky = lambda number, _: 1.06 if number > 4 else 1.0  # noqa: E731
    first = [block for name in names for block in blocks(shaky if name == names[0] else one, cell=name, noise=0.001)]
    second = blocks(shaky, stage=Stage.SECOND_TRIAL, cell=names[0], noise=0.001)
    bands = dict.fromkeys(names, POOL)
    assert decide(Evidence(bands, first))[0].verdict is Verdict.INCONCLUSIVE
    found = decide(Evidence(bands, first + second))
    assert found[0].name == names[0] and found[0].verdict is Verdict.REGRESSED
    assert {report.verdict for report in found[1:]} == {Verdict.EQUIVALENT}


def test_a_cell_that_fails_is_never_faster() -> None:
    report = judged(blocks(constantly(0.5)), failures={(Arm.NEW, CELL): "was killed by SIGSEGV"})
    assert report.verdict is Verdict.FAILED and report.reason == "was killed by SIGSEGV"


def test_a_cell_that_failed_in_the_base_cannot_be_compared() -> None:
    for arm in (Arm.BASE, Arm.NULL):
        report = judged(blocks(constantly(1.5)), failures={(arm, CELL): "hangs"})
        assert report.verdict is Verdict.INCONCLUSIVE and "the base failed: hangs" in report.reason


def test_counts_need_no_clock() -> None:
    count = CountChange("instructions", "batch", 1e6, 1.02e6, allowed=0.01)
    report = judged(blocks(constantly(0.9)), counts={CELL: [count]})
    assert report.verdict is Verdict.REGRESSED and report.stage is Stage.COUNTS
    assert report.reason == "instructions a batch rose from 1,000,000 to 1,020,000"
    assert judged(blocks(), counts={CELL: [replace(count, new=1.005e6)]}).verdict is Verdict.EQUIVALENT


def test_new_and_removed_cells_are_told() -> None:
    found = decide(Evidence({}, [], only_new=["a/thread/map/workers:2"], only_base=["b/thread/map/workers:2"]))
    assert [report.verdict for report in found] == [Verdict.REMOVED, Verdict.NEW]


def test_the_gravest_come_first() -> None:
    other = "tiny/thread/map/workers:2"
    found = decide(Evidence({CELL: POOL, other: POOL}, blocks() + blocks(constantly(1.2), cell=other)))
    assert [report.name for report in found] == [other, CELL]


def test_what_was_not_measured_is_inconclusive() -> None:
    report = judged()
    assert report.verdict is Verdict.INCONCLUSIVE and report.stage is None


@pytest.mark.parametrize(
    ("verdicts", "strict", "status"),
    [
        ([Verdict.EQUIVALENT, Verdict.IMPROVED, Verdict.NEW, Verdict.INCONCLUSIVE], False, 0),
        ([Verdict.EQUIVALENT, Verdict.INCONCLUSIVE], True, 3),
        ([Verdict.UNTRUSTED, Verdict.INCONCLUSIVE], True, 4),
        ([Verdict.UNTRUSTED, Verdict.REGRESSED], False, 1),
        ([Verdict.FAILED], False, 1),
        ([Verdict.REMOVED], False, 1),
    ],
)
def test_exit_status(verdicts: list[Verdict], strict: bool, status: int) -> None:
    assert exit_status([CellReport("x", verdict) for verdict in verdicts], strict) == status


def test_no_alarm_where_nothing_is_slower() -> None:
    """Twenty cells whose blocks spread by 3 %, and whose layouts differ by 1 %: 25 runs; scripts/validate-gate has more."""
    names = [f"fine/thread/map/workers:{number}" for number in range(20)]
    for seed in range(25):
        drawn = random.Random(seed)
        place = {(name, layout): math.exp(drawn.gauss(0, 0.01)) for name in names for layout in range(4)}
        made = []
        for index, name in enumerate(names):
            at = lambda _, layout, name=name: place[name, layout]  # noqa: E731
            made += blocks(at, stage=Stage.SCREEN, rounds=8, cell=name, noise=0.02, seed=seed * 100 + index)
        suspected = suspects(Evidence(dict.fromkeys(names, POOL), made))
        for index, name in enumerate(suspected):
            at = lambda _, layout, name=name: place[name, layout]  # noqa: E731
            made += blocks(at, cell=name, noise=0.02, seed=seed * 100 + 50 + index)
        assert exit_status(decide(Evidence(dict.fromkeys(names, POOL), made))) in (0, 4)
