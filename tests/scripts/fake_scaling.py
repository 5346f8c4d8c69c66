#!/usr/bin/python3
"""Speaks the protocol of bench/scaling without measuring: listing, events, results file, exit status.

FAKE_SCALING says what happens: ok (default), usage, fail (one cell fails), crash, hang (a child of its own too, both
deaf to everything but SIGKILL, after "hanging" on standard error), rubbish (a results file that is none), untraced
(crashes when it shall draw a trace, which otherwise is a list of the cells), old (it does not know --trace), or, of a run of several repetitions: stop (after two it waits for SIGINT and writes a partial file), deaf (the same, but it
ignores SIGINT). "crash:REGEX" and the like: only when the chosen cells match.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, os.environ.get("FAKE_SCALING_DATA", str(Path(__file__).resolve().parent)))

import sample_data  # noqa: E402

FAILING = "sum/thread/map/workers:2"


def flag(name: str, default: str) -> str:
    """The last value of --name=value."""
    values = [a.split("=", 1)[1] for a in sys.argv[1:] if a.startswith(f"--{name}=")]
    return values[-1] if values else default


def main() -> int:
    cells = [f"{w}/{e}/{p}/workers:{n}" for w, e, p, n in sample_data.grid(sample_data.WORKERS)]
    workloads = flag("workloads", "primes,sum,sleep").split(",")
    cells = [name for name in cells if re.search(flag("benchmark_filter", "."), name) and name.split("/")[0] in workloads]
    mode, _, where = os.environ.get("FAKE_SCALING", "ok").partition(":")
    if "--version" in sys.argv:
        print("scaling of poolmark 0.1.0 (0123456789ab)")
        return 0
    if mode == "usage":
        print("--workloads: 'prime' is unknown: say primes, sum or sleep.", file=sys.stderr)
        return 2
    if mode == "old" and flag("trace", ""):
        print("'--trace' is not a flag of this program: --help lists them.", file=sys.stderr)
        return 2
    if "--benchmark_list_tests" in sys.argv:
        return list_cells(cells)
    if not any(re.search(where, name) for name in cells):
        mode = "ok"
    if mode == "crash":
        print("about to crash", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    if mode == "hang":
        hang()
    if flag("trace", ""):
        return trace(mode, cells)
    return run(mode, cells)


def trace(mode: str, cells: list[str]) -> int:
    if mode == "untraced":
        os.kill(os.getpid(), signal.SIGSEGV)
    if "--no-baseline" not in sys.argv and not any("/sequential/" in name for name in cells):
        cells = ["sum/sequential/map/workers:1", *cells]
    Path(flag("trace", "")).write_text(json.dumps(cells))
    return 0


def list_cells(cells: list[str]) -> int:
    if flag("benchmark_format", "console") == "json":
        context = {**sample_data.context(), **json.loads(os.environ.get("FAKE_SCALING_CONTEXT", "{}"))}
        print(json.dumps({"schema_version": 1, "context": context, "cells": cells}))
    else:
        print("\n".join(cells))
    return 0


def hang() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
    else:
        print("hanging", file=sys.stderr, flush=True)
    while True:
        signal.pause()


def run(mode: str, cells: list[str]) -> int:
    repetitions = int(flag("benchmark_repetitions", "10"))
    factor = float(os.environ.get("FAKE_SCALING_THREAD_FACTOR", "1"))
    content = sample_data.document(
        seed=int(os.environ.get("FAKE_SCALING_SEED", "1")) + (os.getpid() if repetitions == 1 else 0),
        repetitions=repetitions,
        factor=lambda name, _: factor if "/thread/" in name else 1.0,
    )
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    entries = [e for e in content["benchmarks"] if e["name"] in cells and not (mode == "fail" and e["name"] == FAILING)]
    with os.fdopen(int(flag("progress-fd", "1")), "w", buffering=1) as events:
        tell(events, event="plan", cells=cells, repetitions=repetitions)
        if mode == "fail":
            content["failures"] = [{"name": FAILING, "repetition_index": i, "message": "wrong sum"} for i in range(repetitions)]
            for failure in content["failures"]:
                tell(events, event="failure", **failure)
        if mode in ("stop", "deaf"):
            entries, content["partial"] = entries[:2], True
        for entry in entries:
            tell(events, event="sample", **{key: entry[key] for key in ("name", "repetition_index", "real_time")})
        if mode == "stop":
            signal.sigwait([signal.SIGINT, signal.SIGTERM])
        if mode == "deaf":
            signal.sigwait([signal.SIGUSR1])
    content["benchmarks"] = entries
    content["tasks"] = {name.split("/")[0]: sample_data.TASKS_NS[name.split("/")[0]] for name in cells if "/sequential/" in name}
    target = Path(flag("benchmark_out", ""))
    if mode == "rubbish":
        target.write_text("rubbish")
        return 0
    temporary = target.with_suffix(".tmp")
    temporary.write_text(json.dumps(content))
    temporary.replace(target)
    return {"fail": 1, "stop": 130}.get(mode, 0)


def tell(events: Any, **event: Any) -> None:
    events.write(json.dumps(event) + "\n")


if __name__ == "__main__":
    sys.exit(main())
