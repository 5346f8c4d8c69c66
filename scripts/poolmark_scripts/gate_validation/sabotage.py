"""What is done to a run on purpose: samplers that spoil what they measure."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Iterator

from poolmark_scripts.gate.model import Arm
from poolmark_scripts.gate.sampling import Sample, Sampler

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


@contextlib.contextmanager
def hogs() -> Iterator[None]:
    """A busy process a CPU; they end with this one whatever happens to it."""
    loop = "import ctypes\nctypes.CDLL(None).prctl(1, 9)\nprint(flush=True)\nwhile True: pass"  # PR_SET_PDEATHSIG, SIGKILL
    started = [
        subprocess.Popen([sys.executable, "-IS", "-c", loop], stdout=subprocess.PIPE) for _ in os.sched_getaffinity(0)
    ]
    try:
        for hog in started:
            assert hog.stdout is not None
            hog.stdout.readline()
        yield
    finally:
        for hog in started:
            hog.send_signal(signal.SIGKILL)
            hog.communicate()


def _with_nan(text: str) -> str:
    document = json.loads(text)
    for entry in document["benchmarks"]:
        entry["real_time"] = entry["median_batch_ns"] = float("nan")
    return json.dumps(document)
