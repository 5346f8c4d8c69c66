"""The cases of bench/overhead for pools of processes, measured of CPython's ProcessPoolExecutor.

A program of its own that needs the standard library alone: scripts/overhead runs it with the Python of the
distribution. It writes what bench/overhead writes, as far as it goes: entries with a run_name and ns_per_task.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Callable, Iterator

PEER = "cpython"
WORKERS = 2
FEW = 100
HOT_TRIPS = 200
COLD_TRIES, COLD_PAUSE = 20, 0.005
CHUNK_SIZES = (100, 1000, 10_000, 50_000)  # the best of them stands for map
PAYLOADS = {"8B": 8, "64KiB": 1 << 16, "1MiB": 1 << 20, "64MiB": 1 << 26}
PAYLOAD_TRIPS = {"8B": 100, "64KiB": 50, "1MiB": 20, "64MiB": 1}

meeting: Any = None  # of this worker: a barrier that all workers of a pool pass together


class WrongResult(Exception):
    """A pool has computed something else."""


def join_meeting(barrier: Any) -> None:
    """Initializer of the workers."""
    global meeting
    meeting = barrier


def meet() -> None:
    """Returns when all workers are in here."""
    meeting.wait(timeout=10)


def increment(x: int) -> int:
    """The task of every case that names none."""
    return x + 1


def give_back(values: Any) -> Any:
    """The task of the payloads."""
    return values


def ready_pool() -> ProcessPoolExecutor:
    """A pool all of whose workers have answered."""
    pool = ProcessPoolExecutor(WORKERS, initializer=join_meeting, initargs=(multiprocessing.Barrier(WORKERS),))
    for present in [pool.submit(meet) for _ in range(WORKERS)]:
        present.result()
    return pool


def check(what: str, got: Any, expected: Any) -> None:
    """WrongResult unless both are equal."""
    if got != expected:
        raise WrongResult(f"{what} is {got!r}, expected {expected!r}")


Sample = Callable[[ProcessPoolExecutor], float]  # ns of a task, once


def stream(n: int, times: int = 1) -> Sample:
    """n tasks submitted one by one, then every result taken."""

    def sample(pool: ProcessPoolExecutor) -> float:
        begun = time.perf_counter_ns()
        for _ in range(times):
            total = sum(future.result() for future in [pool.submit(increment, i) for i in range(n)])
            check("the sum of the results", total, n * (n + 1) // 2)
        return (time.perf_counter_ns() - begun) / (n * times)

    return sample


def mapped(n: int, chunksize: int) -> Sample:
    """One function over n elements."""

    def sample(pool: ProcessPoolExecutor) -> float:
        begun = time.perf_counter_ns()
        total = sum(pool.map(increment, range(n), chunksize=chunksize))
        took = time.perf_counter_ns() - begun
        check("the sum of the results", total, n * (n + 1) // 2)
        return took / n

    return sample


def hot(trips: int) -> Sample:
    """Submit, wait for the result, again at once."""

    def sample(pool: ProcessPoolExecutor) -> float:
        begun = time.perf_counter_ns()
        total = sum(pool.submit(increment, i).result() for i in range(trips))
        took = time.perf_counter_ns() - begun
        check("the sum of the results", total, trips * (trips + 1) // 2)
        return took / trips

    return sample


def cold(tries: int) -> Sample:
    """One task for a pool that has fallen asleep."""

    def sample(pool: ProcessPoolExecutor) -> float:
        took = 0
        for i in range(tries):
            time.sleep(COLD_PAUSE)
            begun = time.perf_counter_ns()
            result = pool.submit(increment, i).result()
            took += time.perf_counter_ns() - begun
            check("the result", result, i + 1)
        return took / tries

    return sample


def payload(size: int, trips: int) -> Sample:
    """Bytes that go there and come back: in a bytearray, which crosses twice as fast as an array of doubles."""

    def sample(pool: ProcessPoolExecutor) -> float:
        sent = bytearray(size)
        took = 0
        for i in range(trips):
            sent[0] = sent[-1] = i % 255 + 1
            begun = time.perf_counter_ns()
            got = pool.submit(give_back, sent).result()
            took += time.perf_counter_ns() - begun
            check("the payload", (len(got), got[0], got[-1]), (len(sent), sent[0], sent[-1]))
        return took / trips

    return sample


def start() -> float:
    """From nothing until every worker has answered."""
    begun = time.perf_counter_ns()
    with ready_pool():
        return float(time.perf_counter_ns() - begun)


def stop() -> float:
    """Until every worker is gone."""
    pool = ready_pool()
    begun = time.perf_counter_ns()
    pool.shutdown()
    return float(time.perf_counter_ns() - begun)


def name(case: str, n: int) -> str:
    """The name of a case, as bench/overhead makes it."""
    return f"{case}/{PEER}/n:{n}/workers:{WORKERS}"


def in_warm_pool(repetitions: int, *samples: Sample) -> list[list[float]]:
    """The times of every sample, taken in turns."""
    with ready_pool() as pool:
        taken = [[sample(pool) for sample in samples] for _ in range(repetitions)]
    return [list(column) for column in zip(*taken)]


def best_map(repetitions: int, n: int) -> tuple[list[float], str]:
    """The times of the best chunk size, and which it is. The smallest median wins."""
    sizes = [size for size in CHUNK_SIZES if size <= n] or [n]
    taken = in_warm_pool(repetitions, *(mapped(n, size) for size in sizes))
    best = min(range(len(sizes)), key=lambda i: sorted(taken[i])[repetitions // 2])
    return taken[best], f"chunksize={sizes[best]}, the best of {', '.join(map(str, sizes))}"


def cases(repetitions: int, n: int) -> Iterator[tuple[str, Callable[[], tuple[list[float], str]]]]:
    """Name, and what measures it: the times and a note."""

    def plain(sample: Sample) -> Callable[[], tuple[list[float], str]]:
        return lambda: (in_warm_pool(repetitions, sample)[0], "")

    # Pools are made and torn down first: a fork copies the page tables of what the others allocate.
    yield name("process/start/ready", 1), lambda: ([start() for _ in range(repetitions)], "")
    yield name("process/stop/gone", 1), lambda: ([stop() for _ in range(repetitions)], "")
    yield name("process/stream/result", FEW), plain(stream(FEW, times=5))
    yield name("process/stream/result", n), plain(stream(n))
    yield name("process/map/default", 100_000), lambda: best_map(repetitions, 100_000)
    yield name("process/round_trip/hot", HOT_TRIPS), plain(hot(HOT_TRIPS))
    yield name("process/round_trip/cold", 1), plain(cold(COLD_TRIES))
    for size, count in PAYLOADS.items():
        yield name(f"process/payload/{size}", 1), plain(payload(count, PAYLOAD_TRIPS[size]))


def entries_of(case: str, times: list[float], note: str) -> list[dict[str, Any]]:
    """A repetition each, as Google Benchmark writes them."""
    return [
        {"name": case, "run_name": case, "run_type": "iteration", "repetitions": len(times), "repetition_index": i,
         "iterations": 1, "real_time": ns, "time_unit": "ns", "label": note, "ns_per_task": ns}
        for i, ns in enumerate(times)
    ]  # fmt: skip


def failure_of(case: str, error: BaseException) -> dict[str, Any]:
    """The entry of a case that has no time."""
    return {"name": case, "run_name": case, "run_type": "iteration", "repetition_index": 0, "error_occurred": True,
            "error_message": f"{type(error).__name__}: {error}"}  # fmt: skip


def measure(repetitions: int, n: int, wanted: list[str] | None = None) -> dict[str, Any]:
    """The cases `wanted`, or all; a failed one is an entry that says so."""
    entries: list[dict[str, Any]] = []
    for case, run in cases(repetitions, n):
        if wanted and not any(case.startswith(f"{each}/{PEER}/") for each in wanted):
            continue
        if sys.stderr.isatty():
            print(f"\r\x1b[K{case}", end="", file=sys.stderr, flush=True)
        try:
            entries += entries_of(case, *run())
        except Exception as error:  # whatever a pool may throw: the other cases go on
            entries.append(failure_of(case, error))
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    context = {"python": python, "start_method": multiprocessing.get_start_method(), "usable_cpus": len(os.sched_getaffinity(0))}
    return {"context": context, "benchmarks": entries}


def main(argv: list[str]) -> int:
    """Prints the JSON; 1 if a case failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5, help="repetitions of each case (default: 5)")
    parser.add_argument("--tasks", type=int, default=20_000, help="tasks of the long stream (default: 20000)")
    parser.add_argument("--case", action="append", help="a case to measure, as process/round_trip/hot (default: all)")
    options = parser.parse_args(argv)
    document = measure(options.repetitions, options.tasks, options.case)
    print(json.dumps(document, indent=1))
    return 1 if any(entry.get("error_occurred") for entry in document["benchmarks"]) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
