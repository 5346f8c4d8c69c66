"""The experiments of the validation, and what each of them is to show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from poolmark_scripts.gate.model import Verdict

POOL_CELL = "fine/thread/map/workers:2"
# So much of a batch of it is the kernel, the rest hands tasks out: 10 % more kernel took 8.25 % longer on one machine and
# 8.53 % on another.
KERNEL_SHARE = 0.84
KERNEL_CELL = "fine/sequential/map/workers:1"
LOCK_CELL = "tiny/thread/as_completed/workers:2"
# Eight cells are enough to see what a slow-down of one of them looks like.
FEW = "^(fine|tiny)/(sequential|thread)/"


@dataclass(frozen=True)
class Experiment:
    """Runs of the gate that are alike."""

    name: str
    what: str  # as the table says it
    runs: int
    injected: Mapping[str, object] = field(default_factory=dict)  # values of bench/gate/injected.hpp
    edit: str = ""  # of builds.EDITS
    relinked: bool = False  # the new build is the base, linked in another order
    sabotage: str = ""  # of sabotage.KINDS
    exchanged: bool = False  # the slower build is the base
    cells: str | None = None  # a part of them
    cell: str = ""  # of which a verdict is expected
    expected: tuple[Verdict, ...] = ()  # of `cell`, or of every cell
    counts: bool = False

    @property
    def is_null(self) -> bool:
        """Whether nothing was made slower, so that every alarm is a false one."""
        return not self.injected and not self.edit.startswith("without") and not self.edit.startswith("wrong")


def _slower(percent: int, runs: int, cells: str | None = FEW) -> Experiment:
    return Experiment(
        f"slower-{percent}", f"one cell of a thread pool {percent} % slower, by more work in its tasks", runs,
        injected={"kCell": POOL_CELL, "kMoreOfTheKernel": round(percent / 100 / KERNEL_SHARE, 4)}, cells=cells, cell=POOL_CELL,
        expected=(Verdict.REGRESSED,),
    )  # fmt: skip


NOTHING_FOUND = (Verdict.EQUIVALENT, Verdict.INCONCLUSIVE, Verdict.UNTRUSTED)
ALARM = (Verdict.REGRESSED,)

EXPERIMENTS = (
    Experiment("same", "the same program twice", 10),
    Experiment("relinked", "the base linked in another order", 10, relinked=True),
    Experiment("comment", "the base built again with a comment changed", 10, edit="comment"),
    _slower(5, 20, cells=None),
    _slower(8, 20),
    Experiment("kernel-2", "2 % more work in a counted kernel", 20,
               injected={"kCell": KERNEL_CELL, "kMoreOfTheKernel": 0.02}, cells="^fine/", cell=KERNEL_CELL, expected=ALARM,
               counts=True),  # fmt: skip
    *(_slower(percent, 5) for percent in (1, 2, 3, 10)),
    *(
        Experiment(f"everywhere-{percent}", f"{percent} % more work in every cell that computes", 3,
                   injected={"kMoreOfTheKernel": percent / 100}, cells="^fine/", cell=POOL_CELL, expected=ALARM)
        for percent in (2, 5, 8)
    ),
    Experiment("overhead", "20 steps (26 ns) more in each task of 0.3 us", 3, injected={"kCell": LOCK_CELL, "kStepsMore": 20},
               cells=FEW, cell=LOCK_CELL),
    Experiment("allocation", "an allocation more in each task of 0.3 us", 3, injected={"kCell": LOCK_CELL, "kAllocations": 1},
               cells=FEW, cell=LOCK_CELL, expected=ALARM, counts=True),
    Experiment("lock", "50 steps under a lock in each task of 0.3 us", 3, injected={"kCell": LOCK_CELL, "kStepsLocked": 50},
               cells=FEW, cell=LOCK_CELL),
    Experiment("nap-8", "naps that are 8 % longer", 3, injected={"kCell": "naps/thread/map/workers:8", "kMoreOfTheNap": 0.08},
               cells="^naps/", cell="naps/thread/map/workers:8", expected=ALARM),
    Experiment("hog", "a program that wants every CPU, from the middle of the run", 3, sabotage="hog", cells=FEW,
               expected=NOTHING_FOUND),
    Experiment("starved", "one that wants every CPU while the new build runs, and never else", 3, sabotage="starved", cells=FEW,
               expected=NOTHING_FOUND),
    Experiment("truncated", "the new build writes half a results file", 1, sabotage="truncated", cells=FEW, cell=POOL_CELL,
               expected=(Verdict.FAILED,)),
    Experiment("nan", "the new build writes a time that is no number", 1, sabotage="nan", cells=FEW, cell=POOL_CELL,
               expected=(Verdict.FAILED,)),
    Experiment("missing", "a cell that the new build has not", 1, edit="without naps", cells="^(naps|fine)/thread/",
               cell="naps/thread/map/workers:8", expected=(Verdict.REMOVED,)),
    Experiment("failed", "a cell whose results are wrong", 1, edit="wrong results", cells=FEW, cell=POOL_CELL,
               expected=(Verdict.FAILED,)),
    Experiment("exchanged", "the slower build as the base", 3, injected={"kCell": POOL_CELL, "kMoreOfTheKernel": 0.1},
               exchanged=True, cells=FEW, cell=POOL_CELL, expected=(Verdict.IMPROVED,)),
)  # fmt: skip
BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS}
NULLS = ("same", "relinked", "comment")

# Recorded for exchanging.py: rounds of all cells, both arms the same program.
RECORDING = "recording"
RECORDED_ROUNDS = 64
