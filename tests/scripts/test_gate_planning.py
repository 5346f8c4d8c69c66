"""How long the trials of scripts/gate are, and of which cells there is a second one."""

from __future__ import annotations

import pytest
from poolmark_scripts.gate.deciding import Evidence, decide
from poolmark_scripts.gate.model import Block, Stage, Verdict
from poolmark_scripts.gate.planning import SecondTrial, first_trial, second_trial
from test_gate_deciding import CELL, POOL, blocks, constantly

PLENTY_S = 1000.0


def first(noise: float, budget_s: float = PLENTY_S) -> int:
    screen = blocks(stage=Stage.SCREEN, rounds=8, noise=noise)
    return first_trial(Evidence({CELL: POOL}, screen), [CELL], {CELL: 1.0}, budget_s)[CELL]


def second(*made: list[Block], budget_s: float = PLENTY_S, block_s: float = 1.0) -> SecondTrial:
    evidence = Evidence({CELL: POOL}, [block for group in made for block in group])
    return second_trial(evidence, {CELL: block_s}, budget_s)


def test_a_noisy_cell_gets_a_longer_trial() -> None:
    assert first(0.004) == 24
    assert 24 < first(0.02) < first(0.025) <= 128
    assert first(0.025, budget_s=24) == first(0.025, budget_s=1) == 24
    assert first(0.025, budget_s=24 + 9) == 32, "in steps that every layout has a part of"


def test_the_budget_goes_to_the_cells_that_it_helps() -> None:
    quiet, noisy, hopeless = ("fine/thread/map/workers:2", "tiny/thread/map/workers:2", "tiny/process/map/workers:2")
    names = [hopeless, noisy, quiet]
    screen = [
        block
        for name, noise in ((quiet, 0.015), (noisy, 0.02), (hopeless, 0.3))
        for block in blocks(stage=Stage.SCREEN, rounds=8, cell=name, noise=noise)
    ]
    evidence = Evidence(dict.fromkeys(names, POOL), screen)
    plenty = first_trial(evidence, names, dict.fromkeys(names, 1.0), PLENTY_S)
    assert list(plenty) == names and plenty[hopeless] == 24 < plenty[quiet] < plenty[noisy]
    scarce = first_trial(evidence, names, dict.fromkeys(names, 1.0), 3 * 24 + plenty[quiet] - 24 + 8)
    assert scarce == {**plenty, noisy: 32}


def test_a_trial_that_says_something_is_the_last() -> None:
    assert second(blocks()) == SecondTrial({})
    assert second(blocks(constantly(1.08))) == second(blocks(constantly(0.92))) == SecondTrial({})
    assert second(blocks(stage=Stage.SCREEN, rounds=8, noise=0.02)) == SecondTrial({}), "it was not suspected"


@pytest.mark.parametrize("ratio", [1.045, 0.957])
def test_what_looks_changed_and_was_too_noisy_is_tried_again_for_longer(ratio: float) -> None:
    noisy = blocks(constantly(ratio), noise=0.025, seed=5)
    (report,) = decide(Evidence({CELL: POOL}, noisy))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert 24 < second(noisy).plan[CELL] <= 128


def test_what_looks_unchanged_is_not_tried_again() -> None:
    noisy = blocks(constantly(1.01), noise=0.025, seed=5)
    (report,) = decide(Evidence({CELL: POOL}, noisy))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert second(noisy) == SecondTrial({})


def test_what_no_trial_can_decide_is_not_tried_again() -> None:
    assert second(blocks(constantly(1.1), noise=0.3, seed=5)) == SecondTrial({})


def test_a_second_trial_fits_into_the_budget() -> None:
    noisy = blocks(constantly(1.045), noise=0.025, seed=5)
    assert second(noisy, budget_s=33.0) == SecondTrial({CELL: 32})
    assert second(noisy, budget_s=23.0) == SecondTrial({}), "with fewer rounds than the least it would say nothing"


def test_whoever_is_tried_beside_a_cell_makes_its_trial_longer() -> None:
    others = [f"tiny/thread/map/workers:{number}" for number in range(20)]
    moved = [block for name in others for block in blocks(null=constantly(1.03), cell=name)]
    noisy = blocks(constantly(1.045), noise=0.02, seed=5)
    names = [CELL, *others]
    found = second_trial(Evidence(dict.fromkeys(names, POOL), noisy + moved), dict.fromkeys(names, 1.0), PLENTY_S)
    assert set(found.plan) == set(names) and second(noisy).plan[CELL] < found.plan[CELL] <= 128


def test_what_cannot_be_trusted_is_tried_again() -> None:
    moved = blocks(constantly(1.06), null=constantly(1.03), rounds=40)
    assert second(moved) == SecondTrial({CELL: 40})
    assert second(moved, budget_s=39.0) == SecondTrial({}, too_long_s=40.0)
    assert second(blocks(stage=Stage.SCREEN, rounds=8, disturbed=8)) == SecondTrial({CELL: 24})
