#!/usr/bin/python3
"""Speaks the protocol of bench/scaling without measuring: events, results file, exit status.

FAKE_SCALING says what happens: ok (default), fail (one cell fails), stop (after two repetitions it waits for
SIGINT and writes a partial file), deaf (the same, but it ignores SIGINT), usage, crash.
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
    mode = os.environ.get("FAKE_SCALING", "ok")
    cells = [f"{w}/{e}/{p}/workers:{n}" for w, e, p, n in sample_data.grid(sample_data.WORKERS)]
    cells = [name for name in cells if re.search(flag("benchmark_filter", "."), name)]
    if "--benchmark_list_tests" in sys.argv:
        print("\n".join(cells))
        return 0
    if mode == "usage":
        print("--workloads: 'prime' is unknown: say primes, sum or sleep.", file=sys.stderr)
        return 2
    if mode == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    return run(mode, cells)


def run(mode: str, cells: list[str]) -> int:
    repetitions = int(flag("benchmark_repetitions", "10"))
    factor = float(os.environ.get("FAKE_SCALING_THREAD_FACTOR", "1"))
    content = sample_data.document(
        seed=int(os.environ.get("FAKE_SCALING_SEED", "1")), repetitions=repetitions,
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
    target = Path(flag("benchmark_out", ""))
    temporary = target.with_suffix(".tmp")
    temporary.write_text(json.dumps(content))
    temporary.replace(target)
    return {"fail": 1, "stop": 130}.get(mode, 0)


def tell(events: Any, **event: Any) -> None:
    events.write(json.dumps(event) + "\n")


if __name__ == "__main__":
    sys.exit(main())
