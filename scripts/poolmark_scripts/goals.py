"""What scripts/overhead asks of a run: each goal is one number of poolmark beside what it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from poolmark_scripts.overhead_results import Measured, OverheadResults
from poolmark_scripts.units import duration

LINE = "limit/cache_line_round_trip/hardware/n:100/workers:1"
FUTEX = "limit/futex_round_trip/kernel/n:1000/workers:1"
MANY, FEW = 100_000, 100
FLOOR = "loop"  # no pool: a floor, and no peer to beat
Format = Callable[[float], str]


@dataclass(frozen=True)
class Row:
    """A line of the table. `other` is what `ratio` compares with: a peer, another case, or a limit."""

    goal: str
    ours: Measured
    show: Format
    other: Measured | None = None
    other_name: str = "-"
    limit: Measured | None = None

    @property
    def ratio(self) -> float | None:
        """poolmark / other: below 1 poolmark is cheaper."""
        return _over(self.ours, self.other)

    @property
    def limit_ratio(self) -> float | None:
        """poolmark / the limit of the machine."""
        return _over(self.ours, self.limit)


def rows(results: OverheadResults) -> list[Row]:
    """The rows that this run can fill."""
    line = results.get(LINE, "ns_per_task")
    found = [
        _beside_peers(results, "stream 100000, time", "stream/result", MANY, limit=line),
        _beside_peers(results, "stream 100000, CPU, 1 worker", "stream/result", MANY, 1, "cpu_ns_per_task"),
        _beside_own(results, "stream 100000 by as_completed", "stream/as_completed", "stream/result", "result"),
        _beside_own(results, "stream 100000 by wait", "stream/wait", "stream/result", "result"),
        _beside_peers(results, "stream 100, time", "stream/result", FEW, limit=line),
        _map(results),
        _beside_peers(results, "round trip, hot", "round_trip/hot", 1000, limit=line),
        _beside_peers(results, "round trip, cold", "round_trip/cold", 1,
                      limit=results.get(FUTEX, "ns_per_task")),
        _beside_peers(results, "burst of 32, cold", "burst/cold", 32),
        _growth(results, "completion_set"),
        _growth(results, "as_completed"),
        _memory(results),
        _beside_peers(results, "idle, CPU ms a second", "idle/second", 1, counter="cpu_ms_per_s", show=_plain),
        _beside_peers(results, "idle, switches a second", "idle/second", 1, counter="context_switches_per_s", show=_plain),
        _beside_own(results, "4 submitters, time", "submitters:4/result", "submitters:1/result", "1 submitter"),
    ]  # fmt: skip
    return [row for row in found if row]


def _plain(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _bytes(value: float) -> str:
    return f"{value:.0f} B"


def fine_duration(ns: float) -> str:
    """A time that may be parts of a ns, as those of elements of a loop are."""
    return f"{ns:.2f} ns" if ns < 10 else duration(ns)


def _over(ours: Measured, other: Measured | None) -> float | None:
    return ours.median / other.median if other and other.median > 0 else None


def _own(case: str, tasks: int, workers: int) -> str:
    return f"{case}/poolmark/n:{tasks}/workers:{workers}"


def _best(peers: list[Measured]) -> Measured | None:
    return min((peer for peer in peers if peer.peer != FLOOR), key=lambda peer: peer.median, default=None)


def _beside_peers(
    results: OverheadResults, goal: str, case: str, tasks: int, workers: int = 2, counter: str = "ns_per_task",
    show: Format = fine_duration, limit: Measured | None = None,
) -> Row | None:  # fmt: skip
    ours = results.get(_own(case, tasks, workers), counter)
    if not ours:
        return None
    best = _best(results.of_peers(case, tasks, workers, counter))
    return Row(goal, ours, show, best, best.peer if best else "-", limit)


def _beside_own(results: OverheadResults, goal: str, case: str, base: str, base_name: str) -> Row | None:
    ours = results.get(_own(case, MANY, 2), "ns_per_task")
    if not ours:
        return None
    return Row(goal, ours, fine_duration, results.get(_own(base, MANY, 2), "ns_per_task"), f"own: {base_name}")


def _map(results: OverheadResults) -> Row | None:
    """Beside TBB's better loop: with the caller asleep as in our map, or with the caller helping."""
    ours = results.get(_own("map/default", MANY, 2), "ns_per_task")
    if not ours:
        return None
    names = [f"map/{variant}/tbb/n:{MANY}/workers:2" for variant in ("default", "caller_helps")]
    loops = [results.get(name, "ns_per_task") for name in names]
    best = _best([loop for loop in loops if loop])
    limit = results.get(f"map/default/loop/n:{MANY}/workers:0", "ns_per_task")
    return Row("map 100000, time an item", ours, fine_duration, best, f"tbb {best.variant}" if best else "-", limit)


def _growth(results: OverheadResults, variant: str) -> Row | None:
    """How many times as long ten times the futures take: 10 if a step costs the same however many wait."""
    sizes = (100_000, 10_000, 1000)
    for more, less in zip(sizes, sizes[1:]):
        large = results.get(f"wait_any/{variant}/poolmark/n:{more}/workers:0", "ns_per_task")
        small = results.get(f"wait_any/{variant}/poolmark/n:{less}/workers:0", "ns_per_task")
        if large and small:
            whole = [Measured(m.name, tuple(x * n for x in m.samples)) for m, n in ((large, more), (small, less))]
            return Row(f"{variant}, 10 x futures", whole[0], fine_duration, whole[1], f"own: n:{less}")
    return None


def _memory(results: OverheadResults) -> Row | None:
    """Beside those whose memory malloc sees: TBB's allocator keeps its own, and an earlier case has filled it."""
    ours = results.get(_own("memory/pending", MANY, 1), "bytes_per_task")
    if not ours:
        return None
    peers = results.of_peers("memory/pending", MANY, 1, "bytes_per_task")
    best = _best([peer for peer in peers if peer.peer != "tbb"])
    return Row("memory of a pending task", ours, _bytes, best, best.peer if best else "-")
