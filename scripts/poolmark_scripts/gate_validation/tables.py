"""The measured part of docs/gate.md, from the runs that are kept. Nothing in it is typed by hand."""

from __future__ import annotations

import statistics
from collections import Counter
from pathlib import Path
from typing import Any, Iterable, Sequence

from scipy.stats import binomtest

from poolmark_scripts.building import ROOT
from poolmark_scripts.gate.deciding import RULES, decide, exit_status
from poolmark_scripts.gate.model import Band, Block, CellReport, GateReport, Kind, Stage, Verdict
from poolmark_scripts.gate_validation import exchanging, rules
from poolmark_scripts.gate_validation.plan import BY_NAME, EXPERIMENTS, NULLS, RECORDING, Experiment
from poolmark_scripts.gate_validation.runs import Kept, kept
from poolmark_scripts.units import clock, percent

DOCUMENT = ROOT / "docs" / "gate.md"
BEGIN = "<!-- measured by scripts/validate-gate: begin -->"
END = "<!-- measured by scripts/validate-gate: end -->"
PSEUDO_RUNS = 400
ALARM, UNTRUSTED = 1, 4  # exit statuses


def written(path: Path = DOCUMENT) -> str:
    """The document with its measured part as the runs that are kept have it."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise ValueError(f"{path} has no part between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{measured()}\n{END}{after}"


def measured() -> str:
    """All tables."""
    by_name = {experiment.name: kept(experiment.name) for experiment in EXPERIMENTS}
    parts = [
        _where(by_name), _null_table(by_name), _exchanged_table(), _power_table(by_name), _sabotage_table(by_name),
        _detectable_table(by_name), _other_rules(by_name),
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)


def _where(by_name: dict[str, list[Kept]]) -> str:
    runs = [run for found in by_name.values() for run in found]
    if not runs:
        return "Nothing has been measured yet: `scripts/validate-gate` does it.\n"
    machines = Counter(_machine(run.report.new.context) for run in runs)
    commits = sorted({run.report.base.commit[:12] for run in runs})
    whole = [run for run in runs if not BY_NAME[run.experiment].cells and not BY_NAME[run.experiment].sabotage]
    took = f" A run of all {_most_cells(runs)} cells took {_minutes(whole)}{_without_suspects(whole)}." if whole else ""
    where = "; ".join(
        f"{machine}{f' ({count} runs)' if len(machines) > 1 else ''}" for machine, count in machines.most_common()
    )
    return f"Measured on {where}: {len(runs)} runs of the gate on {', '.join(commits)}.{took}\n"


def _machine(context: dict[str, Any]) -> str:
    return (
        f"{context.get('cpu_model')}, {context.get('usable_cpus')} usable CPUs, "
        f"{context.get('virtualization') or 'no'} virtualisation, {context.get('compiler')}"
    )


def _minutes(runs: Sequence[Kept]) -> str:
    seconds = [run.report.elapsed_s for run in runs]
    return f"{clock(statistics.median(seconds))} minutes (median; {clock(max(seconds))} at most), builds not included"


def _without_suspects(runs: Sequence[Kept]) -> str:
    """How long those took that had no trial, and how many these were."""
    without = [run for run in runs if not any(block.stage.is_trial for block in run.report.blocks)]
    return f", the {len(without)} of {len(runs)} without a suspect {_minutes(without)}" if without else ""


def _most_cells(runs: Iterable[Kept]) -> int:
    return max(len(run.report.cells) for run in runs)


# ---- false alarms ----------------------------------------------------------------------------------------------


def _null_table(by_name: dict[str, list[Kept]]) -> str:
    lines = ["| nothing was made slower | runs | cells judged | false alarms | rest |", "|---|---|---|---|---|"]
    total = alarms = 0
    for name in NULLS:
        runs = by_name[name]
        total, alarms = total + len(runs), alarms + sum(run.status == ALARM for run in runs)
        cells = sum(len(run.report.cells) for run in runs)
        lines.append(f"| {BY_NAME[name].what} | {len(runs)} | {cells} | {sum(run.status == ALARM for run in runs)} | {_tally(runs)} |")
    if not total:
        return ""
    upper = binomtest(alarms, total).proportion_ci(0.95, "exact").high
    lines.append(f"\nRuns with an alarm: {alarms} of {total}, at most {percent(upper, 1)} (95 %, Clopper and Pearson).\n")
    return "### False alarms in real runs\n\n" + "\n".join(lines)


def _tally(runs: Sequence[Kept]) -> str:
    counts = Counter(cell.verdict for run in runs for cell in run.report.cells)
    return ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])


def _exchanged_table() -> str:
    recorded = kept(RECORDING)
    if not recorded:
        return ""
    blocks, bands = recorded[0].report.blocks, bands_of(recorded[0].report)
    seen = list(exchanging.pseudo_runs(blocks, bands, PSEUDO_RUNS))
    statuses = Counter(exit_status(decide(evidence)) for evidence in seen)
    lines = [
        "### False alarms with exchanged labels\n",
        f"{max(block.round for block in blocks)} rounds of {len(bands)} cells were recorded, one program against itself, and "
        f"{PSEUDO_RUNS} runs made of them by exchanging labels: alarms in {statuses[ALARM]}, {statuses[UNTRUSTED]} ended "
        f"untrusted. They share their rounds, so {PSEUDO_RUNS} of them say less "
        f"than {PSEUDO_RUNS} real runs; their trials have {RULES.trial_rounds} rounds, the least of a real one.\n",
        "What other rules say of the same rounds:\n",
        "| rule | runs with an alarm | cells in alarm |", "|---|---|---|",
        f"| this gate | {percent(statuses[ALARM] / PSEUDO_RUNS, 1)} | {_alarming_cells(seen)} |",
    ]  # fmt: skip
    for name, rule in rules.RULES.items():
        found = [rules.alarms(evidence.blocks, rule) for evidence in seen]
        share = sum(map(len, found)) / (len(bands) * PSEUDO_RUNS)
        lines.append(f"| {name} | {percent(sum(map(bool, found)) / PSEUDO_RUNS, 1)} | {percent(share, 1)} |")
    return "\n".join(lines) + "\n"


def _alarming_cells(seen: Sequence) -> str:
    cells = [cell for evidence in seen for cell in decide(evidence)]
    return percent(sum(cell.verdict is Verdict.REGRESSED for cell in cells) / len(cells), 2)


def bands_of(report: GateReport) -> dict[str, Band]:
    """Of the cells that were measured."""
    return {cell.name: cell.band for cell in report.cells if cell.band}


# ---- power -----------------------------------------------------------------------------------------------------


def _power_table(by_name: dict[str, list[Kept]]) -> str:
    lines = [
        "### What it finds\n",
        "| what was made slower | runs | found | measured new / base | rests on | minutes a run: median, longest | elsewhere |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for experiment in EXPERIMENTS:
        runs = by_name[experiment.name]
        if not experiment.injected or experiment.exchanged or not runs:
            continue
        cells = [_cell(run, experiment.cell) for run in runs]
        found = sum(cell.verdict is Verdict.REGRESSED for cell in cells)
        elsewhere = sum(
            cell.verdict is Verdict.REGRESSED for run in runs for cell in run.report.cells if cell.name != experiment.cell
        ) if experiment.injected.get("kCell") else 0  # fmt: skip
        ratios = [cell.ratio.median for cell in cells if cell.ratio]
        stages = Counter(cell.stage.label for cell in cells if cell.stage is not None)
        minutes = [run.report.elapsed_s / 60 for run in runs]
        lines.append(
            f"| {experiment.what} | {len(runs)} | {found} ({percent(found / len(runs))}) | {statistics.median(ratios):.3f} | "
            f"{', '.join(f'{stage} {count}' for stage, count in stages.items())} | {statistics.median(minutes):.1f}, {max(minutes):.1f} | {elsewhere} false alarms |"
        )
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""


def _cell(run: Kept, name: str) -> CellReport:
    return next(cell for cell in run.report.cells if cell.name == name)


def _detectable_table(by_name: dict[str, list[Kept]]) -> str:
    """What a trial of these rounds would have shown, by kind of cell, over all runs in which nothing was made slower."""
    lines = ["### The smallest change that can be seen\n", "| kind of cell | band | smallest slow-down that a run would have shown: median, worst |", "|---|---|---|"]
    for kind in Kind:
        cells = [
            cell for name in NULLS for run in by_name[name] for cell in run.report.cells
            if cell.band and cell.band.kind is kind and cell.detectable is not None
        ]  # fmt: skip
        if cells:
            seen = sorted(cell.detectable for cell in cells)
            lines.append(f"| {kind.value} | {percent(cells[0].band.tolerance)} | {percent(statistics.median(seen), 1)}, {percent(seen[-1], 1)} |")
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""


# ---- sabotage --------------------------------------------------------------------------------------------------


def _sabotage_table(by_name: dict[str, list[Kept]]) -> str:
    lines = ["### Sabotage\n", "| what was done | runs | verdicts | exit status | as it should be |", "|---|---|---|---|---|"]
    for experiment in EXPERIMENTS:
        runs = by_name[experiment.name]
        if not runs or not (experiment.sabotage or experiment.exchanged or experiment.edit in ("without naps", "wrong results")):
            continue
        statuses = Counter(run.status for run in runs)
        shown = ", ".join(f"{status} in {count}" for status, count in sorted(statuses.items()))
        lines.append(f"| {experiment.what} | {len(runs)} | {_tally(runs)} | {shown} | {'yes' if all(as_expected(run, experiment) for run in runs) else 'NO'} |")
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""


def as_expected(run: Kept, experiment: Experiment) -> bool:
    """Whether the run ended as the plan says."""
    cells = [_cell(run, experiment.cell)] if experiment.cell else list(run.report.cells)
    return all(cell.verdict in experiment.expected for cell in cells)


def _other_rules(by_name: dict[str, list[Kept]]) -> str:
    """What the other rules say of the rounds in which one cell was made 5 % slower."""
    experiment = BY_NAME["slower-5"]
    runs = by_name[experiment.name]
    if not runs:
        return ""
    lines = [f"What other rules say of the same rounds ({experiment.what}):\n",
             "| rule | found | runs with a false alarm elsewhere |", "|---|---|---|"]  # fmt: skip
    ours = [{cell.name for cell in run.report.cells if cell.verdict is Verdict.REGRESSED} for run in runs]
    named = {"this gate": ours, **{name: [set(rules.alarms(_screen(run), rule)) for run in runs] for name, rule in rules.RULES.items()}}
    for name, found in named.items():
        hits = sum(experiment.cell in cells for cells in found)
        false = sum(bool(cells - {experiment.cell}) for cells in found)
        lines.append(f"| {name} | {hits} of {len(runs)} | {false} of {len(runs)} |")
    return "\n".join(lines) + "\n"


def _screen(run: Kept) -> Sequence[Block]:
    return run.report.blocks
