"""One function over a list, in the executor that the arguments of the program name."""

import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from time import perf_counter

EXECUTORS = {"thread": ThreadPoolExecutor, "process": ProcessPoolExecutor}


def timed_map(function, inputs):
    """The results and how many seconds they took, with the making and shutting down of the pool."""
    executor, workers = _arguments()
    start = perf_counter()
    if executor == "sequential":
        results = list(map(function, inputs))
    else:
        with EXECUTORS[executor](workers) as pool:
            results = list(pool.map(function, inputs))
    return results, perf_counter() - start


def _arguments():
    given = sys.argv[1:]
    if given == ["sequential"]:
        return "sequential", 1
    if len(given) == 2 and given[0] in EXECUTORS and given[1].isdigit() and int(given[1]) > 0:
        return given[0], int(given[1])
    print(f"usage: {sys.argv[0]} sequential | thread WORKERS | process WORKERS", file=sys.stderr)
    raise SystemExit(2)
