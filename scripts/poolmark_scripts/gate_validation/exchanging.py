"""Runs that might have been: recorded rounds of one program against itself, with the labels of both arms exchanged.

Both arms are the same program in the same layouts, so which of two samples of a block was called the base is a matter of
chance, and every exchange of labels is a run that was as likely as the recorded one. A run is a stretch of the recording:
consecutive rounds of all cells for the screen, and others, which do not overlap it, for both trials. So what drifts in the
machine over minutes is in these runs as it is in real ones.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Iterable, Iterator, Sequence

from poolmark_scripts.gate.deciding import RULES, Evidence, Rules, suspects
from poolmark_scripts.gate.model import Arm, Band, Block, Stage
from poolmark_scripts.gate.planning import second_trial

A_BUDGET_FOR_ALL_S = 1e6


def pseudo_runs(
    blocks: Sequence[Block], bands: dict[str, Band], count: int, seed: int = 1, rules: Rules = RULES
) -> Iterator[Evidence]:
    """`count` runs out of the recorded rounds, which must be enough for a screen and two trials."""
    drawn = random.Random(seed)
    rounds = max(block.round for block in blocks)
    screen_ends, trial_ends = rules.screen_rounds, rules.screen_rounds + rules.trial_rounds
    needed = trial_ends + rules.trial_rounds
    if rounds < needed:
        raise ValueError(f"{rounds} rounds were recorded; a screen and two trials take {needed}")
    for _ in range(count):
        start = drawn.randrange(rounds)
        numbers = [(start + step) % rounds + 1 for step in range(needed)]
        labelled = [_labelled(block, drawn.random() < 0.5) for block in blocks]
        seen = _stage(Stage.SCREEN, labelled, numbers[:screen_ends], bands)
        seen += _stage(Stage.TRIAL, labelled, numbers[screen_ends:trial_ends], suspects(Evidence(bands, seen)))
        again = second_trial(Evidence(bands, seen), dict.fromkeys(bands, 1.0), A_BUDGET_FOR_ALL_S, rules).plan
        yield Evidence(bands, seen + _stage(Stage.SECOND_TRIAL, labelled, numbers[trial_ends:], again))


def _stage(stage: Stage, blocks: Sequence[Block], rounds: Sequence[int], cells: Iterable[str]) -> list[Block]:
    chosen = set(cells)
    return [replace(block, stage=stage) for block in blocks if block.round in rounds and block.cell in chosen]


def _labelled(block: Block, is_exchanged: bool) -> Block:
    times = dict(block.times)
    if is_exchanged:
        times[Arm.BASE], times[Arm.NEW] = times[Arm.NEW], times[Arm.BASE]
    return replace(block, times=times)
