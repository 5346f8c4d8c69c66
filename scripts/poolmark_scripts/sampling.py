"""One sample: one cell, measured in a process of its own."""

from __future__ import annotations

import dataclasses
import glob
import json
import math
import os
import re
import time
from pathlib import Path
from typing import Any, Sequence

from poolmark_scripts.disturbance import Watch
from poolmark_scripts.one_process import Ended, Runner

LEAST_S = 0.1  # a shorter batch is repeated until a sample lasts that long; the first try warms the process up
FIRST_LIMIT_S, LIMIT_FACTOR = 60.0, 10.0
OK, DISTURBED, FAILED = "ok", "disturbed", "failed"
PARTS = ("tasks", "completions", "latencies")  # of a results file, beside the entry
USAGE = 2
CANNOT_WRITE = "--benchmark_out: "


class NotMeasured(Exception):
    """No fault of the cell's: nothing can be measured any more. The text is the sentence the user reads."""


def given(flags: Sequence[str], name: str) -> str | None:
    """The value that the user gave to a flag of Google Benchmark's, there or by its variable; None if none."""
    values = [flag.partition("=")[2] for flag in flags if flag.split("=", 1)[0] == f"--{name}"]
    return values[-1] if values else os.environ.get(name.upper())


def least_flags(flags: Sequence[str]) -> list[str]:
    """How long a sample lasts at least, unless the user says it."""
    return [] if given(flags, "benchmark_min_time") is not None else [f"--benchmark_min_time={LEAST_S}"]


def is_baseline(name: str) -> bool:
    """Whether speed-ups refer to this cell."""
    return name.split("/")[1:] == ["sequential", "map", "workers:1"]


def sample_flags(flags: Sequence[str], name: str) -> list[str]:
    """What makes a program measure one cell once. The last of a repeated flag counts, so the user's stay."""
    workload, executor, pattern, workers = name.split("/")[:4]
    # The program refuses chunk sizes where nothing has chunks, and one cell alone may be such a place.
    has_chunks = pattern == "map" and executor != "sequential"
    given_here = [flag for flag in flags if has_chunks or flag.split("=", 1)[0] != "--chunksize"]
    return [
        *given_here, f"--workloads={workload}", f"--executors={executor}", f"--patterns={pattern}",
        f"--workers={workers.removeprefix('workers:')}", f"--benchmark_filter=^{re.escape(name)}$",
        "--benchmark_repetitions=1", *least_flags(flags), *([] if is_baseline(name) else ["--no-baseline"]),
    ]  # fmt: skip


class Sampler:
    """Measures cells of one program; knows how long each may take, and which workloads have proven themselves."""

    def __init__(self, program: Path, flags: Sequence[str], output: Path, runner: Runner, limit_s: float | None) -> None:
        self._program, self._flags, self._runner, self._limit_s = program, list(flags), runner, limit_s
        # Beside the results: there is room or there is none, and a run that was killed leaves it to the next one.
        self._file = output.with_suffix(".sample.json")
        self._build = _identity(program)
        self._watch = Watch()
        self._longest_s: dict[str, float] = {}
        self._proven: set[str] = set()

    def limit_s(self, name: str) -> float:
        """After which a process that measures the cell is taken to hang."""
        return self._limit_s or FIRST_LIMIT_S + LIMIT_FACTOR * self._longest_s.get(name, 0.0)

    def remember(self, line: dict[str, Any]) -> None:
        """A sample of this run, measured now or before a --resume."""
        name = line["name"]
        self._longest_s[name] = max(self._longest_s.get(name, 0.0), line["wall_s"])
        if line["status"] != FAILED:
            self._proven.add(name.split("/")[0])

    def measure(self, name: str) -> dict[str, Any]:
        """Measures the cell once; the journal's line, except for its place in the run. Raises Interrupted."""
        self.clean_up()
        command = [str(self._program), *sample_flags(self._flags, name), f"--benchmark_out={self._file}"]
        if name.split("/")[0] in self._proven:
            command.append("--no-self-check")
        limit_s = self.limit_s(name)
        started = time.monotonic()
        self._watch.start()
        try:
            ended = self._runner.run(command, limit_s)
            wall_s = time.monotonic() - started
            disturbance = self._watch.stop()
            if _identity(self._program) != self._build:
                raise NotMeasured(
                    f"{self._program} was replaced or removed while it was measured, so what comes now would be another "
                    "build's. What was measured is in the journal; measure anew when nothing is being built."
                )
            found = self._outcome(name, ended, limit_s)
        except OSError as error:
            raise NotMeasured(f"{self._program} cannot be started: {error.strerror}.") from None
        finally:
            self.clean_up()
        machine = {
            key: value for key, value in dataclasses.asdict(disturbance).items()
            if key in ("steal", "foreign", "throttled_s", "load", "pressure") and value is not None
        }  # fmt: skip
        reasons = list(disturbance.reasons())
        if found["status"] == OK and reasons:
            found["status"] = DISTURBED
        line = {"name": name, "wall_s": wall_s, "reasons": reasons, **found, **machine}
        self.remember(line)
        return line

    def clean_up(self) -> None:
        """Removes what a program wrote, or had begun to."""
        for path in self._file.parent.glob(f"{glob.escape(self._file.name)}*"):
            path.unlink(missing_ok=True)

    def _outcome(self, name: str, ended: Ended, limit_s: float) -> dict[str, Any]:
        if ended.too_late:
            said = f"; its last words: {ended.words.strip().splitlines()[-1]}" if ended.words.strip() else ""
            return _failed(f"was not at its end after {limit_s:.0f} s and was ended (--limit allows it more){said}")
        if ended.status == USAGE and CANNOT_WRITE in ended.words:
            raise NotMeasured(
                f"{ended.words.strip().splitlines()[-1]} Nothing is lost: make room and go on with scripts/bench --resume."
            )
        try:
            document = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return _failed(f"wrote no results: it {ended.last_words}")
        except ValueError:
            return _failed(f"wrote results that are not JSON, and {ended.last_words}")
        return _from_document(name, document, ended)


def _identity(program: Path) -> tuple[int, int, int] | None:
    try:
        found = program.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _failed(message: str) -> dict[str, Any]:
    return {"status": FAILED, "message": message}


def _from_document(name: str, document: Any, ended: Ended) -> dict[str, Any]:
    try:
        if document["failures"]:
            return _failed(str(document["failures"][0]["message"]))
        (entry,) = document["benchmarks"]
        if entry["name"] != name or not (math.isfinite(entry["real_time"]) and entry["real_time"] > 0):
            return _failed(f"wrote the results of something else: {entry['name']}, {entry['real_time']} ns")
    except (KeyError, TypeError, ValueError, IndexError):
        return _failed(f"wrote results in which it is not: it {ended.last_words}")
    if ended.status != 0:
        return _failed(f"was measured, but then the program {ended.last_words}")
    return {"status": OK, "entry": entry, **{part: document[part] for part in PARTS if document.get(part)}}
