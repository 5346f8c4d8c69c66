"""Made reports of the gate: one with every verdict, and one decided from made blocks."""

from __future__ import annotations

import math
import random
from typing import Any, Sequence

import sample_data
from poolmark_scripts.gate import deciding
from poolmark_scripts.gate.model import (
    Arm, ArmFacts, Band, Block, CellReport, CountChange, GateReport, Kind, Stage, TOLERANCES, Verdict,
)  # fmt: skip
from poolmark_scripts.intervals import Interval

NASTY = 'a|b\n<x> 50 % "q" `c` @everyone \x1b[31m{0} [d](e)'
POOL = Band(Kind.POOL, TOLERANCES[Kind.POOL])
COMMAND = "scripts/gate --seed=7 main --cells '^(tiny|sum)/'"
ARMS = (Arm.BASE, Arm.NEW, Arm.NULL)


def facts(name: str, commit: str, **context: Any) -> ArmFacts:
    return ArmFacts(name, commit * 20, f"build/gate/{name}/bench/gate", ("ab" * 32,) * 4, sample_data.context(**context))


def ratio(middle: float, half_width: float = 0.01) -> Interval:
    return Interval(middle, middle * (1 - half_width), middle * (1 + half_width))


def cell(name: str, verdict: Verdict, middle: float | None = None, **more: Any) -> CellReport:
    """A measured cell if it has a ratio, of a trial if it changed."""
    known: dict[str, Any] = {}
    if middle is not None:
        changed = verdict in (Verdict.REGRESSED, Verdict.IMPROVED)
        known = {
            "band": POOL, "stage": Stage.TRIAL if changed else Stage.SCREEN, "blocks": 24 if changed else 8,
            "ratio": ratio(middle), "null": ratio(1.001, 0.006), "detectable": 0.042, "base_ns": 61.5e6,
            "p_slower": 0.0002 if verdict is Verdict.REGRESSED else 1.0 if changed else None,
            "p_faster": 0.0002 if verdict is Verdict.IMPROVED else 1.0 if changed else None,
            "layouts": tuple(middle * (1 + shift) for shift in (-0.006, -0.001, 0.002, 0.005)),
        }  # fmt: skip
    return CellReport(name, verdict, **{**known, **more})


def report(cells: Sequence[CellReport], **more: Any) -> GateReport:
    """The cells in the order of reports."""
    order = list(Verdict)
    known: dict[str, Any] = {
        "base": facts("main", "0a"), "new": facts("working tree", "1b"), "command": COMMAND, "seed": 7,
        "elapsed_s": 754.2, "notes": (),
    }  # fmt: skip
    made = sorted(cells, key=lambda one: order.index(one.verdict))
    return GateReport(cells=tuple(made), **{**known, **more})


def counts(new: float = 1250.0) -> tuple[CountChange, ...]:
    return (CountChange("instructions", "task", 1000.0, new, 0.01), CountChange("allocations", "batch", 0.0, 0.0, 0.0))


def every_verdict() -> GateReport:
    """Each verdict, with the reasons and gaps that it comes with."""
    return report([
        cell("sum/thread/map/workers:2", Verdict.REGRESSED, 1.121),
        cell("tiny/thread/submit/workers:2", Verdict.REGRESSED, 1.004, stage=Stage.COUNTS, counts=counts(),
             reason="instructions a task rose from 1,000 to 1,250"),
        cell("tiny/process/map/workers:2", Verdict.FAILED, 0.2, reason=NASTY),
        cell("skewed/process/as_completed/workers:2", Verdict.REMOVED, reason="only the base has it"),
        cell("primes/thread/map/workers:2", Verdict.UNTRUSTED, 1.06, disturbed=11, blocks=13, stage=Stage.TRIAL,
             reason="11 of 24 blocks were disturbed; for one, other programs used 31 % of the CPUs"),
        cell("primes/process/map/workers:2", Verdict.INCONCLUSIVE, 1.018,
             reason="a slow-down of 4.2 % or more would have shown"),
        cell("sleep/thread/map/workers:8", Verdict.INCONCLUSIVE, reason="was not measured", band=POOL),
        cell("sum/process/map/workers:2", Verdict.IMPROVED, 0.89),
        cell("tiny/process/map_unordered/workers:2", Verdict.NEW, reason="only the new build has it"),
        *(cell(f"even/thread/map/workers:{count}", Verdict.EQUIVALENT, 1 + 0.002 * count) for count in range(1, 8)),
    ], notes=("The counter of instructions was not available.",),
       blocks=(block("sum/thread/map/workers:2", Stage.SCREEN, 1, {Arm.NEW: 1.1}, ("stolen",)),))  # fmt: skip


def many(count: int, seed: int = 1) -> GateReport:
    """So many cells of mixed verdicts."""
    drawn = random.Random(seed)
    names = [
        f"{workload}/{executor}/{pattern}/workers:{workers}"
        for workers in (2, 4, 16) for workload in ("primes", "sum", "skewed", "tiny", "sleep")
        for executor in ("thread", "process") for pattern in ("map", "as_completed")
    ]  # fmt: skip
    verdicts = [Verdict.REGRESSED] * 2 + [Verdict.UNTRUSTED] + [Verdict.INCONCLUSIVE] * 7 + [Verdict.IMPROVED]
    middles = {Verdict.REGRESSED: 1.09, Verdict.UNTRUSTED: 1.05, Verdict.INCONCLUSIVE: 1.015, Verdict.IMPROVED: 0.93}
    made = []
    for index, name in zip(range(count), names):
        verdict = verdicts[index] if index < len(verdicts) else Verdict.EQUIVALENT
        middle = middles.get(verdict, 1.0) * math.exp(drawn.gauss(0, 0.008))
        made.append(cell(name, verdict, middle, ratio=ratio(middle, drawn.uniform(0.004, 0.015))))
    return report(made)


# ---- decided from blocks -----------------------------------------------------------------------------------------


def block(name: str, stage: Stage, number: int, factors: dict[Arm, float], reasons: tuple[str, ...] = ()) -> Block:
    times = {arm: 50e6 * factors.get(arm, 1.0) for arm in ARMS}
    return Block(name, stage, number, number % 4, ARMS, times, reasons)


def blocks(name: str, stage: Stage, count: int, slower: float, noise: float = 0.006, disturbed: int = 0) -> list[Block]:
    """Rounds of a cell whose new build is slower by that factor; the last of them disturbed."""
    drawn = random.Random(f"{name} {stage}")
    made = []
    for number in range(1, count + 1):
        factors = {arm: math.exp(drawn.gauss(0, noise)) * (slower if arm is Arm.NEW else 1.0) for arm in ARMS}
        reasons = ("other programs used 31 % of the CPUs",) if number > count - disturbed else ()
        made.append(block(name, stage, number, factors, reasons))
    return made


def decided(**more: Any) -> GateReport:
    """A report as a run has it: a slow cell, one that was disturbed, one too noisy, and two without a change."""
    slow, shaky, noisy, *quiet = names = [
        "sum/thread/map/workers:2", "sum/process/map/workers:2", "sleep/thread/map/workers:8",
        "primes/thread/map/workers:2", "primes/process/map/workers:2",
    ]  # fmt: skip
    measured = [one for name in (slow, shaky) for one in blocks(name, Stage.SCREEN, 8, 1.1)]
    measured += blocks(slow, Stage.TRIAL, 24, 1.1) + blocks(shaky, Stage.TRIAL, 24, 1.1, disturbed=15)
    measured += blocks(noisy, Stage.SCREEN, 8, 1.0, noise=0.04)
    measured += [one for name in quiet for one in blocks(name, Stage.SCREEN, 8, 1.0)]
    evidence = deciding.Evidence({name: POOL for name in names}, measured)
    return report(deciding.decide(evidence), blocks=tuple(measured), **more)
