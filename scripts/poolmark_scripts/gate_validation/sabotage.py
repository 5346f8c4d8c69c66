"""What is done to a run on purpose: samplers that spoil what they measure."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator

from poolmark_scripts.disturbance import PR_SET_CHILD_SUBREAPER
from poolmark_scripts.gate.model import Arm
from poolmark_scripts.gate.sampling import Sample, Sampler

PR_GET_CHILD_SUBREAPER = 37
HOGGED_FROM = 40  # samples; the screen of six cells has 144


class Truncating(Sampler):
    """The new build's results file ends in its middle."""

    def written(self, program: Path, file: Path) -> None:
        if is_new(program):
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


class Nan(Sampler):
    """The new build's times are no numbers."""

    def written(self, program: Path, file: Path) -> None:
        if is_new(program):
            file.write_text(_with_nan(file.read_text()))


class Hogged(Sampler):
    """Somebody wants every CPU, from the middle of the run on."""

    def __init__(self, *arguments, **more) -> None:
        super().__init__(*arguments, **more)
        self._samples = 0
        self._hogs = contextlib.ExitStack()

    def measure(self, program: Path, cell: str, batches: int) -> Sample:
        self._samples += 1
        if self._samples == HOGGED_FROM:
            self._hogs.enter_context(hogs())
        return super().measure(program, cell, batches)

    def close(self) -> None:
        """Ends it."""
        self._hogs.close()


class Starved(Sampler):
    """Somebody wants every CPU while the new build runs, and never else."""

    def measure(self, program: Path, cell: str, batches: int) -> Sample:
        with hogs() if is_new(program) else contextlib.nullcontext():
            return super().measure(program, cell, batches)


KINDS = {"truncated": Truncating, "nan": Nan, "hog": Hogged, "starved": Starved}


def is_new(program: Path) -> bool:
    """Whether a link is of the new build: run.py keeps the layouts of each arm in a directory of its own."""
    return program.parent.parent.name == Arm.NEW.value


# Their input ends when we close it or die; their output ends with the last of them.
HOGS = """
import os, select, sys
pids = []
for _ in range(int(sys.argv[1])):
    pid = os.fork()
    if not pid:
        while not select.select([0], [], [], 0)[0]:
            sum(range(10000))
        os._exit(0)
    pids.append(str(pid))
print(*pids, flush=True)
"""

@contextlib.contextmanager
def hogs() -> Iterator[list[int]]:
    """A busy process a CPU, by their ids: strangers, as on a shared machine. They end with this process whatever happens
    to it.

    No children of ours, and no descendants: the runner waits for those and then ends them, and whose time it reaps it takes
    for the time of the program that it ran.
    """
    reading, writing = os.pipe()
    with _orphans_left_to_others():
        parent = subprocess.Popen(
            [sys.executable, "-IS", "-c", HOGS, str(len(os.sched_getaffinity(0)))], stdin=reading, stdout=subprocess.PIPE
        )
        os.close(reading)
        parent.wait()
    assert parent.stdout is not None
    with parent.stdout as said:
        try:
            yield [int(word) for word in said.readline().split()]
        finally:
            os.close(writing)
            said.read()  # until the last of them has ended


@contextlib.contextmanager
def _orphans_left_to_others() -> Iterator[None]:
    """disturbance.adopt_orphans() does not hold here."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    adopts = ctypes.c_int()
    prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(adopts), 0, 0, 0)
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, adopts.value, 0, 0, 0)


def _with_nan(text: str) -> str:
    document = json.loads(text)
    for entry in document["benchmarks"]:
        entry["real_time"] = entry["median_batch_ns"] = float("nan")
    return json.dumps(document)
