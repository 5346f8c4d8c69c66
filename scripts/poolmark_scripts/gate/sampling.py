"""One sample: one cell of one arm, in a process of its own.

Its value is the median of some batches on one pool. A pool's first batches are slower and scatter more, because it learns
in them how long tasks take, and so do the first of a process, which touch memory that nobody has touched yet; and now and
then two workers share a CPU for the whole of a batch. The median forgets all of them, where a mean would carry them on
(docs/investigations/2026-11-27-one-sample-of-the-gate.md)."""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

from poolmark_scripts.disturbance import Watch
from poolmark_scripts.one_process import Ended, Runner
from poolmark_scripts.sampling import FIRST_LIMIT_S, LIMIT_FACTOR, sample_flags

MOST_REPETITIONS = 15  # of a program that cannot be told how many batches a repetition has
# The kernel puts the environment above the stack: its size moves every local variable.
MOST_PADDING = 4096
PADDING_VARIABLE = "POOLMARK_GATE_PADDING"


@dataclass(frozen=True)
class Sample:
    """How one process went."""

    wall_s: float
    ns: float | None = None  # a batch; None: the cell failed
    cpu_share: float = 0.0  # of the wall time of a batch, what all its threads and processes used
    reasons: tuple[str, ...] = ()  # what disturbed it
    message: str = ""  # why it failed


class Sampler:
    """Runs cells. Every arm gets the same flags, so that its iterations are the same; none chooses its own."""

    def __init__(
        self, runner: Runner, workspace: Path, flags: Sequence[str], seed: int, keeps_pools: bool = True
    ) -> None:  # fmt: skip
        """`keeps_pools`: whether every arm's program knows --batches, and so runs several on one pool."""
        self._runner, self._file, self._flags = runner, workspace / "sample.json", list(flags)
        self._keeps_pools = keeps_pools
        self._watch = Watch()
        self._random = random.Random(f"{seed} padding")
        self._longest_s: dict[str, float] = {}

    def measure(self, program: Path, cell: str, batches: int) -> Sample:
        """Measures `cell` once: `batches` batches. Blocks; raises Interrupted."""
        limit_s = FIRST_LIMIT_S + LIMIT_FACTOR * self._longest_s.get(cell, 0.0)
        self._file.unlink(missing_ok=True)
        repetitions = 1 if self._keeps_pools else min(MOST_REPETITIONS, batches)
        kept = [f"--batches={batches}"] if self._keeps_pools else []
        command = [str(program), *_flags(self._flags, cell, repetitions), *kept, f"--benchmark_out={self._file}"]
        padding = "x" * self._random.randrange(MOST_PADDING)
        started = time.monotonic()
        self._watch.start()
        try:
            ended = self._runner.run(command, limit_s, environment={**os.environ, PADDING_VARIABLE: padding})
        except OSError as error:
            return Sample(0.0, message=f"{program} cannot be started: {error.strerror}")
        wall_s = time.monotonic() - started
        reasons = self._watch.stop().reasons()
        self._longest_s[cell] = max(wall_s, self._longest_s.get(cell, 0.0))
        if ended.too_late:
            return Sample(wall_s, message=f"was not at its end after {limit_s:.0f} s and was ended")
        self.written(program, self._file)
        try:
            document = json.loads(self._file.read_text(encoding="utf-8"))
            field = "median_batch_ns" if self._keeps_pools else "real_time"
            return _read(document, cell, repetitions, field, ended, wall_s, reasons)
        except FileNotFoundError:
            return Sample(wall_s, message=f"wrote no results: it {ended.last_words}")
        except ValueError as error:
            return Sample(wall_s, message=f"wrote results that are no JSON ({error}), and {ended.last_words}")

    def written(self, program: Path, file: Path) -> None:
        """The program has ended, and what it wrote is about to be read: nothing to be done."""

    def close(self) -> None:
        """No more samples are wanted: nothing to be done."""


def _flags(flags: Sequence[str], cell: str, repetitions: int) -> list[str]:
    """The last of a repeated flag counts. Without a least time no clock decides how many batches there are."""
    return [
        *sample_flags(flags, cell), "--benchmark_min_time=0", f"--benchmark_repetitions={repetitions}",
        "--benchmark_enable_random_interleaving=false", "--no-self-check",
    ]  # fmt: skip


def _read(
    document: Any, cell: str, repetitions: int, field: str, ended: Ended, wall_s: float, reasons: tuple[str, ...]
) -> Sample:  # fmt: skip
    """`field` has the time of a batch."""
    try:
        if document["failures"]:
            return Sample(wall_s, message=str(document["failures"][0]["message"]))
        entries = [entry for entry in document["benchmarks"] if entry["name"] == cell]
        times = [float(entry[field]) for entry in entries]
        means = [float(entry["real_time"]) for entry in entries]
        used = [float(entry.get("cpu_time_total_ns", entry["cpu_time"])) for entry in entries]
    except (KeyError, TypeError, IndexError, ValueError):
        return Sample(wall_s, message=f"wrote results in which it is not: it {ended.last_words}")
    if len(times) != repetitions:
        return Sample(wall_s, message=f"wrote {len(times)} times instead of {repetitions}: it {ended.last_words}")
    if wrong := [ns for ns in [*times, *means] if not (math.isfinite(ns) and ns > 0)]:
        return Sample(wall_s, message=f"wrote a time that is none: {wrong[0]} ns")
    if ended.status != 0:
        return Sample(wall_s, message=f"was measured, but then the program {ended.last_words}")
    # Of the mean batch, which is what the CPU time is of.
    cpu_share = statistics.median(used) / statistics.median(means)
    return Sample(wall_s, statistics.median(times), cpu_share, reasons)
