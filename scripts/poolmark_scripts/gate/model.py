"""What the gate speaks of: arms, cells, blocks of samples, verdicts."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import Any

from poolmark_scripts.intervals import Interval


class Arm(enum.Enum):
    """One of the programs that are measured side by side."""

    BASE = "base"
    NEW = "new"
    NULL = "null"  # the base once more, linked in another order: what differs here is no change of the code


class Stage(enum.IntEnum):
    """What a verdict rests on."""

    COUNTS = 0
    SCREEN = 1  # a few rounds of all cells: whom to suspect
    TRIAL = 2  # many rounds of the suspects, and nothing of the screen
    SECOND_TRIAL = 3  # other links and more rounds of what the trial left open, and nothing of the trial

    @property
    def is_trial(self) -> bool:
        """Whether a change can be found in it: the screen only suspects."""
        return self in (Stage.TRIAL, Stage.SECOND_TRIAL)

    @property
    def label(self) -> str:
        """As people read it."""
        return self.name.lower().replace("_", " ")


class Kind(enum.Enum):
    """What a cell's time is made of; each kind has a band of its own."""

    CPU = "CPU-bound"  # one thread that computes
    POOL = "pool"
    IO = "I/O"  # hardly any CPU time


# A change within 1 +- so much is no change: less cannot be told from what differs between two links of one program,
# or between two runs of one link (docs/gate.md has the measurements).
TOLERANCES = {Kind.CPU: 0.02, Kind.POOL: 0.03, Kind.IO: 0.05}


@dataclass(frozen=True)
class Band:
    """What counts as no change of a cell."""

    kind: Kind
    tolerance: float  # a ratio within 1/(1 + tolerance) and 1 + tolerance lies in the band

    @property
    def bound(self) -> float:
        """The logarithm of the largest ratio in it."""
        return math.log1p(self.tolerance)

    @property
    def half(self) -> float:
        """The logarithm of the largest ratio in its middle half."""
        return math.log1p(self.tolerance / 2)


class Verdict(enum.Enum):
    """What is said of a cell; the order is that of the reports."""

    REGRESSED = "regressed"
    FAILED = "failed"
    REMOVED = "removed"
    UNTRUSTED = "untrusted"
    INCONCLUSIVE = "inconclusive"
    IMPROVED = "improved"
    NEW = "new"
    EQUIVALENT = "equivalent"


@dataclass(frozen=True)
class Block:
    """One cell, measured once in each arm, one sample right after the other."""

    cell: str
    stage: Stage
    round: int  # within its stage, from 1
    layout: int  # which of its links each arm ran
    order: tuple[Arm, ...]  # of measuring
    times: dict[Arm, float]  # ns: the median batch of a process
    reasons: tuple[str, ...] = ()  # what disturbed one of the samples; such a block does not count

    @property
    def is_clean(self) -> bool:
        """Whether nothing took the CPUs away from a sample of it."""
        return not self.reasons


@dataclass(frozen=True)
class CountChange:
    """Something counted, not timed, of a cell: in both arms, per task or per batch."""

    what: str  # "instructions", "allocations", ...
    per: str  # "batch", "task" or "pool"
    base: float
    new: float
    allowed: float  # the largest rise that is no regression, as a part of the base; infinite: for information only

    @property
    def change(self) -> float:
        """The rise as a part of the base; a rise from nothing is infinite."""
        if self.base == 0:
            return 0.0 if self.new == 0 else float("inf")
        return self.new / self.base - 1

    @property
    def has_risen(self) -> bool:
        """Whether this alone is a regression."""
        return self.change > self.allowed


@dataclass(frozen=True)
class CellReport:
    """What is known of a cell in the end, and how well."""

    name: str
    verdict: Verdict
    reason: str = ""  # a sentence; empty where the verdict says it all
    band: Band | None = None  # None: never measured
    stage: Stage | None = None  # what the verdict rests on; None: on no measurement
    blocks: int = 0  # that it rests on
    disturbed: int = 0  # blocks of this stage that were left out
    ratio: Interval | None = None  # new / base; above 1 is slower
    null: Interval | None = None  # base linked anew / base: should hold 1
    p_slower: float | None = None  # corrected for the number of suspects and of trials
    p_faster: float | None = None
    layouts: tuple[float, ...] = ()  # new / base of each layout alone
    detectable: float | None = None  # the smallest slow-down that blocks like these would have shown, as a part
    base_ns: float | None = None  # median batch
    counts: tuple[CountChange, ...] = ()


@dataclass(frozen=True)
class ArmFacts:
    """Where an arm came from."""

    name: str  # as the user gave it
    commit: str
    program: str
    sha256: tuple[str, ...]  # of each link, those of a second trial last
    context: dict[str, Any]  # of the program: machine, compiler, flags


@dataclass(frozen=True)
class GateReport:
    """Everything a report needs."""

    base: ArmFacts
    new: ArmFacts
    cells: tuple[CellReport, ...]  # in the order of Verdict
    command: str  # which repeats it
    seed: int
    elapsed_s: float
    repeated: bool = False  # there was a second trial
    partial: bool = False  # interrupted: what had been measured
    notes: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = field(default=(), repr=False)

    def of(self, verdict: Verdict) -> list[CellReport]:
        """The cells with this verdict."""
        return [cell for cell in self.cells if cell.verdict is verdict]
