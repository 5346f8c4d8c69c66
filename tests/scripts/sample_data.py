"""Results documents made by rule: the tests' stand-in for a run of bench/scaling.

Times follow the greedy schedule of the tasks on the usable CPUs, with log-normal noise from a
fixed seed, so that a test can say exactly what it changed.
"""

from __future__ import annotations

import heapq
import json
import random
from pathlib import Path
from typing import Any, Callable

MS = 1e6
USABLE_CPUS = 2
TASKS_NS: dict[str, list[float]] = {
    "primes": [78 * MS] * 3 + [60 * MS] * 4 + [55 * MS] * 4 + [40 * MS, 10 * MS] + [0.01 * MS] * 7,
    "sum": [0.6 * MS, 6 * MS, 60 * MS, 60 * MS],
    "sleep": [10.06 * MS] * 64,
}
WORKERS = {"primes": [1, 2, 4], "sum": [1, 2, 4], "sleep": [1, 2, 4, 8, 16, 32]}
QUICK_WORKERS = {"primes": [2], "sum": [2], "sleep": [8]}
PATTERNS = ("map", "as_completed", "wait")
OVERHEAD = {"sequential": 1.0, "thread": 1.004, "process": 1.008}
Factor = Callable[[str, int], float]


def context(**changes: Any) -> dict[str, Any]:
    """The machine and settings of a made-up run."""
    values = {
        "date": "2026-01-31T12:00:00+00:00", "host_name": "bench-1", "executable": "build/release/bench/scaling",
        "num_cpus": 2, "mhz_per_cpu": 2450, "cpu_scaling_enabled": False,
        "caches": [{"type": "Data", "level": 1, "size": 32768, "num_sharing": 1}],
        "load_avg": [0.5, 0.4, 0.3], "library_build_type": "debug",
        "poolmark_version": "0.1.0", "build_type": "Release", "compiler": "GNU 12.2.0",
        "compiler_flags": "-O3 -DNDEBUG", "commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False,
        "cpu_model": "Example CPU", "usable_cpus": USABLE_CPUS, "affinity": "0-1", "cpu_quota": None,
        "governor": "unknown", "virtualization": "kvm", "kernel": "6.1.0",
        "pool": "warm", "long": False, "repetitions": 10, "min_time_s": 0.0, "interleaved": True,
    }
    return {**values, **changes}


def greedy_ns(tasks: list[float], workers: int) -> tuple[float, float]:
    """(end of the batch, end of the first task) when each free worker takes the next task."""
    free_at = [0.0] * workers
    ends = []
    for task in tasks:
        end = heapq.heappop(free_at) + task
        ends.append(end)
        heapq.heappush(free_at, end)
    return max(ends), min(ends)


def document(
    *,
    seed: int = 1,
    repetitions: int = 10,
    noise: float = 0.004,
    workers: dict[str, list[int]] | None = None,
    factor: Factor = lambda name, repetition: 1.0,
    **context_changes: Any,
) -> dict[str, Any]:
    """A results document; `factor(name, repetition)` multiplies the time of single samples."""
    rng = random.Random(seed)
    entries: list[dict[str, Any]] = []
    for family, (workload, executor, pattern, count) in enumerate(grid(workers or WORKERS)):
        name = f"{workload}/{executor}/{pattern}/workers:{count}"
        for repetition in range(repetitions):
            scale = rng.lognormvariate(0.0, noise) * factor(name, repetition)
            entries.append(_entry(family, workload, executor, pattern, count, repetition, repetitions, scale))
    _add_speedups(entries)
    return {
        "schema_version": 1,
        "context": context(repetitions=repetitions, **context_changes),
        "benchmarks": entries,
        "failures": [],
        "partial": False,
        "tasks": {workload: list(TASKS_NS[workload]) for workload in (workers or WORKERS)},
    }


def grid(workers: dict[str, list[int]]) -> list[tuple[str, str, str, int]]:
    """The cells, in the order in which the program lists them."""
    cells = []
    for workload, counts in workers.items():
        cells.append((workload, "sequential", "map", 1))
        cells += [
            (workload, executor, pattern, count)
            for executor in ("thread", "process")
            for pattern in PATTERNS
            for count in counts
        ]
    return cells


def _entry(
    family: int, workload: str, executor: str, pattern: str, count: int, repetition: int, repetitions: int, scale: float
) -> dict[str, Any]:
    tasks = TASKS_NS[workload]
    at_once = count if workload == "sleep" else min(count, USABLE_CPUS)
    wall, first = greedy_ns(tasks, at_once)
    real_time = wall * scale * OVERHEAD[executor]
    first_result = {"map": tasks[0] * scale, "as_completed": first * scale, "wait": real_time}[pattern]
    busy = 0.002 * sum(tasks) if workload == "sleep" else sum(tasks)
    name = f"{workload}/{executor}/{pattern}/workers:{count}"
    return {
        "name": name, "family_index": family, "per_family_instance_index": 0, "run_name": name,
        "run_type": "iteration", "repetitions": repetitions, "repetition_index": repetition, "threads": 1,
        "iterations": 1, "real_time": real_time, "cpu_time": 1.2e5, "time_unit": "ns",
        "workload": workload, "executor": executor, "pattern": pattern, "workers": count, "tasks": len(tasks),
        "tasks_per_second": len(tasks) / real_time * 1e9, "first_result_ns": min(first_result, real_time),
        "cpu_time_total_ns": busy * scale * OVERHEAD[executor],
    }


def _add_speedups(entries: list[dict[str, Any]]) -> None:
    for workload in {entry["workload"] for entry in entries}:
        times = sorted(e["real_time"] for e in entries if e["name"] == f"{workload}/sequential/map/workers:1")
        middle = len(times) // 2
        median = times[middle] if len(times) % 2 else (times[middle - 1] + times[middle]) / 2
        for entry in entries:
            if entry["workload"] == workload:
                entry["speedup"] = median / entry["real_time"]
                entry["efficiency"] = entry["speedup"] / entry["workers"]


def write(path: Path, content: dict[str, Any]) -> Path:
    """Writes `content` as JSON and returns the path."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
