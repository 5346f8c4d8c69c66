"""How fast a batch can be at best, from the times of its single tasks."""

from __future__ import annotations

import heapq

from poolmark_scripts.results import Results


def greedy_ns(tasks: list[float], workers: int) -> float:
    """End of the last task when each worker that is free takes the next task in the order given."""
    free_at = [0.0] * workers
    for task in tasks:
        heapq.heappush(free_at, heapq.heappop(free_at) + task)
    return max(free_at)


def at_once(results: Results, workload: str, workers: int) -> int:
    """How many tasks can make progress at once: CPU-bound ones need a CPU each, naps do not."""
    return min(workers, results.context["usable_cpus"]) if results.is_cpu_bound(workload) else workers


def ideal_speedup(results: Results, workload: str, workers: int) -> float:
    """Speed-up of the greedy schedule of the measured tasks; without them, that of equal tasks."""
    running = at_once(results, workload, workers)
    tasks = results.tasks.get(workload)
    return sum(tasks) / greedy_ns(tasks, running) if tasks and sum(tasks) > 0 else float(running)
