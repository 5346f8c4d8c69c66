"""How many rounds a trial has, and of which cells there is a second one. Nothing here decides: a trial that is too short costs
power, one that is too long costs time, and neither can raise a false alarm.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Mapping, Sequence

from poolmark_scripts.gate import statistics as tests
from poolmark_scripts.gate.deciding import RULES, Evidence, Rules, decide, log_ratio
from poolmark_scripts.gate.model import Arm, Block, CellReport, Stage, Verdict

# A trial is made long enough to show a slow-down that lies this far outside its band: 5 % for a pool.
SHOWN_BEYOND = 0.02
QUARTILES_APART = 1.349  # of a normal distribution, in standard deviations


def first_trial(
    evidence: Evidence, names: Sequence[str], block_s: Mapping[str, float], budget_s: float, rules: Rules = RULES
) -> dict[str, int]:
    """How many rounds the trial of each of `names` has. It is fixed before the trial begins, so its blocks are judged once.

    As many as it takes to show a slow-down of a little more than the cell's band, by how far the blocks of its screen lie
    apart. What the budget has beyond the least is given to those who need little first, and nothing of it to a cell that
    scatters so much that no trial would come that far: it stays for those that it helps. `block_s` is what a block takes.
    """
    plan = dict.fromkeys(names, rules.trial_rounds)
    needed = _needed(evidence, names, Stage.SCREEN, len(names), rules)
    left_s = budget_s - seconds_of(plan, block_s)
    for name in sorted(needed, key=needed.__getitem__):
        more = min(needed[name] - rules.trial_rounds, _affordable(left_s, block_s[name], rules))
        plan[name] += more
        left_s -= more * block_s[name]
    return plan


@dataclass(frozen=True)
class SecondTrial:
    """Of what the first one left open."""

    plan: Mapping[str, int]  # rounds by cell
    too_long_s: float = 0.0  # what the cells that cannot be trusted would take, where that is beyond the budget


def second_trial(
    evidence: Evidence, block_s: Mapping[str, float], budget_s: float, rules: Rules = RULES
) -> SecondTrial:
    """Which cells are tried again, and in how many rounds.

    Those that cannot be trusted, in as many rounds as before: with other links they may. And those that still look as if
    they had changed though the rounds did not suffice to say so, if that many can: eight rounds of a screen say little of
    how far a cell's blocks lie apart, the rounds of a trial say it well.
    """
    reports = [report for report in decide(evidence, rules) if report.name in block_s]
    untrusted = [report.name for report in reports if report.verdict is Verdict.UNTRUSTED]
    undecided = [report.name for report in reports if _is_undecided(report)]
    plan = {name: len(evidence.of(name, Stage.TRIAL)) or rules.trial_rounds for name in untrusted}
    untrusted_s = seconds_of(plan, block_s)
    too_long_s = untrusted_s if untrusted_s > budget_s else 0.0
    plan = {} if too_long_s else plan
    left_s = budget_s - seconds_of(plan, block_s)
    needed = _needed(evidence, undecided, Stage.TRIAL, len(plan) + len(undecided), rules)
    for name in sorted(needed, key=needed.__getitem__):
        rounds = min(needed[name], _affordable(left_s, block_s[name], rules))
        if rounds >= rules.trial_rounds:
            plan[name] = rounds
            left_s -= rounds * block_s[name]
    return SecondTrial(plan, too_long_s)


def seconds_of(plan: Mapping[str, int], block_s: Mapping[str, float]) -> float:
    """What measuring so many rounds of each cell takes, if a block takes so long."""
    return sum(count * block_s[cell] for cell, count in plan.items())


def _is_undecided(report: CellReport) -> bool:
    if report.verdict is not Verdict.INCONCLUSIVE or report.stage is not Stage.TRIAL or not (report.band and report.ratio):
        return False
    return abs(math.log(report.ratio.median)) > report.band.half


def _needed(evidence: Evidence, names: Sequence[str], seen_in: Stage, family: int, rules: Rules) -> dict[str, int]:
    """The rounds of each cell in a trial of so many, without those for which none is long enough."""
    rounds = {
        name: tests.rounds_needed(
            _spread(evidence.of(name, seen_in)), evidence.bands[name].bound,
            math.log1p(evidence.bands[name].tolerance + SHOWN_BEYOND), rules.significance / rules.trials / family,
            step=_step(rules), least=rules.trial_rounds, most=rules.most_trial_rounds,
        )
        for name in names
    }  # fmt: skip
    return {name: count for name, count in rounds.items() if count is not None}


def _affordable(left_s: float, block_s: float, rules: Rules) -> int:
    return max(0, int(left_s / block_s)) // _step(rules) * _step(rules)


def _step(rules: Rules) -> int:
    return 2 * rules.layouts  # so that every layout has a part of them


def _spread(blocks: Sequence[Block]) -> float:
    """Of the log ratios of both arms about their medians, as a standard deviation that outliers do not reach."""
    values = []
    for arm in (Arm.NEW, Arm.NULL):
        ratios = [log_ratio(block, arm) for block in blocks]
        values += [value - statistics.median(ratios) for value in ratios]
    if not values:
        return 0.0
    lower, _, upper = statistics.quantiles(values, n=4)
    return (upper - lower) / QUARTILES_APART
