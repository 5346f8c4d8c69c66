"""Made granularity runs: pools whose overhead is known, as bench/granularity would print them."""

from __future__ import annotations

from typing import Any

import numpy as np
from poolmark_scripts.granularity_results import GranularityResults, Sample, Subject

PACE_NS = 1.3  # a step
STEPS = [2**power for power in range(5, 22)]
CONTEXT = {
    "host_name": "here", "cpu_model": "A CPU", "usable_cpus": 2, "compiler": "GNU 12.2.0", "commit": "0" * 40, "dirty": False,
    "skipped": [],
}  # fmt: skip


def subject(name: str, chunked: bool = False) -> Subject:
    executor, pattern, workers, *variant = name.split("/")
    count = int(workers.removeprefix("workers:"))
    return Subject(name, executor, "/".join([pattern, *variant]), count, min(count, 2), chunked, 400_000)


def points(overhead_ns: float, cores: int, pace: float = PACE_NS, noise: float = 0.0, seed: int = 0) -> list[dict[str, Any]]:
    """Of a pool that takes `overhead_ns` of one core for each task."""
    drawn = np.random.default_rng(seed)
    made = []
    for steps in reversed(STEPS):
        tasks = max(200 * cores, int(5e7 / (steps * pace)))
        elapsed = tasks * (steps * pace + overhead_ns) / cores * float(np.exp(drawn.normal(0, noise)))
        made.append({"grain_ns": float(steps), "steps": steps, "tasks": tasks, "elapsed_ns": int(elapsed)})
    made += [
        {"grain_ns": 0.0, "steps": 0, "tasks": n, "elapsed_ns": int(20_000 + n * overhead_ns / cores)}
        for n in (10_000, 20_000, 30_000, 40_000)
    ]
    return made


def sample(one: Subject, number: int, overhead_ns: float, attempt: int = 1, **more: Any) -> Sample:
    return Sample(one.name, number, attempt, 0, 0.0, 1.0, points(overhead_ns, one.cores, seed=number, **more))


def run(overheads: dict[str, float], rounds: int = 8, noise: float = 0.003, chunked: tuple[str, ...] = ()) -> GranularityResults:
    """A run of subjects by name."""
    subjects = {name: subject(name, name in chunked) for name in overheads}
    samples = [
        sample(subjects[name], number, overhead, noise=noise)
        for number in range(1, rounds + 1) for name, overhead in overheads.items()
    ]  # fmt: skip
    return GranularityResults(dict(CONTEXT), {"rounds": rounds, "budget_s": 900, "seed": 1, "quick": False}, subjects, samples)
