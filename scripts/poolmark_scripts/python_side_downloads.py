"""Twenty flags over HTTP from one server: the programs of examples/python, and bench/flags."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

from poolmark_scripts import measuring, results
from poolmark_scripts.python_side_runs import POOLMARK, PYTHON, Measured, run_program

WORK = "flags"
AT_ONCE = 20
GRID = (("sequential", 1), ("thread", AT_ONCE), ("async", AT_ONCE))
PROGRAMS = {"sequential": "flags.py", "thread": "flags_threadpool.py", "async": "flags_asyncio.py"}
TARGETS = ("flags", "flags_server")
PRINTS = "20 flags of 23688 bytes."
MODULE = "httpx"


def has_client(python: str) -> bool:
    """Whether that interpreter has what the programs download with."""
    asked = subprocess.run([python, "-c", f"import {MODULE}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return asked.returncode == 0


def measure(directory: Path, python: str, programs: Path, repetitions: int, measured: Measured, console) -> Iterator[str]:
    """Both languages against one server, which `directory` has beside our program; yields what it is about to run."""
    with server(directory / "flags_server", measured) as address:
        if address is None:
            return
        yield "poolmark"
        _measure_poolmark(directory / "flags", address, repetitions, measured, console)
        for _ in range(repetitions):
            for executor, workers in GRID:
                yield f"{WORK} {executor}"
                took = run_program([python, "-B", str(programs / PROGRAMS[executor]), address], PRINTS, measured)
                if took is not None:
                    measured.seconds.setdefault((PYTHON, WORK, executor, workers), []).append(took)


@contextlib.contextmanager
def server(program: Path, measured: Measured) -> Iterator[str | None]:
    """Its address; None, and a sentence in `measured`, if it does not say it."""
    try:
        # It ends with its input, and so with us, however we end.
        serving = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    except OSError as error:
        measured.failures.append(f"{program.name} cannot be started: {error.strerror}")
        yield None
        return
    with serving:
        assert serving.stdin is not None and serving.stdout is not None
        address = serving.stdout.readline().strip()
        if not address:
            measured.failures.append(f"{program.name} ended with status {serving.wait()} and gave no address")
        try:
            yield address or None
        finally:
            serving.stdin.close()
            serving.wait()


def _measure_poolmark(program: Path, address: str, repetitions: int, measured: Measured, console) -> None:
    flags = [
        f"--base-url={address}", "--executors=sequential,thread,async", "--patterns=map", f"--workers={AT_ONCE}", "--pool=cold",
        f"--benchmark_repetitions={repetitions}",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="poolmark-") as directory:
        output = Path(directory) / "flags.json"
        status, said = measuring.measure(program, flags, output, console)
        measured.interrupted = measured.interrupted or status == 130
        if not output.exists():
            measured.failures.append(f"{program.name} ended with status {status}: {said or 'it said nothing'}")
            return
        found = results.load(output)
    for executor, workers in GRID:
        cell = found.cells.get(f"{WORK}/{executor}/map/workers:{workers}")
        if cell:
            measured.seconds[POOLMARK, WORK, executor, workers] = [ns / 1e9 for ns in cell.real_times]
    measured.failures += [f"poolmark {failure.name}: {failure.message}" for failure in found.failures]
