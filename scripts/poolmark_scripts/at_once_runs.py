"""Runs bench/at_once: a fresh process for each point, in rounds whose order is drawn anew."""

from __future__ import annotations

import random
import time
from pathlib import Path

from rich.console import Console

from poolmark_scripts.at_once_results import AtOnceResults, Point, Sample, points_of
from poolmark_scripts.granularity_runs import ProgramError, ask
from poolmark_scripts.units import clock

LONGEST_SAMPLE_S = 120.0


def measure(program: Path, results: AtOnceResults, console: Console) -> None:
    """All rounds. Interrupt it anywhere: `results` holds what was measured. A point that fails is not tried again."""
    plan, began = results.plan, time.monotonic()
    drawn = random.Random(plan.seed)
    for number in range(1, plan.rounds + 1):
        failed = {failure["point"] for failure in results.failures}
        points = [point for point in points_of(plan) if str(point) not in failed]
        drawn.shuffle(points)
        with console.status(f"round {number} of {plan.rounds} ...") as status:
            for point in points:
                status.update(f"round {number} of {plan.rounds}: {point}")
                _sample(program, point, results)
        if not console.is_terminal:
            left_s = (time.monotonic() - began) / number * (plan.rounds - number)
            console.print(f"round {number} of {plan.rounds}, ETA {clock(left_s)}", soft_wrap=True)


def _sample(program: Path, point: Point, results: AtOnceResults) -> None:
    flags = [f"--work={point.work}", f"--way={point.way}", f"--count={point.count}", f"--latency-ms={results.plan.latency_ms}"]
    try:
        said = ask(program, flags, LONGEST_SAMPLE_S)
        first, second = said["first"], said["second"]
        sample = Sample(
            point, first["wall_ns"], second["wall_ns"], first["cpu_ns"], second["cpu_ns"], said["threads"], said["memory_bytes"]
        )
        results.context = said["context"]
    except (ProgramError, KeyError, TypeError) as error:
        results.failures.append({"point": str(point), "message": str(error)})
        return
    results.samples.append(sample)
