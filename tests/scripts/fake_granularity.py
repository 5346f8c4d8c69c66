#!/usr/bin/python3
"""Stands for bench/granularity: pools of known overhead, and what can go wrong with them.

FAKE_GRANULARITY is a directory: a file there named as a subject, with _ for /, makes that subject misbehave as its text
says (crash, hang, rubbish, slow-once), and every call is noted in the file "calls".
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

OVERHEADS_NS = {"thread/as_completed/workers:2": 400, "process/as_completed/workers:2": 3000, "tbb/tasks/workers:2": 900}
PACE_NS = 1.5


def described() -> dict:
    context = {"cpu_model": "A CPU", "usable_cpus": 2, "compiler": "GNU 12.2.0", "skipped": ["Asio (not found when this was built)"]}
    subjects = {}
    for name in OVERHEADS_NS:
        executor, pattern, _ = name.split("/")
        subjects[name] = {"executor": executor, "pattern": pattern, "workers": 2, "cores": 2, "chunked": False, "most_tasks": 400000}
    return {"context": context, "subjects": subjects}


def misbehaviour(room: Path, subject: str) -> str:
    file = room / subject.replace("/", "_")
    how = file.read_text() if file.exists() else ""
    if how == "slow-once":
        file.unlink()
    return how


def measured(subject: str, grains: list[float], ns_per_step: float, pace: float) -> dict:
    overhead = OVERHEADS_NS[subject]
    points = []
    for grain in grains:
        steps, tasks = round(grain / ns_per_step), max(400, int(5e7 / grain))
        points.append({"grain_ns": grain, "steps": steps, "tasks": tasks, "elapsed_ns": int(tasks * (steps * pace + overhead) / 2)})
    for tasks in (1000, 2000):
        points.append({"grain_ns": 0, "steps": 0, "tasks": tasks, "elapsed_ns": tasks * overhead // 2})
    return {"subject": subject, "points": points}


def main(arguments: dict[str, str]) -> int:
    room = Path(os.environ["FAKE_GRANULARITY"])
    with (room / "calls").open("a") as calls:
        calls.write(f"{' '.join(sys.argv[1:])}\n")
    if "--describe" in arguments:
        print(json.dumps(described()))
        return 0
    if "--calibrate" in arguments:
        print(json.dumps({"2": PACE_NS}))
        return 0
    how = misbehaviour(room, arguments["--subject"])
    if how == "crash":
        print("the sum of the results is 3, expected 6", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "hang":
        (room / "pid").write_text(str(os.getpid()))
        time.sleep(600)
    if how == "rubbish":
        print("hello")
        return 0
    grains = [float(grain) for grain in arguments["--grains"].split(",")]
    pace = PACE_NS * (1.4 if how in ("slow-once", "slow") else 1)
    print(json.dumps(measured(arguments["--subject"], grains, float(arguments["--ns-per-step"]), pace)))
    return 0


if __name__ == "__main__":
    sys.exit(main(dict((argument.split("=", 1) + [""])[:2] for argument in sys.argv[1:])))
