"""What other rules would have said of the same rounds, for the table in docs/gate.md."""

from __future__ import annotations

import statistics
from typing import Callable, Mapping, Sequence

from poolmark_scripts.gate.model import Arm, Block, Stage
from poolmark_scripts.judging import p_greater

Rule = Callable[[Sequence[float], Sequence[float]], bool]


def fixed_threshold(base: Sequence[float], new: Sequence[float]) -> bool:
    """The first number of each beside the other: slower by more than 5 %?"""
    return new[0] / base[0] > 1.05


def threshold_of_medians(base: Sequence[float], new: Sequence[float]) -> bool:
    """The same of the medians of all rounds."""
    return statistics.median(new) / statistics.median(base) > 1.05


def rank_sum(base: Sequence[float], new: Sequence[float]) -> bool:
    """Google Benchmark's compare.py: an unpaired U test at 5 %, for each cell alone. Its test has two sides; an alarm is
    one of them."""
    return 2 * min(p_greater(new, base), p_greater(base, new)) < 0.05 and statistics.median(new) > statistics.median(base)


RULES: Mapping[str, Rule] = {
    "5 % threshold, one run each": fixed_threshold,
    "5 % threshold, medians of 8": threshold_of_medians,
    "compare.py: U test, p < 5 %": rank_sum,
}


def alarms(blocks: Sequence[Block], rule: Rule) -> list[str]:
    """The cells that a rule calls slower, by the screen's rounds: all cells have these."""
    found = []
    for cell in dict.fromkeys(block.cell for block in blocks):
        mine = [block for block in blocks if block.cell == cell and block.stage is Stage.SCREEN]
        base, new = ([block.times[arm] for block in mine] for arm in (Arm.BASE, Arm.NEW))
        if mine and rule(base, new):
            found.append(cell)
    return found
