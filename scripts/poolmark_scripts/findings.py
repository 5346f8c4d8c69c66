"""What a run means, in sentences: who won, by how much, and why the loser lost where the numbers say it."""

from __future__ import annotations

from poolmark_scripts.results import Cell, Results
from poolmark_scripts.schedule import at_once, ideal_speedup
from poolmark_scripts.units import duration

SAME = 0.01  # a smaller difference of medians is never called one
NEAR_IDEAL = 0.9  # a winner that reaches less of what its tasks allow gets an explanation
CPU_TIME_SAYS = 0.03  # differences of CPU time or of idleness from which they are named as a reason


def findings(results: Results, workload: str) -> list[str]:
    """The sentences for one workload."""
    cells = results.of_workload(workload)
    best = min(cells, key=lambda cell: cell.median)
    pools = [cell for cell in cells if cell.executor != "sequential"]
    said = [_winner(results, best, cells)]
    said += _other_executors(results, best, cells)
    if pools:
        fastest_pool = min(pools, key=lambda cell: cell.median)
        said += _patterns(fastest_pool, pools)
        said += _oversubscription(results, fastest_pool, pools)
    return said


def _name(cell: Cell) -> str:
    return f"{cell.executor}/{cell.pattern} with {cell.workers} worker{'s' if cell.workers > 1 else ''}"


def _tied(one: Cell, other: Cell) -> bool:
    difference = abs(one.median / other.median - 1)
    return difference <= max(SAME, one.spread, other.spread)


def _winner(results: Results, best: Cell, cells: list[Cell]) -> str:
    baseline = results.baseline(best.workload)
    said = f"Fastest: {_name(best)}, {duration(best.median)} a batch"
    if baseline is None:
        return f"{said}. Without the sequential baseline there is no speed-up to name."
    if best.executor == "sequential":
        only = all(cell.executor == "sequential" for cell in cells)
        return f"{said}." if only else f"{said}: no pool beat the plain loop, the tasks are too short to share."
    said += f", {results.speedup(best):.2f} times as fast as the sequential loop ({duration(baseline.median)})."
    ideal = ideal_speedup(results, best.workload, best.workers)
    if not results.tasks.get(best.workload):
        return said
    running = at_once(results, best.workload, best.workers)
    reached = results.speedup(best) / ideal
    said += (
        f" Its {best.task_count} tasks, handed out one by one to {running} at once, allow {ideal:.2f} times: "
        f"it reaches {reached:.0%} of that."
    )
    if reached < NEAR_IDEAL and best.cpu_total and results.is_cpu_bound(best.workload):
        said += (
            f" Its {running} CPUs were at work {_busy(results, best):.0%} of the time: "
            "the rest is waiting, or another program that had them."
        )
    return said


def _other_executors(results: Results, best: Cell, cells: list[Cell]) -> list[str]:
    said = []
    for executor in dict.fromkeys(cell.executor for cell in cells):
        if executor in (best.executor, "sequential"):
            continue
        rival = min((cell for cell in cells if cell.executor == executor), key=lambda cell: cell.median)
        behind = rival.median / best.median - 1
        if _tied(best, rival):
            said.append(
                f"{executor} is as fast: {_name(rival)}, {duration(rival.median)} "
                f"({behind:.1%} behind, which is within the spread)."
            )
        else:
            said.append(f"{executor} loses by {_percent(behind)}: {_name(rival)}, {duration(rival.median)}. {_why(results, best, rival)}")
    return said


def _why(results: Results, winner: Cell, loser: Cell) -> str:
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


def _percent(part: float) -> str:
    return f"{part:.1%}" if part < 0.1 else f"{part:.0%}"


def _busy(results: Results, cell: Cell) -> float:
    """Part of the CPU time that the workers could have used that was used."""
    return (cell.cpu_total or 0.0) / (cell.median * at_once(results, cell.workload, cell.workers))


def _patterns(fastest: Cell, pools: list[Cell]) -> list[str]:
    rivals = sorted(
        (cell for cell in pools if cell.executor == fastest.executor and cell.workers == fastest.workers),
        key=lambda cell: cell.median,
    )
    if len(rivals) < 2:
        return []
    slowest = rivals[-1]
    said = f"Ways of collecting ({fastest.executor}, {fastest.workers} workers): "
    if _tied(fastest, slowest):
        said += f"the whole batch takes the same time by {_listed([cell.pattern for cell in rivals])}"
    else:
        said += f"{slowest.pattern} takes {_percent(slowest.median / fastest.median - 1)} longer than {fastest.pattern}"
    timed = sorted((cell for cell in rivals if cell.first_result is not None), key=lambda cell: cell.first_result)
    if len(timed) < 2:
        return [f"{said}."]
    parts = [f"{duration(cell.first_result)} by {cell.pattern}" for cell in timed]
    waits = ": wait returns when all are done" if timed[-1].pattern == "wait" else ""
    return [f"{said}; the first result is there after {_listed(parts)}{waits}."]


def _listed(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def _oversubscription(results: Results, fastest: Cell, pools: list[Cell]) -> list[str]:
    alike = {cell.workers: cell for cell in pools if (cell.executor, cell.pattern) == (fastest.executor, fastest.pattern)}
    cpus = results.context["usable_cpus"]
    if not results.is_cpu_bound(fastest.workload):
        if cpus < max(alike):
            return [f"Its tasks wait and need no CPU: more workers than the {cpus} CPUs go on helping, up to {max(alike)} measured."]
        return []
    beyond = [cell for count, cell in alike.items() if count > cpus]
    within = alike.get(cpus)
    if not beyond or within is None:
        return []
    most = max(beyond, key=lambda cell: cell.workers)
    change = most.median / within.median - 1
    if _tied(within, most):
        return [f"{most.workers} workers on {cpus} CPUs change nothing ({change:+.1%}): the CPUs are the limit."]
    if change > 0:
        return [f"{most.workers} workers on {cpus} CPUs take {change:.0%} longer than {cpus}: they only take turns."]
    return [f"{most.workers} workers on {cpus} CPUs take {-change:.0%} less than {cpus}: shorter turns even out the long tasks."]
