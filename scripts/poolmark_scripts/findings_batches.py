"""Sentences about how a batch is handed over: ways of collecting, chunk sizes, and making a pool for it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Iterable

import numpy as np

from poolmark_scripts import judging, laws, verdicts
from poolmark_scripts.intervals import Interval
from poolmark_scripts.results import Cell, Results
from poolmark_scripts.units import duration
from poolmark_scripts.verdicts import Verdict
from poolmark_scripts.wording import (
    POOLS, crew, durations_between, listed, percent, percent_between, pool, times, times_between, workers,
)  # fmt: skip

SOONER_FROM = 1.1  # times; below it nobody waits noticeably less


def ways_of_collecting(best: Cell, pools: list[Cell]) -> list[str]:
    """map, as_completed and wait on the pool of `best`: the whole batch, the first result, and those after it."""
    by_pattern = {
        cell.pattern: cell
        for cell in pools
        if (cell.executor, cell.workers) == (best.executor, best.workers) and not cell.chunksize
    }
    if len(by_pattern) < 2:
        return []
    return [_whole_batch(list(by_pattern.values())), *_first_results(by_pattern), *_half_of_the_results(by_pattern)]


def _whole_batch(rivals: list[Cell]) -> str:
    fastest = min(rivals, key=lambda cell: cell.median)
    found = {cell.pattern: verdicts.compare(cell, fastest) for cell in rivals if cell is not fastest}
    said = f"Ways of collecting ({_short(fastest)}): "
    slower = [name for name, one in found.items() if one.verdict is Verdict.LONGER]
    if any(one.verdict is Verdict.TOO_FEW_ROUNDS for one in found.values()):
        shown = [f"{duration(cell.median)} by {cell.pattern}" for cell in rivals]
        return f"{said}the whole batch took {listed(shown)}, measured too seldom to tell them apart."
    if not slower:
        return f"{said}no difference seen in the time of the whole batch ({_at_most(found.values())})."
    parts = [f"{name} takes {percent(found[name].ratio - 1)} longer{percent_between(found[name].interval)}" for name in slower]
    return f"{said}{listed(parts)} than {fastest.pattern} for the whole batch."


def _at_most(found: Iterable[verdicts.Compared]) -> str:
    """How large a difference may be that was not seen."""
    return f"if there is one, it is below {percent(max(one.interval.high for one in found if one.interval) - 1)}"


def _first_results(by_pattern: dict[str, Cell]) -> list[str]:
    timed = [cell for cell in by_pattern.values() if cell.first_results]
    if len(timed) < 2:
        return []
    timed.sort(key=lambda cell: cell.first_result)
    first = timed[0]
    as_soon, later = [first.pattern], []
    for cell in timed[1:]:
        found = verdicts.compare_times(cell.first_results, first.first_results, (f"{cell.name} first", f"{first.name} first"))
        if found.verdict is Verdict.LONGER and found.ratio >= SOONER_FROM:
            waits = ", which returns when all are done" if cell.pattern == "wait" else ""
            later.append(f"{times(found.ratio)} times sooner than {cell.pattern}{times_between(found.interval)}{waits}")
        elif found.verdict is Verdict.TOO_FEW_ROUNDS:
            later.append(f"{cell.pattern} after {duration(cell.first_result)}, in too few rounds to compare")
        else:
            as_soon.append(cell.pattern)
    give = "gives" if len(as_soon) == 1 else "give"
    return [", ".join([f"{listed(as_soon)} {give} the first result after {duration(first.first_result)}", *later]) + "."]


def _half_of_the_results(by_pattern: dict[str, Cell]) -> list[str]:
    """Where the ordered map keeps back results that are done, the first result alone does not say how many."""
    ordered, unordered = by_pattern.get("map"), by_pattern.get("as_completed")
    if ordered is None or unordered is None or not ordered.completions or not unordered.completions:
        return []
    half = max(1, ordered.task_count // 2)
    seen = [min(zip(one.completions.k, one.completions.ns), key=lambda point: abs(point[0] - half)) for one in (ordered, unordered)]
    if seen[0][0] != seen[1][0] or seen[0][1] < SOONER_FROM * seen[1][1]:
        return []
    return [
        f"{seen[0][0]} of the {ordered.task_count} results are in the caller's hands after {duration(seen[1][1])} by "
        f"as_completed, after {duration(seen[0][1])} by map, which hands them over in order (medians of the batches)."
    ]


def chunk_sizes(best: Cell, pools: list[Cell]) -> list[str]:
    """The best chunk size of each pool's map, if several were measured."""
    said = []
    for executor in dict.fromkeys(cell.executor for cell in pools):
        swept: dict[int, list[Cell]] = {}
        for cell in pools:
            if cell.executor == executor and cell.pattern == "map":
                swept.setdefault(cell.workers, []).append(cell)
        counts = [count for count, cells in swept.items() if len(cells) > 1]
        if counts:
            said.append(_best_chunks(swept[min(counts, key=lambda count: (abs(count - best.workers), count))]))
    return said


def _best_chunks(cells: list[Cell]) -> str:
    fastest = min(cells, key=lambda cell: cell.median)
    said = f"Chunk size of map ({_short(fastest)}): "
    found = {cell: verdicts.compare(cell, fastest) for cell in cells if cell is not fastest}
    if any(one.verdict is Verdict.TOO_FEW_ROUNDS for one in found.values()):
        shown = [f"{_chunks(cell)} took {duration(cell.median)}" for cell in sorted(cells, key=lambda cell: cell.median)]
        return f"{said}{listed(shown)}, measured too seldom to name the best."
    slower = [cell for cell, one in found.items() if one.verdict is Verdict.LONGER]
    if not slower:
        return f"{said}no difference seen between {listed([_chunks(cell) for cell in cells])} ({_at_most(found.values())})."
    good = [fastest] + [cell for cell in found if cell not in slower]
    shown = f"{duration(fastest.median)} a batch"
    best = f"{_chunks(fastest)} is best, {shown}"
    if len(good) > 1:
        best = f"{listed([_chunks(cell) for cell in good])} do best, {shown}, with no difference seen between them"
    parts = [f"{_chunks(cell)} takes {_longer(found[cell])}" for cell in sorted(slower, key=lambda cell: -cell.median)]
    return f"{said}{best}; {listed(parts)}."


def _longer(found: verdicts.Compared) -> str:
    if found.ratio < 2:
        return f"{percent(found.ratio - 1)} longer{percent_between(found.interval)}"
    return f"{times(found.ratio)} times as long{times_between(found.interval)}"


def _chunks(cell: Cell) -> str:
    return str(cell.chunksize) if cell.chunksize else "auto"


def _short(cell: Cell) -> str:
    return f"{POOLS.get(cell.executor, cell.executor)}, {crew(cell)}"


@dataclass(frozen=True)
class Making:
    """What making and shutting down a pool costs, and after how much sequential work it has paid for itself."""

    warm: Cell
    baseline: Cell | None
    cost: float  # ns
    cost_interval: Interval | None
    paid: Interval | None  # ns of sequential work; None: never, or the run cannot tell


def making_a_pool(results: Results, workload: str) -> list[str]:
    """Cold against warm, for the warm cell of each executor that one would take, if it was measured in both ways."""
    said = []
    for executor in dict.fromkeys(cell.executor for cell in results.of_workload(workload)):
        twins = {
            cell.name: cold
            for cell in verdicts.warm_or_all(results, workload)
            if cell.executor == executor and (cold := results.beside(cell, chunksize=cell.chunksize, cold=True))
        }
        if twins:
            warm = verdicts.choose([results.cells[name] for name in twins])
            said.append(_cost(making(results, warm, twins[warm.name])))
    return said


def making(results: Results, warm: Cell, cold: Cell) -> Making:
    """The cost from the rounds of both, resampled."""
    baseline = results.baseline(warm.workload)
    cost = statistics.median(cold.real_times) - statistics.median(warm.real_times)
    if min(len(warm.real_times), len(cold.real_times)) < laws.ROUNDS_OF_AN_INTERVAL:
        return Making(warm, baseline, cost, None, None)
    warm_draws = laws.median_draws(warm.real_times, warm.name)
    draws = laws.median_draws(cold.real_times, cold.name) - warm_draws
    interval = _around(cost, draws)
    if baseline is None or interval.low <= 0 or len(baseline.real_times) < laws.ROUNDS_OF_AN_INTERVAL:
        return Making(warm, baseline, cost, interval, None)
    speedup_draws = laws.median_draws(baseline.real_times, baseline.name) / warm_draws
    if judging.interval(speedup_draws)[0] <= 1:
        return Making(warm, baseline, cost, interval, None)
    paid = cost / (1 - warm.median / baseline.median)
    return Making(warm, baseline, cost, interval, _around(paid, draws / (1 - 1 / speedup_draws)))


def _around(value: float, draws: np.ndarray) -> Interval:
    low, high = judging.interval(draws)
    return Interval(value, min(low, value), max(high, value))


def _cost(made: Making) -> str:
    start = f"Making and shutting down {pool(made.warm)} of {workers(made.warm.workers)}"
    if made.cost_interval is None:
        return f"{start}: {duration(max(0.0, made.cost))} were seen, in too few rounds to be sure."
    if made.cost_interval.low <= 0:
        most = duration(max(0.0, made.cost_interval.high))
        return f"{start} costs less than this run can see (at most {most} of a batch of {duration(made.warm.median)})."
    said = f"{start} costs {duration(made.cost)}{durations_between(made.cost_interval)}"
    if made.baseline is None:
        return f"{said}; without the sequential baseline nothing says when it has paid for itself."
    if made.paid is None:
        return f"{said}; nothing says that it pays for itself: its speed-up cannot be told from 1."
    return f"{said}: it has paid for itself after {duration(made.paid.median)} of sequential work{durations_between(made.paid)}."
