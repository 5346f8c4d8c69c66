"""What a person should do after a run, in sentences: which pool to take, by how much, and what the run cannot tell."""

from __future__ import annotations

from poolmark_scripts import laws, scaling_law, verdicts
from poolmark_scripts.findings_batches import chunk_sizes, making_a_pool, ways_of_collecting
from poolmark_scripts.intervals import Interval, median_interval
from poolmark_scripts.results import Cell, Results
from poolmark_scripts.schedule import at_once, ideal_speedup
from poolmark_scripts.units import duration
from poolmark_scripts.verdicts import Verdict
from poolmark_scripts.wording import (
    EVENT_LOOP, durations_between, listed, named, percent, percent_between, pool, times, times_between, workers,
)  # fmt: skip

NEAR_IDEAL = 0.9  # a winner that reaches less of what its tasks allow gets an explanation
TOO_GOOD = 1.05  # of what its tasks allow: no pool is better than the best schedule, so a number is wrong
CPU_TIME_SAYS = 0.03  # differences of CPU time or of idleness from which they are named as a reason


def findings(results: Results, workload: str) -> list[str]:
    """The sentences for one workload."""
    cells = verdicts.warm_or_all(results, workload)
    if not cells:
        return ["Only cold pools were measured beside nothing: there is nothing to hold them against."]
    pools = [cell for cell in cells if cell.executor != "sequential"]
    said = _too_few_rounds(results, cells)
    if not pools:
        return said + [_loop_alone(verdicts.choose(cells))]
    helpful = _whose_workers_help(results, pools)
    best = verdicts.choose(helpful)
    said += _advice(results, best)
    said += _other_executors(results, best, helpful)
    said += ways_of_collecting(best, pools)
    said += _more_workers_than_cpus(results, best, pools)
    said += _law(results, best, pools)
    said += chunk_sizes(best, pools)
    said += making_a_pool(results, workload)
    return said


def _whose_workers_help(results: Results, pools: list[Cell]) -> list[Cell]:
    """Those to choose from: more workers than CPUs compute no faster, so they must be seen to."""
    if not results.is_cpu_bound(pools[0].workload):
        return pools
    cpus = results.context["usable_cpus"]

    def helps(cell: Cell) -> bool:
        within = [other for count, other in _line(cell, pools).items() if count <= cpus]
        return cell.workers <= cpus or not within or not verdicts.compare(cell, within[-1]).is_alike

    return [cell for cell in pools if helps(cell)]


def _too_few_rounds(results: Results, cells: list[Cell]) -> list[str]:
    few = [cell for cell in cells if len(cell.real_times) < laws.ROUNDS_OF_AN_INTERVAL]
    if not few:
        return []
    needed = laws.ROUNDS_OF_AN_INTERVAL
    counted = "rounds" if results.record else "repetitions"
    if len(few) < len(cells):
        return [
            f"{len(few)} of {len(cells)} cells have fewer than {needed} {counted} and so no interval: what is said of them "
            "was seen, and may be luck."
        ]
    most = max(len(cell.real_times) for cell in few)
    return [f"With {most} {counted if most > 1 else counted[:-1]} nothing here has an interval ({needed} are needed): differences may be luck."]


def _loop_alone(best: Cell) -> str:
    return f"The plain loop takes {_time(best)} a batch; no pool was measured beside it."


def _time(cell: Cell) -> str:
    return duration(cell.median) + durations_between(median_interval(cell.real_times))


def _advice(results: Results, best: Cell) -> list[str]:
    baseline = results.baseline(best.workload)
    if baseline is None:
        return [
            f"Take {named(best)}: {_time(best)} a batch. Without the sequential baseline there is no speed-up to name."
        ]
    found = verdicts.compare(baseline, best)
    factor = f"{times(found.ratio)} times as fast as the plain loop{times_between(found.interval)}"
    if found.verdict is Verdict.TOO_FEW_ROUNDS:
        return [f"Fastest seen: {named(best)}, {_time(best)} a batch, {factor}.{_of_the_ideal(results, best, found)}"]
    if found.verdict is Verdict.UNTOLD:
        return [f"This run cannot tell whether a pool beats the plain loop: the best, {named(best)}, is {factor}."]
    if found.verdict is Verdict.SAME:
        return [f"Take the plain loop: the best pool, {named(best)}, is no faster ({factor})."]
    if found.ratio <= 1:
        slower = verdicts.compare(best, baseline)
        return [
            f"Take the plain loop, {_time(baseline)} a batch: no pool beat it. The best, {named(best)}, takes "
            f"{times(slower.ratio)} times as long{times_between(slower.interval)}; tasks of "
            f"{duration(baseline.median / baseline.task_count)} are too short to share."
        ]
    return [f"Take {named(best)}: {_time(best)} a batch, {factor}.{_of_the_ideal(results, best, found)}"]


def _of_the_ideal(results: Results, best: Cell, speedup: verdicts.Compared) -> str:
    if not results.tasks.get(best.workload):
        return ""
    ideal = ideal_speedup(results, best.workload, best.workers)
    running = at_once(results, best.workload, best.workers)
    reached = speedup.ratio / ideal
    if (speedup.interval.low if speedup.interval else speedup.ratio / TOO_GOOD) > ideal:
        return (
            f" That is more than its {best.task_count} tasks, handed out one by one to {running} at once, allow "
            f"({times(ideal)} times): the baseline was disturbed, or the tasks took longer alone. Measure again."
        )
    said = (
        f" Its {best.task_count} tasks, handed out one by one to {running} at once, allow {times(ideal)} times: "
        + (f"it reaches {reached:.0%} of that." if reached <= 1 else "as far as this run can tell, it reaches that.")
    )
    if reached < NEAR_IDEAL and best.cpu_total and results.is_cpu_bound(best.workload):
        said += (
            f" Its {running} CPUs were at work {_busy(results, best):.0%} of the time: "
            "the rest is waiting, or another program that had them."
        )
    return said


def _other_executors(results: Results, best: Cell, pools: list[Cell]) -> list[str]:
    said = []
    for executor in dict.fromkeys(cell.executor for cell in pools):
        if executor == best.executor:
            continue
        rival = verdicts.choose([cell for cell in pools if cell.executor == executor])
        found = verdicts.compare(rival, best)
        name, behind = _capital(pool(rival)), found.ratio - 1
        shown = f"{named(rival)}, {duration(rival.median)}"
        difference = f"{percent(abs(behind))} {'more' if behind >= 0 else 'less'} time{percent_between(found.interval)}"
        if found.verdict is Verdict.TOO_FEW_ROUNDS:
            said.append(f"{name}: {shown}, {difference} seen.")
        elif found.verdict is Verdict.SAME:
            said.append(f"{name} does as well: {shown}, {difference}.")
        elif found.verdict is Verdict.UNTOLD:
            said.append(f"{name} may do as well, this run cannot tell: {shown}, {difference}.")
        elif behind <= 0:
            said.append(f"{name}, {shown}, was {percent(-behind)} faster, by too little to choose it.")
        else:
            said.append(f"{name} loses: {shown}, {difference}. {_why(results, best, rival)}")
    return said


def _why(results: Results, winner: Cell, loser: Cell) -> str:
    if loser.executor == EVENT_LOOP and winner.executor != EVENT_LOOP and results.is_cpu_bound(winner.workload):
        return "Why: it computes in one thread, however many tasks are under way."
    reasons = []
    if winner.cpu_total and loser.cpu_total:
        more = loser.cpu_total / winner.cpu_total - 1
        # Naps use next to no CPU time, and twice nothing explains nothing: it must be a part of the wall time.
        if more > CPU_TIME_SAYS and loser.cpu_total - winner.cpu_total > CPU_TIME_SAYS * loser.median:
            reasons.append(
                f"it used {more:.0%} more CPU time ({duration(loser.cpu_total)} against {duration(winner.cpu_total)})"
            )
        busy = [_busy(results, cell) for cell in (winner, loser)]
        if results.is_cpu_bound(winner.workload) and busy[0] - busy[1] > CPU_TIME_SAYS:
            reasons.append(
                f"its CPUs were busy {busy[1]:.0%} of the time (the winner's {busy[0]:.0%}): they waited for work, "
                "or another program had them"
            )
    if loser.workers > results.context["usable_cpus"] and results.is_cpu_bound(loser.workload):
        reasons.append(f"{loser.workers} workers share {results.context['usable_cpus']} CPUs")
    if reasons:
        return f"Why: {'; '.join(reasons)}."
    more = loser.median - winner.median
    return f"Its CPU time does not say why: it is {duration(more)} a batch, {duration(more / loser.task_count)} a task."


def _busy(results: Results, cell: Cell) -> float:
    """Part of the CPU time that the workers could have used that was used."""
    return (cell.cpu_total or 0.0) / (cell.median * at_once(results, cell.workload, cell.workers))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _line(best: Cell, pools: list[Cell]) -> dict[int, Cell]:
    """The cells that differ from `best` in their workers only."""
    alike = (best.executor, best.pattern, best.chunksize, best.pool)
    return {
        cell.workers: cell
        for cell in sorted(pools, key=lambda cell: cell.workers)
        if (cell.executor, cell.pattern, cell.chunksize, cell.pool) == alike
    }


def _more_workers_than_cpus(results: Results, best: Cell, pools: list[Cell]) -> list[str]:
    line, cpus = _line(best, pools), results.context["usable_cpus"]
    most = line[max(line)]
    if most.workers <= cpus:
        return []
    if not results.is_cpu_bound(best.workload):
        within = [cell for count, cell in line.items() if count <= cpus]
        if within and verdicts.compare(within[-1], most).verdict is Verdict.LONGER:
            more = "to have more under way than" if best.executor == EVENT_LOOP else "more workers than"
            helps = "goes on" if best.executor == EVENT_LOOP else "go on"
            return [f"Its tasks wait and need no CPU: {more} the {cpus} CPUs {helps} helping, up to {max(line)} measured."]
        return []
    within_cpus = line.get(cpus)
    if within_cpus is None:
        return []
    found = verdicts.compare(most, within_cpus)
    change = f"{found.ratio - 1:+.1%} time{percent_between(found.interval)}"
    start = f"{workers(most.workers)} on {cpus} CPUs"
    if found.verdict is Verdict.TOO_FEW_ROUNDS:
        return [f"{start}: {change} seen."]
    if found.is_alike:
        seen = "change nothing" if found.verdict is Verdict.SAME else "change nothing that this run can tell"
        return [f"{start} {seen} ({change}): the CPUs are the limit."]
    if found.ratio > 1:
        return [f"{start} take longer than {cpus} ({change}): they only take turns."]
    return [f"{start} take less than {cpus} ({change}): shorter turns even out the long tasks."]


def _law(results: Results, best: Cell, pools: list[Cell]) -> list[str]:
    """Relative speed-up, serial fraction, and the law behind the worker counts, of work that needs CPUs."""
    if not results.is_cpu_bound(best.workload):
        return []
    line, cpus, said = _line(best, pools), results.context["usable_cpus"], []
    within = [cell for count, cell in line.items() if count <= cpus]
    if within and 1 in line and within[-1].workers > 1 and (relative := laws.relative_speedup(within[-1], line[1])):
        said.append(
            f"Over one worker of the same pool, {within[-1].workers} are {times(relative.median)} times as fast"
            f"{times_between(relative)}."
        )
    fraction = laws.karp_flatt(results, within[-1]) if within else None
    if fraction is not None:
        said.append(_serial_part(results, within[-1], fraction))
    found = scaling_law.identify({count: cell.real_times for count, cell in line.items()}, cpus)
    if isinstance(found, scaling_law.Unidentified):
        return said + [f"No law of scaling: {found.reason}."]
    shown = [f"{name} {found.parameters[name].median:.2g} ({found.parameters[name].low:.2g} to {found.parameters[name].high:.2g})"
             for name in found.parameters if name != "gamma"]  # fmt: skip
    counts = listed([str(count) for count in found.workers])
    peak = f"; more than {found.peak.median:.0f} workers make it slower ({found.peak.low:.1f} to {found.peak.high:.1f})" if found.peak else ""
    kind = "Amdahl's law" if found.name == "Amdahl" else "the Universal Scalability Law"
    return said + [f"The points at {counts} workers follow {kind}: {listed(shown)}{peak}."]


def _serial_part(results: Results, cell: Cell, fraction: Interval) -> str:
    said = (
        f"Serial fraction at {workers(cell.workers)} (Karp-Flatt): {fraction.median:.3f} "
        f"({fraction.low:.3f} to {fraction.high:.3f})"
    )
    if fraction.high < 0:
        return f"{said}: better than a CPU for each, so look for a cache, a clock rate or a disturbed baseline."
    if results.tasks.get(cell.workload):
        unequal = laws.serial_fraction(ideal_speedup(results, cell.workload, cell.workers), cell.workers)
        said += f", of which unequal tasks alone make {unequal:.3f}"
    return f"{said}."
