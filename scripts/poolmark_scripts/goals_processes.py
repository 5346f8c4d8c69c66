"""What scripts/overhead asks of the process pool: a number, the goal, the limit of the machine, and CPython's."""

from __future__ import annotations

from dataclasses import dataclass

from poolmark_scripts.overhead_results import Measured, OverheadResults
from poolmark_scripts.units import duration

OURS, CPYTHON = "poolmark_processes", "cpython"
MANY, FEW = 100_000, 100


@dataclass(frozen=True)
class Limit:
    """A limit that the program measures, and how the table calls it."""

    name: str
    shown: str


LINE = Limit("limit/process_cache_line_round_trip/hardware/n:100/workers:1", "cache line")
COLD_FUTEX = Limit("limit/process_futex_round_trip_cold/kernel/n:1/workers:1", "futex, cold")
MEMCPY = Limit("limit/shared_memcpy/hardware/n:1/workers:1", "4 memcpys")
FORK = Limit("limit/fork_wait/kernel/n:1/workers:2", "fork+wait, twice")


@dataclass(frozen=True)
class Wanted:
    """A goal: at most so many ns, at most so many times the limit, at least so many times as fast as CPython."""

    us: float | None = None
    of_limit: float | None = None
    of_cpython: float | None = None

    def __str__(self) -> str:
        parts = [
            f"<= {duration(self.us * 1e3)}" if self.us is not None else "",
            f"<= {self.of_limit:g} x limit" if self.of_limit is not None else "",
            f">= {self.of_cpython:g} x CPython" if self.of_cpython is not None else "",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class ProcessRow:
    """A line of the table."""

    case: str
    wanted: Wanted
    ours: Measured
    limit: Measured | None
    limit_name: str
    cpython: Measured | None

    @property
    def limit_ratio(self) -> float | None:
        """poolmark / the limit: 1 cannot be beaten."""
        return self.ours.median / self.limit.median if self.limit and self.limit.median > 0 else None

    @property
    def cpython_ratio(self) -> float | None:
        """CPython / poolmark: how many times as fast poolmark is."""
        return self.cpython.median / self.ours.median if self.cpython and self.ours.median > 0 else None

    @property
    def goal(self) -> str:
        """The goal in words."""
        return str(self.wanted) or "-"

    @property
    def met(self) -> bool | None:
        """Whether every part of the goal is reached; None if there is none, or a part was not measured."""
        reached = [
            (self.wanted.us, self.ours.median / 1e3, False), (self.wanted.of_limit, self.limit_ratio, False),
            (self.wanted.of_cpython, self.cpython_ratio, True),
        ]  # fmt: skip
        asked = [(goal, got, more) for goal, got, more in reached if goal is not None]
        if any(got is not None and (got < goal if more else got > goal) for goal, got, more in asked):
            return False
        return None if not asked or any(got is None for _, got, _ in asked) else True


def process_rows(results: OverheadResults) -> list[ProcessRow]:
    """The rows that this run can fill."""

    def row(
        shown: str, case: str, wanted: Wanted = Wanted(), limit: Limit | None = None, tasks: int = 1, workers: int = 2,
        cpython_tasks: int | None = None,
    ) -> ProcessRow | None:  # fmt: skip
        ours = results.get(f"{case}/{OURS}/n:{tasks}/workers:{workers}", "ns_per_task")
        if not ours:
            return None
        return ProcessRow(
            shown, wanted, ours, results.get(limit.name, "ns_per_task") if limit else None, limit.shown if limit else "-",
            _of_cpython(results, case, workers, cpython_tasks),
        )  # fmt: skip

    found = [
        row("stream 100000, a task", "process/stream/result", Wanted(us=0.5, of_cpython=150), tasks=MANY),
        row("stream 100, a task", "process/stream/result", Wanted(us=1), tasks=FEW, cpython_tasks=FEW),
        row("map 100000, an item", "process/map/default", Wanted(us=0.01), tasks=MANY),
        row("round trip, hot", "process/round_trip/hot", Wanted(of_limit=5), LINE, tasks=1000),
        row("round trip, cold", "process/round_trip/cold", Wanted(of_limit=1.3), COLD_FUTEX),
        row("8 B there and back", "process/payload/8B"),
        row("64 KiB there and back", "process/payload/64KiB"),
        row("1 MiB there and back", "process/payload/1MiB"),
        row("64 MiB there and back", "process/payload/64MiB", Wanted(of_limit=2), MEMCPY),
        row("pool of 2 ready", "process/start/ready", Wanted(of_limit=3), FORK),
        row("pool of 2 torn down", "process/stop/gone", Wanted(of_limit=3), FORK),
        row("next task after SIGKILL, 1 worker", "process/after_kill/next", Wanted(us=2000), workers=1),
        row("next task after SIGKILL, 2 workers", "process/after_kill/next", Wanted(us=2000)),
        row("killed after its deadline", "process/deadline/overrun", Wanted(us=5000)),
    ]  # fmt: skip
    return [each for each in found if each]


def _of_cpython(results: OverheadResults, case: str, workers: int, tasks: int | None) -> Measured | None:
    """CPython's time for a case, with `tasks` or the most there are: it does fewer, so that a run takes seconds."""
    found: dict[int, str] = {}
    for name in results.cells:
        parts = name.split("/")
        if "/".join(parts[:-3]) == case and parts[-3] == CPYTHON and parts[-1] == f"workers:{workers}":
            found[int(parts[-2].removeprefix("n:"))] = name
    if tasks is None and found:
        tasks = max(found)
    return results.get(found[tasks], "ns_per_task") if tasks in found else None
