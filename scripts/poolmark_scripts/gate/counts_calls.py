"""Calls of the C library in a batch: allocations, futex calls, threads, forks, counted by scripts/lib/count_calls.c.

The object is preloaded into an otherwise unchanged program, so any build can be counted. It notes its counters at the
beginning and the end of each batch. The first batch is left out, because buffers grow in it.

How 20 runs of one program differed on a machine with far more to do than it had CPUs says what is allowed
(docs/investigations/2026-11-27-counts-of-the-gate.md has all numbers):

    threads, forks       not at all
    allocations          not at all in the sequential executor; in pools by up to 0.09 a task, as a thread keeps a page
                         of tasks or gives it back; where there are few tasks, by up to 2 a batch
    the same in workers  not at all
    both, process map    by half, or twofold: chunks are as long as tasks seem to be, and each is a message
    futex calls          two- to tenfold: whoever comes too early sleeps, and whoever was asleep is woken
    context switches     the same

The last three are information. A change for the worse there is for the clock to see.
"""

from __future__ import annotations

import math
import operator
import shutil
import statistics
import struct
from pathlib import Path
from typing import NamedTuple, Sequence

from poolmark_scripts.building import ROOT
from poolmark_scripts.gate.counts_runs import (
    Counted, NotCounted, cell_command, has_chunks_by_time, is_sequential, tasks_of_run,
)  # fmt: skip
from poolmark_scripts.one_process import Runner

SOURCE = ROOT / "scripts" / "lib" / "count_calls.c"
COMPILERS = ("cc", "gcc", "clang", "c++", "g++")
COMPILE_S = 60.0
BATCHES = 8

# As in count_calls.c.
EDGES = 128
KINDS = ("allocations", "futex waits", "futex wakes", "forks", "threads started", "context switches")
PROGRAM, WORKERS = 0, 1  # counters of the program's own process, and of those that it forked
WIDTH = 2 * len(KINDS)
HEADER = 2  # words: whether it was loaded, and how many edges there were
FILE_BYTES = 8 * (HEADER + WIDTH + EDGES * WIDTH)

# Allocations of a pool's batch that say nothing: the larger of both.
FEW = 3.5  # between two whole numbers, so that no quotient lies on the bound
FEW_A_TASK = 0.15


class Counters(NamedTuple):
    """How far each kind had been counted at an edge, or from one edge to another; in the order of KINDS."""

    program: tuple[int, ...]
    workers: tuple[int, ...]

    def __sub__(self, other: "Counters") -> "Counters":
        return Counters(*(tuple(map(operator.sub, mine, its)) for mine, its in zip(self, other)))


class Calls:
    """Counts them in any cell."""

    what = "allocations, system calls and forks"

    def __init__(self, library: Path, runner: Runner, workspace: Path, flags: Sequence[str]) -> None:
        self._library, self._runner, self._workspace, self._flags = library, runner, workspace, flags

    def applies(self, cell: str) -> bool:
        """Whether the cell is one that it counts."""
        return True

    def count(self, program: Path, cell: str) -> list[Counted]:
        """Runs some batches of the cell. Raises NotCounted and Interrupted."""
        output, counters = self._workspace / "calls.results.json", self._workspace / "calls.counters"
        command = [
            "env", f"LD_PRELOAD={self._library}", f"POOLMARK_COUNTS={counters}",
            *cell_command(program, cell, self._flags, BATCHES, output),
        ]  # fmt: skip
        counters.write_bytes(bytes(FILE_BYTES))
        try:
            tasks = tasks_of_run(self._runner, command, output, BATCHES)
            edges = parse_counters(counters.read_bytes())
        finally:
            for path in (output, counters):
                path.unlink(missing_ok=True)
        return counted(cell, edges, tasks)


def compile_library(runner: Runner, workspace: Path) -> Path:
    """The object to preload. Raises NotCounted and Interrupted."""
    compiler = next((found for name in COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        raise NotCounted(f"there is no compiler: none of {', '.join(COMPILERS)} is installed (sudo apt-get install g++)")
    library = workspace / "count_calls.so"
    # What a C library lacks of what is called must come to light here, not in each cell.
    how = ["-O2", "-fPIC", "-shared", "-Wl,-z,defs"]
    ended = runner.run([compiler, "-x", "c", *how, str(SOURCE), "-o", str(library), "-ldl"], COMPILE_S)
    if ended.status != 0:
        raise NotCounted(f"{SOURCE.relative_to(ROOT)} cannot be compiled here: {compiler} {ended.last_words}")
    return library


def parse_counters(content: bytes) -> list[Counters]:
    """The edges of all batches. Raises NotCounted if they are not there."""
    words = struct.unpack(f"={FILE_BYTES // 8}Q", content)
    is_loaded, noted = words[:HEADER]
    if not is_loaded:
        raise NotCounted("the counters were not loaded into the program; is it linked statically?")
    if noted != 2 * BATCHES:
        raise NotCounted(
            f"the program read the CPU clock of its process {noted} times and not twice for each of {BATCHES} batches, as "
            "measure_batch() in src/harness/runner.cpp does, so where they begin and end is not known"
        )
    per_role = len(KINDS)
    starts = [HEADER + WIDTH * (edge + 1) for edge in range(noted)]
    return [Counters(words[start : start + per_role], words[start + per_role : start + WIDTH]) for start in starts]


def counted(cell: str, edges: Sequence[Counters], tasks: int) -> list[Counted]:
    """Of all batches but the first, and of all pools but the first, the median, and how far each may rise.

    Of what workers allocate it is the least: what is left of their start when a batch begins only adds to it.
    """
    begins, ends = edges[::2], edges[1::2]
    batches = [end - begin for begin, end in zip(begins, ends)][1:]
    pools = [after - before for before, after in zip(ends, ends[1:])]  # one is shut down, the next made and warmed up
    slack = 0.0 if is_sequential(cell) else max(FEW / tasks, FEW_A_TASK)
    allocated = [[batch[role][KINDS.index("allocations")] for batch in batches] for role in (PROGRAM, WORKERS)]
    allocations = math.inf if has_chunks_by_time(cell) else 0.0
    waiting = 0.0 if is_sequential(cell) else math.inf
    return [
        Counted("allocations", "task", statistics.median(allocated[PROGRAM]) / tasks, allocations, slack),
        Counted("allocations in workers", "task", min(allocated[WORKERS]) / tasks, allocations, slack),
        *(Counted(kind, "task", _median(batches, kind) / tasks, waiting) for kind in ("futex waits", "futex wakes")),
        Counted("context switches", "task", _median(batches, "context switches") / tasks, math.inf),
        *(Counted(kind, "pool", _median(pools, kind)) for kind in ("forks", "threads started")),
    ]


def _median(changes: Sequence[Counters], kind: str) -> float:
    index = KINDS.index(kind)
    return statistics.median(change.program[index] + change.workers[index] for change in changes)
