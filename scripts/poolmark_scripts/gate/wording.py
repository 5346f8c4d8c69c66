"""What the reports of the gate say in the same words: the outcome, a cell, ratios, counts, the machine."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Callable, Sequence

from poolmark_scripts.gate.model import ArmFacts, Band, CellReport, CountChange, GateReport, Stage, Verdict
from poolmark_scripts.intervals import Interval
from poolmark_scripts.units import clock, percent
from poolmark_scripts.wording import listed

NOTHING = "-"
NAMED_IN_HEADLINE = 3
WHOLE_PERCENT_FROM = 1.0
INTERRUPTED = "interrupted; so far "
# What stands behind a number of cells; the second is for several.
SAID = {
    Verdict.REGRESSED: ("regressed", "regressed"),
    Verdict.FAILED: ("failed", "failed"),
    Verdict.REMOVED: ("was removed", "were removed"),
    Verdict.UNTRUSTED: ("is not to be trusted", "are not to be trusted"),
}
GRAVE = (Verdict.REGRESSED, Verdict.FAILED, Verdict.REMOVED)
# In which order the other verdicts are counted.
COUNTED = (Verdict.EQUIVALENT, Verdict.INCONCLUSIVE, Verdict.IMPROVED, Verdict.NEW)
JUDGED = {Verdict.EQUIVALENT, Verdict.IMPROVED}  # where all have one of these, nothing was left open
EXIT_MEANINGS = {
    0: "nothing that closes the gate",
    1: "a cell regressed, failed or was removed",
    3: "inconclusive cells under --strict",
    4: "cells that are not to be trusted: measure again on a quieter machine",
    130: "interrupted",
}


def headline(report: GateReport, quote: Callable[[str], str] = str) -> str:
    """The outcome in one sentence without a full stop; `quote` wraps the names of cells."""
    if not report.cells:
        return "no cell was measured"
    groups = [(verdict, found) for verdict in SAID if (found := report.of(verdict))]
    parts = [
        _group(verdict, found, 0 if index else len(report.cells), quote)
        for index, (verdict, found) in enumerate(groups)
    ]
    rest = _counted(report, COUNTED)
    if any(report.of(verdict) for verdict in GRAVE):
        parts += [f"the others: {', '.join(rest)}"] if rest else []
    elif rest:
        parts.append(f"{_all_clear(report)}: {', '.join(rest)}")
    return (INTERRUPTED if report.partial else "") + "; ".join(parts)


def tally(report: GateReport) -> str:
    """The outcome in a few words: `2 regressed, 1 failed`, or that no cell is slower."""
    grave = _counted(report, GRAVE) or _counted(report, (Verdict.UNTRUSTED,))
    said = ", ".join(grave) or (_all_clear(report) if report.cells else "no cell was measured")
    return (INTERRUPTED if report.partial else "") + said


def _all_clear(report: GateReport) -> str:
    """What can be said where nothing grave was found, no more than was seen."""
    verdicts = {cell.verdict for cell in report.cells}
    others = Verdict.UNTRUSTED in verdicts
    if not verdicts & JUDGED:
        return f"nothing can be said of {'the others' if others else 'any cell'}"
    said = f"no {'other ' * others}cell is slower"
    return said if verdicts <= JUDGED | {Verdict.NEW} else f"{said}, as far as these rounds can tell"


def _counted(report: GateReport, verdicts: Sequence[Verdict]) -> list[str]:
    return [f"{len(found)} {verdict.value}" for verdict in verdicts if (found := report.of(verdict))]


def _group(verdict: Verdict, cells: Sequence[CellReport], total: int, quote: Callable[[str], str]) -> str:
    """`2 of 25 cells regressed: a (+5.1 %) and b (+4.0 %)`; without a total, `2 regressed: ...`."""
    count = len(cells)
    counted = f"{count} of {total} cell{'s' * (total != 1)}" if total else str(count)
    shown = [(quote(cell.name), by_how_much(cell)) for cell in cells[:NAMED_IN_HEADLINE]]
    named = [f"{name} ({much})" if much else name for name, much in shown]
    named += [f"{count - NAMED_IN_HEADLINE} more"] if count > NAMED_IN_HEADLINE else []
    return f"{counted} {SAID[verdict][count > 1]}: {listed(named)}"


def by_how_much(cell: CellReport) -> str:
    """Of a regression: `+5.1 %`, or `instructions +25.0 %`."""
    if cell.verdict is not Verdict.REGRESSED:
        return ""
    if is_by_count(cell):
        risen = [count for count in cell.counts if count.has_risen]
        return f"{risen[0].what} {_rise(risen[0])}" if risen else ""
    return signed(cell.ratio.median - 1) if cell.ratio else ""


def is_by_count(cell: CellReport) -> bool:
    """Whether the verdict rests on something counted, whatever the clock says."""
    return cell.verdict is Verdict.REGRESSED and cell.stage is Stage.COUNTS


def sentence(cell: CellReport) -> str:
    """A cell with its verdict and what it rests on, for readers who see nothing else of the report."""
    said, reason = f"{cell.name}: {cell.verdict.value}", one_line(cell.reason)
    by_time = cell.verdict in (Verdict.REGRESSED, Verdict.IMPROVED) and not is_by_count(cell)
    if not by_time or cell.ratio is None:
        return f"{said}. {_ended(capital(reason))}" if reason else f"{said}."
    evidence = [f"new / base is {change(cell.ratio)}, where {band(cell.band)} is no change"]
    if (value := p(cell)) != NOTHING:
        evidence.append(f"p < {value[1:]}" if value.startswith("<") else f"p = {value}")
    evidence.append(f"{cell.blocks} rounds")
    evidence += [of] if (of := agreeing(cell)) else []
    return f"{said}. {capital('; '.join(evidence))}." + (f" {_ended(capital(reason))}" if reason else "")


def shown(cell: CellReport) -> CellReport:
    """The cell as reports show it: of one that failed, nothing that was timed. How fast it fails is of no use."""
    if cell.verdict is not Verdict.FAILED:
        return cell
    return replace(
        cell, stage=None, blocks=0, disturbed=0, ratio=None, null=None, p_slower=None, p_faster=None, layouts=(),
        detectable=None,
    )  # fmt: skip


def remarks(cell: CellReport) -> list[str]:
    """What stands below the name of a cell, a line each: what rose, where that decided; else the reason, unless it only
    repeats seen_from()."""
    if is_by_count(cell):
        return [count_change(count) for count in changed_counts(cell)] or [one_line(cell.reason)]
    repeats = cell.detectable is not None and cell.reason == would_have_shown(cell.detectable)
    return [] if repeats or not cell.reason else [one_line(cell.reason)]


# ---- numbers ---------------------------------------------------------------------------------------------------


def signed(part: float, unit: bool = True) -> str:
    """A difference from 1 in percent: `+5.1 %`; the whole ones of large differences."""
    digits = 0 if abs(part) >= WHOLE_PERCENT_FROM else 1
    value = round(part * 100, digits) + 0.0  # + 0.0: no "-0.0"
    return f"{value:{'+' if value else ''},.{digits}f}{' %' * unit}"


def change(ratio: Interval | None) -> str:
    """A ratio and its interval as differences from 1: `+5.1 % [+4.2, +6.0]`."""
    if ratio is None:
        return NOTHING
    return f"{signed(ratio.median - 1)} [{signed(ratio.low - 1, False)}, {signed(ratio.high - 1, False)}]"


def band(of: Band | None) -> str:
    """What counts as no change: `±3 %`."""
    return NOTHING if of is None else f"±{of.tolerance * 100:g} %"


def p(cell: CellReport) -> str:
    """The p-value of the side on which the ratio lies, which only a trial has."""
    value = None if cell.ratio is None else cell.p_slower if cell.ratio.median >= 1 else cell.p_faster
    return NOTHING if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"


def rounds(cell: CellReport) -> str:
    """How many count, and of how many where some were disturbed: `24`, `22 of 24`."""
    measured = cell.blocks + cell.disturbed
    return NOTHING if not measured else f"{cell.blocks} of {measured}" if cell.disturbed else str(measured)


def agreeing(cell: CellReport) -> str:
    """`4 of 4 layouts`: those that alone lie beyond the middle half of the band, on the side of the ratio."""
    if cell.ratio is None or cell.band is None or not cell.layouts:
        return ""
    sign = 1 if cell.ratio.median >= 1 else -1
    beyond = sum(sign * math.log(layout) > cell.band.half for layout in cell.layouts)
    return f"{beyond} of {len(cell.layouts)} layouts"


def rests_on(cell: CellReport) -> str:
    """What the verdict rests on; with the layouts that agree where it is one of a change."""
    if cell.stage is None:
        return NOTHING
    stage = cell.stage.label
    decided = cell.stage.is_trial and cell.verdict in (Verdict.REGRESSED, Verdict.IMPROVED)
    return f"{stage}, {agreeing(cell)}" if decided and cell.layouts else stage


def seen_from(cell: CellReport) -> str:
    """The smallest slow-down that the rounds would have shown: `+2.4 %`."""
    return NOTHING if cell.detectable is None else signed(cell.detectable)


def would_have_shown(part: float) -> str:
    """What is said of a cell in which nothing was seen."""
    return f"a slow-down of {percent(part, 1)} or more would have shown"


# ---- counts ----------------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Something counted, with as many digits as a reader can use."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def count_change(count: CountChange) -> str:
    """`instructions a task: 1,000 to 1,250 (+25.0 %, of which +1.0 % is allowed)`."""
    allowed = f", of which {signed(count.allowed)} is allowed" if count.has_risen and count.allowed else ""
    return f"{count.what} a {count.per}: {number(count.base)} to {number(count.new)} ({_rise(count)}{allowed})"


def changed_counts(cell: CellReport) -> list[CountChange]:
    """Those that rose by more than is allowed, or fell by as much."""
    return [count for count in cell.counts if abs(count.change) > count.allowed]


def _rise(count: CountChange) -> str:
    return "from nothing" if math.isinf(count.change) else signed(count.change)


# ---- all cells, and where they were measured ----------------------------------------------------------------------


def equivalents(cells: Sequence[CellReport]) -> str:
    """What is known of cells that did not change, in one sentence without a full stop."""
    counted = f"{len(cells)} equivalent cell{'s' * (len(cells) != 1)}"
    rated = [(cell, cell.ratio) for cell in cells if cell.ratio]
    if not rated:
        return counted
    cell, ratio = max(rated, key=lambda pair: abs(math.log(pair[1].median)))
    said = f"{counted}: the largest change is {signed(ratio.median - 1)} ({cell.name})"
    visible = [cell.detectable for cell in cells if cell.detectable is not None]
    if len(visible) < len(cells):
        return said
    which = "it" if len(cells) == 1 else "each"
    return f"{said}; in {which}, {would_have_shown(max(visible))}"


def arm(facts: ArmFacts) -> str:
    """`main (0123456789ab)`."""
    return f"{one_line(facts.name)} ({facts.commit[:12]})" if facts.commit else one_line(facts.name)


def machine(report: GateReport) -> str:
    """`Example CPU, 2 usable CPUs, GNU 12.2.0 -O3 -DNDEBUG`, and of the base's compiler where it was another."""
    new, base = report.new.context, report.base.context
    cpus = new.get("usable_cpus")
    parts = [new.get("cpu_model"), f"{cpus} usable CPU{'s' * (cpus != 1)}" if cpus else None, compiler(new)]
    said = one_line(", ".join(str(part) for part in parts if part)) or "an unknown machine"
    other = one_line(compiler(base)) or "an unknown compiler"
    return said if compiler(base) == compiler(new) else f"{said}; the base with {other}"


def compiler(context: dict) -> str:
    """With its flags; empty if unknown."""
    return " ".join(str(context[key]) for key in ("compiler", "compiler_flags") if context.get(key))


def effort(report: GateReport) -> str:
    """`25 cells in 12:40 min, seed 7`."""
    again = ", with a second trial of what the first left open" if report.repeated else ""
    cells = len(report.cells)
    return f"{cells} cell{'s' * (cells != 1)} in {clock(report.elapsed_s)} min, seed {report.seed}{again}"


def outcome(exit_status: int) -> str:
    """`exit status 1: a cell regressed, failed or was removed`."""
    meaning = EXIT_MEANINGS.get(exit_status)
    return f"exit status {exit_status}" + (f": {meaning}" if meaning else "")


def workload(name: str) -> str:
    """The part of a cell's name that says what is computed."""
    return name.split("/", 1)[0]


# ---- text ------------------------------------------------------------------------------------------------------


def one_line(text: str) -> str:
    """Without line ends, and without the control characters that a message of a failed program may have."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def capital(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def shortened(text: str, most: int) -> str:
    """At most so many letters; the last says that there were more."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
