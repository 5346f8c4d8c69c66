"""Rounds of blocks: each cell once a round, its arms one right after the other, both orders drawn anew.

What drifts over seconds drifts for all arms of a block alike and leaves their ratio alone. A block of which something
took the CPUs away is measured again within its round; if that does not help, the last try is kept and marked.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Mapping, Protocol, Sequence

from poolmark_scripts.gate.model import TOLERANCES, Arm, Band, Block, Kind, Stage
from poolmark_scripts.gate.sampling import Sample
from poolmark_scripts.results import CPU_BOUND_FROM

SAMPLE_S = 0.15  # of batches a process: the making of a process and its pool is then no more than the measuring
FEWEST_BATCHES, MOST_BATCHES = 5, 150
FIRST_BATCHES = 9  # of the sample that tells how long a batch takes
SHORTEST_NS = 1e6  # a batch below it is mostly the waking of a core, which takes 13 to 25 us by chance
MOST_TRIES = 3  # of a block in its round
MOST_REPEATS = 1 / 3  # beside every block: beyond that the machine is busy, and repeating would double the run for nothing


class Measures(Protocol):
    """What measures (sampling.Sampler)."""

    def measure(self, program: Path, cell: str, batches: int) -> Sample: ...
    def close(self) -> None: ...


class Display(Protocol):
    """Who is told how it goes on (progress)."""

    def stage_begins(self, stage: Stage, plan: Mapping[str, int]) -> None: ...
    def block_begins(self, stage: Stage, number: int, cell: str) -> None: ...
    def block_ended(self) -> None: ...
    def stage_ended(self) -> None: ...


@dataclass
class Rounds:
    """Measures blocks and keeps them. Raises Interrupted; what was measured until then is in `blocks`."""

    programs: Mapping[Arm, Sequence[Path]]  # the layouts of each
    sampler: Measures
    display: Display
    seed: int
    tolerances: Mapping[Kind, float] = field(default_factory=lambda: TOLERANCES)
    blocks: list[Block] = field(default_factory=list)
    failures: dict[tuple[Arm, str], str] = field(default_factory=dict)
    bands: dict[str, Band] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)
    block_s: dict[str, float] = field(default_factory=dict)  # what the last block of a cell took
    too_short: list[str] = field(default_factory=list)
    repeats: int = 0

    def calibrate(self, cells: Sequence[str]) -> None:
        """Fixes how many batches a sample of each cell has, on the base alone: no arm chooses its own."""
        for cell in cells:
            program = self.programs[Arm.BASE][0]
            first = self.sampler.measure(program, cell, FIRST_BATCHES)
            self.bands[cell] = band_of(cell, first.cpu_share, self.tolerances)
            if first.ns is None:
                self.failures[Arm.BASE, cell] = first.message
                continue
            self.batches[cell] = max(FEWEST_BATCHES, min(MOST_BATCHES, math.ceil(SAMPLE_S * 1e9 / first.ns)))
            if first.ns < SHORTEST_NS:
                self.too_short.append(cell)

    def measure(self, stage: Stage, plan: Mapping[str, int]) -> None:
        """Measures each cell in as many rounds as `plan` says, from the first on."""
        self.display.stage_begins(stage, plan)
        drawn = random.Random(f"{self.seed} {stage.name}")
        first_layout = drawn.randrange(len(self.programs[Arm.BASE]))
        for number in range(1, max(plan.values(), default=0) + 1):
            layout = (first_layout + number) % len(self.programs[Arm.BASE])
            cells = [cell for cell, rounds in plan.items() if number <= rounds]
            for cell in drawn.sample(cells, len(cells)):
                self._block(stage, number, layout, cell, drawn)
        self.display.stage_ended()

    def _block(self, stage: Stage, number: int, layout: int, cell: str, drawn: random.Random) -> None:
        self.display.block_begins(stage, number, cell)
        for attempt in range(1, MOST_TRIES + 1):
            if self._has_failed(cell):
                break
            block = self._measure(stage, number, layout, cell, drawn)
            if block is None:
                break
            may_repeat = attempt < MOST_TRIES and self.repeats <= MOST_REPEATS * (len(self.blocks) + len(self.batches))
            if block.is_clean or not may_repeat:
                self.blocks.append(block)
                break
            self.repeats += 1
        self.display.block_ended()

    def _measure(self, stage: Stage, number: int, layout: int, cell: str, drawn: random.Random) -> Block | None:
        order = tuple(drawn.sample(list(Arm), len(Arm)))
        samples: dict[Arm, Sample] = {}
        for arm in order:
            samples[arm] = self.sampler.measure(self.programs[arm][layout], cell, self.batches[cell])
            if samples[arm].ns is None:
                self.failures[arm, cell] = samples[arm].message
                return None
        self.block_s[cell] = sum(sample.wall_s for sample in samples.values())
        reasons = tuple(
            f"{reason} while {arm.value} was measured" for arm, sample in samples.items() for reason in sample.reasons
        )
        times = {arm: sample.ns for arm, sample in samples.items() if sample.ns is not None}
        return Block(cell, stage, number, layout, order, times, reasons)

    def _has_failed(self, cell: str) -> bool:
        return cell not in self.batches or any((arm, cell) in self.failures for arm in Arm)


def band_of(cell: str, cpu_share: float, tolerances: Mapping[Kind, float]) -> Band:
    """Which kind a cell is of: by what it was seen to use, and by whether a pool is in it at all."""
    if cpu_share < CPU_BOUND_FROM:
        kind = Kind.IO
    else:
        kind = Kind.CPU if cell.split("/")[1] == "sequential" else Kind.POOL
    return Band(kind, tolerances[kind])
