#!/usr/bin/python3 -IS
"""Speaks the protocol of bench/gate without measuring. What it says stands in a file beside it, gate.json:

    cells     a list of names                        context   of the listing
    factors   times by cell, as parts of 4 ms        failures  messages by cell
    hangs     a cell in which it hangs               crashes   a cell in which it is killed
    in_links  factors of all times, by a part of the path of the link that runs
"""

import json
import os
import random
import re
import signal
import sys

WANTED = json.load(open(os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "gate.json")))
USUAL_NS = 4e6


def flag(name: str, default: str) -> str:
    values = [a.split("=", 1)[1] for a in sys.argv[1:] if a.startswith(f"--{name}=")]
    return values[-1] if values else default


def main() -> int:
    cells = [name for name in WANTED["cells"] if re.search(flag("benchmark_filter", "."), name)]
    if "--version" in sys.argv:
        print("gate of poolmark 0.1.0 (0123456789ab)")
        return 0
    if "--benchmark_list_tests" in sys.argv:
        kept = {"batches": int(flag("batches", "0"))} if flag("batches", "") else {}
        print(json.dumps({"schema_version": 1, "context": {**WANTED["context"], **kept}, "cells": cells}))
        return 0
    (cell,) = cells
    if cell == WANTED.get("crashes"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if cell == WANTED.get("hangs"):
        print("hanging", file=sys.stderr, flush=True)
        signal.pause()
    factor = WANTED.get("factors", {}).get(cell, 1.0)
    for part, more in WANTED.get("in_links", {}).items():
        factor *= more if part in os.path.abspath(sys.argv[0]) else 1.0
    times = [USUAL_NS * factor * random.gauss(1, 0.001)
             for _ in range(int(flag("benchmark_repetitions", "1")))]  # fmt: skip
    message = WANTED.get("failures", {}).get(cell)
    document = {
        "failures": [{"name": cell, "message": message}] if message else [],
        "benchmarks": [
            {"name": cell, "real_time": ns, "median_batch_ns": ns, "cpu_time": ns, "cpu_time_total_ns": ns} for ns in times
        ],
    }
    with open(flag("benchmark_out", ""), "w") as file:
        json.dump(document, file)
    return 1 if message else 0


sys.exit(main())
