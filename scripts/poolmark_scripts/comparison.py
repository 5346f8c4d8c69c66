"""Judges a new results file against a base, cell by cell: the data that the reports show.

docs/ci.md says in words what is decided here and why.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

import numpy as np

from poolmark_scripts import judging
from poolmark_scripts.results import Cell, Results

MIN_REPETITIONS = 7
SIGNIFICANCE = 0.05
DEFAULT_THRESHOLD = 0.05
TEST_NAME = (
    "exact one-sided Mann-Whitney test of H0: ratio <= 1 + threshold, on the times as they are, against the "
    "sequential baseline and against the other executors, of sequential cells on the CPU time too (the largest p "
    "counts), Holm-corrected over the cells at 5 %; and the 95 % interval of each of these ratios (bootstrap of the medians) lies above 1 + threshold"
)


class Verdict(enum.Enum):
    """What is said of a cell; the order is that of the reports."""

    REGRESSED = "regressed"
    FAILED = "failed"
    MISSING = "missing"
    UNDECIDED = "undecided"
    IMPROVED = "improved"
    NEW = "new"
    UNCHANGED = "unchanged"


GATING = (Verdict.REGRESSED, Verdict.FAILED, Verdict.MISSING)


@dataclass(frozen=True)
class Estimate:
    """A ratio of medians, new / base, with its interval; above 1 is slower."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One cell of the comparison; times in ns, None where there is none."""

    name: str
    verdict: Verdict
    reason: str = ""
    base_median: float | None = None
    new_median: float | None = None
    base_repetitions: int = 0
    new_repetitions: int = 0
    raw: Estimate | None = None
    to_baseline: Estimate | None = None
    to_peers: Estimate | None = None
    cpu_time: Estimate | None = None  # of a sequential, CPU-bound cell: ratio of its CPU times
    p: float | None = None

    def estimates(self) -> list[Estimate]:
        """All that there are; a verdict needs them to agree."""
        made = (self.raw, self.to_baseline, self.to_peers, self.cpu_time)
        return [estimate for estimate in made if estimate]


@dataclass(frozen=True)
class Comparison:
    """Everything a report needs."""

    base: Results
    new: Results
    threshold: float
    across_machines: bool
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    def count(self, verdict: Verdict) -> int:
        """How many cells have this verdict."""
        return sum(row.verdict is verdict for row in self.rows)

    def exit_status(self, strict: bool) -> int:
        """0 nothing found, 1 regression, failed or missing cell, 2 undecided cells under `strict`."""
        if any(row.verdict in GATING for row in self.rows):
            return 1
        return 2 if strict and self.count(Verdict.UNDECIDED) else 0


@dataclass(frozen=True)
class _Judged:
    """A cell that both files have, measured often enough, before the correction for many cells."""

    row: Row
    p_slower: float
    p_faster: float
    floor: float  # the smallest p these numbers of repetitions can give


def compare(base: Results, new: Results, threshold: float, across_machines: bool = False) -> Comparison:
    """Judges every cell that either file knows. Both must be comparable: comparability.differences."""
    failures = {failure.name: failure.message for failure in new.failures}
    failed_base = {failure.name for failure in base.failures}
    rows: dict[str, Row] = {}
    judged: dict[str, _Judged] = {}
    for name in dict.fromkeys([*base.cells, *failed_base, *new.cells, *failures]):
        old_cell, new_cell = base.cells.get(name), new.cells.get(name)
        if across_machines and _is_baseline(name):
            continue
        if name in failures:
            rows[name] = _with_times(name, Verdict.FAILED, failures[name], old_cell, new_cell)
        elif new_cell is None:
            rows[name] = _missing(name, new, old_cell)
        elif old_cell is None:
            failed = name in failed_base
            verdict = Verdict.UNDECIDED if failed else Verdict.NEW
            rows[name] = _with_times(name, verdict, "failed in the base" if failed else "", None, new_cell)
        elif reason := _unjudgeable(base, new, old_cell, new_cell, across_machines):
            rows[name] = _with_times(name, Verdict.UNDECIDED, reason, old_cell, new_cell)
        else:
            judged[name] = _judge(base, new, old_cell, new_cell, threshold, across_machines)
            rows[name] = judged[name].row
    rows.update(_decide(judged, threshold))
    order = list(Verdict)
    return Comparison(
        base, new, threshold, across_machines,
        rows=tuple(sorted(rows.values(), key=lambda row: order.index(row.verdict))),
        notes=tuple(_notes(base, new, across_machines)),
    )


def _is_baseline(name: str) -> bool:
    return name.endswith("/sequential/map/workers:1")


def _with_times(name: str, verdict: Verdict, reason: str, old: Cell | None, new: Cell | None) -> Row:
    return Row(
        name, verdict, reason,
        base_median=old.median if old else None,
        new_median=new.median if new else None,
        base_repetitions=len(old.real_times) if old else 0,
        new_repetitions=len(new.real_times) if new else 0,
    )


def _missing(name: str, new: Results, old: Cell | None) -> Row:
    if old is None:  # it failed in the base and was not measured in the new file: nothing is known
        return Row(name, Verdict.UNDECIDED, "failed in the base, not measured in the new file")
    reason = (
        "the new file is partial: its run was interrupted before this cell was measured"
        if new.partial
        else "the new run did not measure it"
    )
    return _with_times(name, Verdict.MISSING, reason, old, None)


def _unjudgeable(base: Results, new: Results, old: Cell, cell: Cell, across_machines: bool) -> str:
    fewest = min(len(old.real_times), len(cell.real_times))
    if fewest < MIN_REPETITIONS:
        return f"{fewest} repetitions; at least {MIN_REPETITIONS} are needed in both files"
    if not across_machines:
        return ""
    if base.baseline(cell.workload) is None or new.baseline(cell.workload) is None:
        return "no sequential baseline in both files, so no speed-ups to compare"
    cpus = [results.context["usable_cpus"] for results in (base, new)]
    if cpus[0] != cpus[1] and cell.workers > min(cpus) and base.is_cpu_bound(cell.workload):
        return f"{cell.workers} workers, but the machines have {cpus[0]} and {cpus[1]} usable CPUs"
    return ""


def _baseline_controls(base: Results, new: Results, cell: Cell) -> list[str]:
    """Cells that no change of a pool can touch: they tell a slower machine from slower code."""
    if not _is_baseline(cell.name):
        candidates = [f"{cell.workload}/sequential/map/workers:1"]
    elif base.is_cpu_bound(cell.workload):
        candidates = [
            f"{other}/sequential/map/workers:1"
            for other in base.workloads()
            if other != cell.workload and base.is_cpu_bound(other)
        ]
    else:
        candidates = []  # a nap takes as long on a slow machine
    return [name for name in candidates if name in base.cells and name in new.cells]


def _peer_controls(base: Results, new: Results, cell: Cell) -> list[str]:
    """The same work on as many workers of the *other* executors.

    Another program that takes one CPU slows every parallel cell by half and leaves the sequential
    baseline alone; then all executors slow down together.
    """
    return [
        other.name
        for other in base.of_workload(cell.workload)
        if other.executor not in (cell.executor, "sequential")
        and cell.executor != "sequential"
        and other.workers == cell.workers
        and other.pool == cell.pool  # making a pool is no measure of a pool that is there
        and other.name in new.cells
    ]


def _judge(
    base: Results, new: Results, old: Cell, cell: Cell, threshold: float, across_machines: bool
) -> _Judged:
    baselines, peers = _baseline_controls(base, new, cell), _peer_controls(base, new, cell)
    draws = judging.median_draws(cell.real_times, "new " + cell.name) / judging.median_draws(
        old.real_times, "base " + cell.name
    )
    ratio = cell.median / old.median

    def against(controls: list[str]) -> Estimate | None:
        if not controls:
            return None
        shift, shift_draws = _shift(base, new, controls)
        return Estimate(ratio / shift, *judging.interval(draws / shift_draws))

    row = replace(
        _with_times(cell.name, Verdict.UNDECIDED, "", old, cell),
        raw=None if across_machines else Estimate(ratio, *judging.interval(draws)),
        to_baseline=against(baselines),
        to_peers=None if across_machines else against(peers),
    )
    limit = 1 + threshold
    old_times, new_times = np.asarray(old.real_times), np.asarray(cell.real_times)
    tested = [(old_times * (ratio / estimate.ratio), new_times) for estimate in row.estimates()]
    if not across_machines and cell.executor == "sequential" and base.is_cpu_bound(cell.workload):
        row, cpu_times = _with_cpu_time(row, old, cell)
        tested += cpu_times
    return _Judged(
        row,
        p_slower=max(judging.p_greater(news, olds * limit) for olds, news in tested),
        p_faster=max(judging.p_greater(olds / limit, news) for olds, news in tested),
        floor=judging.smallest_p(len(old_times), len(new_times)),
    )


def _with_cpu_time(row: Row, old: Cell, cell: Cell) -> tuple[Row, list[tuple[np.ndarray, np.ndarray]]]:
    """Holds a loop against its own CPU time: slower code uses more of it, a loop that waits for a CPU does not."""
    if min(len(old.cpu_totals), len(cell.cpu_totals)) < MIN_REPETITIONS or not old.cpu_total:
        return row, []
    draws = judging.median_draws(cell.cpu_totals, "new cpu " + cell.name) / judging.median_draws(
        old.cpu_totals, "base cpu " + cell.name
    )
    estimate = Estimate(cell.cpu_total / old.cpu_total, *judging.interval(draws))
    return replace(row, cpu_time=estimate), [(np.asarray(old.cpu_totals), np.asarray(cell.cpu_totals))]


def _shift(base: Results, new: Results, controls: list[str]) -> tuple[float, np.ndarray]:
    """new / base of the controls (median over them of their medians' ratios), and its draws."""
    ratios = [new.cells[name].median / base.cells[name].median for name in controls]
    draws = [
        judging.median_draws(new.cells[name].real_times, "new " + name)
        / judging.median_draws(base.cells[name].real_times, "base " + name)
        for name in controls
    ]
    return float(np.median(ratios)), np.median(draws, axis=0)


def _decide(judged: dict[str, _Judged], threshold: float) -> dict[str, Row]:
    items = list(judged.values())
    slower = judging.holm([item.p_slower for item in items])
    faster = judging.holm([item.p_faster for item in items])
    rows = {}
    for item, p_slower, p_faster in zip(items, slower, faster):
        verdict, reason = _verdict(item.row, p_slower, p_faster, threshold)
        if verdict is Verdict.UNDECIDED and item.floor * len(items) > SIGNIFICANCE:
            reason = f"too few repetitions to judge {len(items)} cells at once"
        rows[item.row.name] = replace(item.row, verdict=verdict, reason=reason, p=p_slower)
    return rows


def _verdict(row: Row, p_slower: float, p_faster: float, threshold: float) -> tuple[Verdict, str]:
    limit = 1 + threshold
    estimates = row.estimates()
    if p_slower < SIGNIFICANCE and all(estimate.low > limit for estimate in estimates):
        return Verdict.REGRESSED, ""
    if p_faster < SIGNIFICANCE and all(estimate.high < 1 / limit for estimate in estimates):
        return Verdict.IMPROVED, ""
    best = row.to_baseline or estimates[0]
    if 1 / limit < best.low and best.high < limit:
        return Verdict.UNCHANGED, ""
    if best.low > limit and row.to_peers and row.to_peers.low <= limit:
        return Verdict.UNDECIDED, (
            "slower, but the other executors slowed down with it: another program on the machine, or code that "
            "the executors share; measure again on a quiet machine"
        )
    if best.low > limit and row.cpu_time and row.cpu_time.low <= limit:
        return Verdict.UNDECIDED, "slower, but hardly in CPU time: it waited for a CPU that another program had"
    if best.high < limit < estimates[0].ratio:
        return Verdict.UNDECIDED, "slower, but the sequential baseline slowed down with it"
    return Verdict.UNDECIDED, "the interval is too wide to tell"


def _notes(base: Results, new: Results, across_machines: bool) -> list[str]:
    notes = []
    for role, results in (("base", base), ("new", new)):
        if results.partial:
            notes.append(f"The {role} file is partial: its run was interrupted.")
    in_rounds = [results.record is not None for results in (base, new)]
    if in_rounds[0] != in_rounds[1]:
        processes = ["a fresh process for each sample" if fresh else "one process" for fresh in in_rounds]
        notes.append(
            f"The base was measured in {processes[0]}, the new file in {processes[1]}: what differs between processes "
            "may look like a change of the code. Measure both with scripts/bench."
        )
    for workload in base.workloads():
        old, cell = base.baseline(workload), new.baseline(workload)
        if old is None or cell is None:
            notes.append(f"{workload}: no sequential baseline in both files, so a slower machine looks like slower code.")
        elif not across_machines and abs(shift := cell.median / old.median - 1) > DEFAULT_THRESHOLD:
            notes.append(
                f"{workload}: the sequential baseline itself ran {abs(shift):.0%} {'slower' if shift > 0 else 'faster'}; "
                "the machine was not the same. Cells are judged against it as well."
            )
    if across_machines:
        notes.append("Different machines: speed-ups are compared, not times; baselines are left out.")
    return notes
