"""Runs that might have been: recorded rounds of one program against itself, with the labels of both arms exchanged.

Both arms are the same program in the same layouts, so which of two samples of a block was called the base is a matter of
chance, and every exchange of labels is a run that was as likely as the recorded one. A run is a stretch of the recording:
consecutive rounds of all cells for the screen, and others, which do not overlap it, for the trial. So what drifts in the
machine over minutes is in these runs as it is in real ones.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Iterator, Sequence

from poolmark_scripts.gate.deciding import RULES, Evidence, Rules, suspects
from poolmark_scripts.gate.model import Arm, Band, Block, Stage


def pseudo_runs(
    blocks: Sequence[Block], bands: dict[str, Band], count: int, seed: int = 1, rules: Rules = RULES
) -> Iterator[Evidence]:
    """`count` runs out of the recorded rounds, which must be enough for a screen and a trial."""
    drawn = random.Random(seed)
    rounds = max(block.round for block in blocks)
    needed = rules.screen_rounds + rules.trial_rounds
    if rounds < needed:
        raise ValueError(f"{rounds} rounds were recorded; a screen and a trial take {needed}")
    for _ in range(count):
        start = drawn.randrange(rounds)
        numbers = [(start + step) % rounds + 1 for step in range(needed)]
        screen, trial = numbers[: rules.screen_rounds], numbers[rules.screen_rounds :]
        flipped = {id(block): drawn.random() < 0.5 for block in blocks}
        chosen = [_labelled(block, flipped[id(block)], Stage.SCREEN) for block in blocks if block.round in screen]
        suspected = set(suspects(Evidence(bands, chosen)))
        chosen += [
            _labelled(block, flipped[id(block)], Stage.TRIAL)
            for block in blocks if block.round in trial and block.cell in suspected
        ]  # fmt: skip
        yield Evidence(bands, chosen)


def _labelled(block: Block, is_exchanged: bool, stage: Stage) -> Block:
    times = dict(block.times)
    if is_exchanged:
        times[Arm.BASE], times[Arm.NEW] = times[Arm.NEW], times[Arm.BASE]
    return replace(block, stage=stage, times=times)
