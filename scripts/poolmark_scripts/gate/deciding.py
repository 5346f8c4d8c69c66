"""A verdict for each cell, from recorded blocks alone: the same blocks always give the same verdicts.

The screen only says whom to suspect. The verdict on a suspect rests on the trial's blocks, which were measured after it
was suspected: a cell that looked slow by chance looks so in the screen and nowhere else. What a trial leaves open can have
a second one, and is judged on that alone for the same reason.
"""

from __future__ import annotations

import collections
import math
import statistics
from dataclasses import dataclass, field, replace
from typing import Iterable, Mapping, Sequence

from poolmark_scripts.gate import statistics as tests
from poolmark_scripts.gate.model import Arm, Band, Block, CellReport, CountChange, Stage, Verdict
from poolmark_scripts.gate.wording import number, would_have_shown
from poolmark_scripts.intervals import Interval, median_interval
from poolmark_scripts.judging import holm
from poolmark_scripts.units import percent


@dataclass(frozen=True)
class Rules:
    """What is asked of the evidence."""

    significance: float = 0.01  # of all alarms of a run together
    equivalence: float = 0.05  # of each cell that is called equivalent
    trials: int = 2  # at most, of a cell; what may go wrong is divided among them
    screen_rounds: int = 8
    trial_rounds: int = 24  # at least
    most_trial_rounds: int = 128
    least_clean: float = 2 / 3  # of the blocks; with fewer the machine was too disturbed to say anything
    layouts: int = 4
    agreeing: int = 3  # layouts that must show what is called a change


RULES = Rules()


@dataclass(frozen=True)
class Evidence:
    """All that a run has found out."""

    bands: Mapping[str, Band]  # of each cell that both arms have, in the order of the report
    blocks: Sequence[Block]
    failures: Mapping[tuple[Arm, str], str] = field(default_factory=dict)  # what went wrong, by arm and cell
    only_new: Sequence[str] = ()
    only_base: Sequence[str] = ()
    counts: Mapping[str, Sequence[CountChange]] = field(default_factory=dict)

    def of(self, cell: str, stage: Stage) -> list[Block]:
        """The blocks of a cell in a stage."""
        return [block for block in self.blocks if block.cell == cell and block.stage is stage]


def log_ratio(block: Block, arm: Arm = Arm.NEW) -> float:
    """Of the arm's time to the base's: above 0 is slower."""
    return math.log(block.times[arm] / block.times[Arm.BASE])


def suspects(evidence: Evidence) -> list[str]:
    """Cells whose screen leaves the middle half of their band, or whose null arm leaves the whole of it for certain."""
    return [name for name, band in evidence.bands.items() if _is_suspect(evidence, name, band)]


def _is_suspect(evidence: Evidence, name: str, band: Band) -> bool:
    blocks = evidence.of(name, Stage.SCREEN)
    if not blocks or _failed(evidence, name):
        return False
    # Where nothing is clean all of it counts: to be suspected costs time and decides nothing.
    seen = [block for block in blocks if block.is_clean] or blocks
    if abs(statistics.median(log_ratio(block) for block in seen)) > band.half:
        return True
    return _is_sure([log_ratio(block, Arm.NULL) for block in seen], band.bound, RULES.significance)


def decide(evidence: Evidence, rules: Rules = RULES) -> list[CellReport]:
    """The report of every cell, the gravest verdict first."""
    judged: dict[str, CellReport] = {}
    for stage in (Stage.TRIAL, Stage.SECOND_TRIAL):
        judged.update((report.name, report) for report in _judge_trial(evidence, stage, rules))
    reports = [judged.get(name) or _judge_screen(evidence, name, rules) for name in evidence.bands]
    reports += [CellReport(name, Verdict.NEW, "only the new build has it") for name in evidence.only_new]
    reports += [CellReport(name, Verdict.REMOVED, "only the base has it") for name in evidence.only_base]
    reports = [_with_failure(_with_counts(report, evidence), evidence) for report in reports]
    order = list(Verdict)
    return sorted(reports, key=lambda report: order.index(report.verdict))


def exit_status(cells: Iterable[CellReport], strict: bool = False) -> int:
    """0 nothing found, 1 a cell regressed, failed or removed, 3 inconclusive cells under `strict`, 4 cells not to be
    trusted."""
    verdicts = {cell.verdict for cell in cells}
    if verdicts & {Verdict.REGRESSED, Verdict.FAILED, Verdict.REMOVED}:
        return 1
    if Verdict.UNTRUSTED in verdicts:
        return 4
    return 3 if strict and Verdict.INCONCLUSIVE in verdicts else 0


# ---- one cell --------------------------------------------------------------------------------------------------


def _judge_trial(evidence: Evidence, stage: Stage, rules: Rules) -> list[CellReport]:
    """The cells of one trial are a family: each trial has its share of the false alarms, whoever comes into the next."""
    names = [name for name in evidence.bands if evidence.of(name, stage) and not _failed(evidence, name)]
    seen = {name: _seen(evidence, name, stage, rules) for name in names}
    # Cells that nothing is said of still count as tested: that they were too disturbed came to light by measuring them.
    slower = _corrected([tests.p_above(seen[name].new, evidence.bands[name].bound) for name in names], rules)
    faster = _corrected([tests.p_below(seen[name].new, -evidence.bands[name].bound) for name in names], rules)
    return [
        _trial_verdict(seen[name], replace(seen[name].report, p_slower=slow, p_faster=fast), len(names), rules)
        for name, slow, fast in zip(names, slower, faster)
    ]


def _corrected(p_values: list[float], rules: Rules) -> list[float]:
    return [min(1.0, rules.trials * p) for p in holm(p_values)]


def _judge_screen(evidence: Evidence, name: str, rules: Rules) -> CellReport:
    seen = _seen(evidence, name, Stage.SCREEN, rules)
    if not seen.new and not seen.report.disturbed:
        return replace(seen.report, verdict=Verdict.INCONCLUSIVE, reason="was not measured", stage=None)
    return _distrusted(seen, rules) or _without_change(seen, 1, rules)


@dataclass(frozen=True)
class _Seen:
    """The blocks of a cell that count, as log ratios, and the report so far."""

    report: CellReport
    band: Band
    new: list[float]
    null: list[float]
    by_layout: list[float]  # medians of the new arm's
    reasons: list[str]


def _seen(evidence: Evidence, name: str, stage: Stage, rules: Rules) -> _Seen:
    blocks = evidence.of(name, stage)
    clean = [block for block in blocks if block.is_clean]
    band = evidence.bands[name]
    new, null = ([log_ratio(block, arm) for block in clean] for arm in (Arm.NEW, Arm.NULL))
    by_layout: dict[int, list[float]] = collections.defaultdict(list)
    for block, value in zip(clean, new):
        by_layout[block.layout].append(value)
    layouts = [statistics.median(values) for _, values in sorted(by_layout.items())]
    bound, needs = band.bound, rules.significance / rules.trials if stage.is_trial else rules.equivalence
    shift = tests.detectable(new, bound, needs) if new else None
    report = CellReport(
        name, Verdict.INCONCLUSIVE, band=band, stage=stage, blocks=len(clean), disturbed=len(blocks) - len(clean),
        ratio=_ratio(new), null=_ratio(null), layouts=tuple(math.exp(value) for value in layouts),
        detectable=None if shift is None else math.expm1(shift),
        base_ns=statistics.median(block.times[Arm.BASE] for block in clean) if clean else None,
        counts=tuple(evidence.counts.get(name, ())),
    )  # fmt: skip
    reasons = [reason for block in blocks for reason in block.reasons]
    return _Seen(report, band, new, null, layouts, reasons)


def _trial_verdict(seen: _Seen, report: CellReport, family: int, rules: Rules) -> CellReport:
    if distrusted := _distrusted(replace(seen, report=report), rules):
        return distrusted
    for p, sign, verdict, word in (
        (report.p_slower, 1, Verdict.REGRESSED, "slower"), (report.p_faster, -1, Verdict.IMPROVED, "faster"),
    ):  # fmt: skip
        assert p is not None
        if p > rules.significance:
            continue
        agreeing = sum(sign * value > seen.band.half for value in seen.by_layout)
        if agreeing >= rules.agreeing:
            return replace(report, verdict=verdict)
        return replace(report, reason=f"{word} in {agreeing} of {len(seen.by_layout)} layouts only: it hangs on where "
                                      "the linker puts the code, not on what it does")  # fmt: skip
    return _without_change(replace(seen, report=report), family, rules)


def _distrusted(seen: _Seen, rules: Rules) -> CellReport | None:
    """Why nothing can be said of the cell; None if something can."""
    if len(seen.new) < rules.least_clean * (seen.report.blocks + seen.report.disturbed):
        return replace(seen.report, verdict=Verdict.UNTRUSTED, reason=(
            f"{seen.report.disturbed} of {seen.report.blocks + seen.report.disturbed} blocks were disturbed; for one, "
            f"{seen.reasons[0]}"))  # fmt: skip
    if seen.report.stage is not Stage.SCREEN and _is_sure(seen.null, seen.band.half, rules.significance):
        middle = statistics.median(seen.null)
        return replace(seen.report, verdict=Verdict.UNTRUSTED, reason=(
            f"the base itself, linked in another order, took {percent_change(math.expm1(middle))}: no code was changed "
            "there"))  # fmt: skip
    return None


def _without_change(seen: _Seen, family: int, rules: Rules) -> CellReport:
    report = seen.report
    trials = 1 if report.stage is Stage.SCREEN else rules.trials
    if seen.new and trials * tests.p_within(seen.new, seen.band.bound) <= rules.equivalence:
        return replace(report, verdict=Verdict.EQUIVALENT)
    if report.detectable is None:
        return replace(report, reason=f"{report.blocks} blocks are too few to tell")
    detectable = report.detectable
    if family > 1:
        shift = tests.detectable(seen.new, seen.band.bound, rules.significance / rules.trials / family)
        if shift is None:
            return replace(report, detectable=None, reason=f"{report.blocks} blocks are too few for {family} suspects at once")
        detectable = math.expm1(shift)
    return replace(report, detectable=detectable, reason=would_have_shown(detectable))


# ---- what overrules the clock ----------------------------------------------------------------------------------


def _with_counts(report: CellReport, evidence: Evidence) -> CellReport:
    risen = [count for count in evidence.counts.get(report.name, ()) if count.has_risen]
    if not risen:
        return report
    said = "; ".join(f"{count.what} a {count.per} rose from {number(count.base)} to {number(count.new)}" for count in risen)
    return replace(report, verdict=Verdict.REGRESSED, stage=Stage.COUNTS, reason=said)


def _with_failure(report: CellReport, evidence: Evidence) -> CellReport:
    """A cell that fails is never faster, and one that failed in the base cannot be compared."""
    if message := evidence.failures.get((Arm.NEW, report.name)):
        return replace(report, verdict=Verdict.FAILED, reason=message)
    for arm in (Arm.BASE, Arm.NULL):
        if message := evidence.failures.get((arm, report.name)):
            return CellReport(report.name, Verdict.INCONCLUSIVE, f"the base failed: {message}", report.band)
    return report


def _failed(evidence: Evidence, name: str) -> bool:
    return any((arm, name) in evidence.failures for arm in Arm)


# ---- words and numbers -----------------------------------------------------------------------------------------


def percent_change(change: float) -> str:
    """5.1 % longer, or 5.1 % shorter."""
    return f"{percent(abs(change), 1)} {'longer' if change > 0 else 'shorter'}"


def _is_sure(values: Sequence[float], beyond: float, significance: float) -> bool:
    """Whether their median lies farther from 0 than that, and surely to that side of it."""
    if not values or abs(statistics.median(values)) <= beyond:
        return False
    return min(tests.p_above(values, 0.0), tests.p_below(values, 0.0)) <= significance


def _ratio(values: Sequence[float]) -> Interval | None:
    """Of the median, as a ratio."""
    if not values:
        return None
    interval = median_interval(values)
    if interval is None:
        middle = statistics.median(values)
        return Interval(math.exp(middle), math.exp(min(values)), math.exp(max(values)))
    return Interval(math.exp(interval.median), math.exp(interval.low), math.exp(interval.high))
