"""The table of scripts/at-once, and what it means."""

from __future__ import annotations

from rich.console import Console

from poolmark_scripts import terminal
from poolmark_scripts.at_once_results import WAY_NAMES, WORK_NAMES, AtOnceResults, Point
from poolmark_scripts.units import duration

MEBIBYTE = 1024 * 1024


def print_report(results: AtOnceResults, console: Console) -> None:
    """The table, the sentences, and what failed."""
    context = results.context
    if context:
        console.print(
            f"\n{context['cpu_model']}, {context['usable_cpus']} usable CPUs, {context['compiler']}; each task waits "
            f"{results.plan.latency_ms} ms", soft_wrap=True,
        )  # fmt: skip
    console.print(_table(results))
    console.print(
        "\nMedians of processes. first: of the whole batch with a new executor, which makes its threads and connections in it; "
        "again: a second batch with the same. of one: again / what one task waits. CPU: of again. memory: by how much the "
        "process has grown, with its page tables and the kernel's stacks of its threads.", soft_wrap=True,
    )  # fmt: skip
    for sentence in sentences(results):
        console.print(sentence, soft_wrap=True)
    for failure in results.failures:
        console.print(f"failed: {failure['point']}: {failure['message']}", soft_wrap=True)


def _table(results: AtOnceResults):
    table = terminal.table(
        ("work", "left"), ("at once", "right"), ("in", "left"), ("first", "right"), ("again", "right"), ("±95%", "right"),
        ("of one", "right"), ("CPU", "right"), ("threads", "right"), ("memory", "right"), ("rounds", "right"),
    )  # fmt: skip
    for point in sorted(results.points(), key=lambda point: (results.plan.works.index(point.work), point.count)):
        interval = results.interval(point, "second_ns")
        table.add_row(
            WORK_NAMES[point.work], str(point.count), WAY_NAMES[point.way],
            duration(results.median(point, "first_ns")), duration(results.median(point, "second_ns")),
            f"{interval.half_width:.1%}" if interval else "-", f"{_of_one(results, point):.2f}",
            duration(results.median(point, "second_cpu_ns")), f"{results.median(point, 'threads'):.0f}",
            _memory(results, point), str(len(results.values(point, "second_ns"))),
        )  # fmt: skip
    return table


def _of_one(results: AtOnceResults, point: Point) -> float:
    return (results.median(point, "second_ns") or 0.0) / (results.plan.latency_ms * 1e6)


def _memory(results: AtOnceResults, point: Point) -> str:
    return f"{(results.median(point, 'memory_bytes') or 0.0) / MEBIBYTE:.1f} MiB"


def sentences(results: AtOnceResults) -> list[str]:
    """What the loop and the threads take for the same, where both were measured."""
    said = []
    measured = set(results.points())
    for work in results.plan.works:
        for count in results.plan.counts:
            loop, threads = Point(work, "loop", count), Point(work, "threads", count)
            if {loop, threads} <= measured:
                said.append(_sentence(results, loop, threads))
    return said


def _sentence(results: AtOnceResults, loop: Point, threads: Point) -> str:
    def part(what: str) -> float:
        return (results.median(loop, what) or 0.0) / (results.median(threads, what) or 1.0)

    return (
        f"{loop.count} {WORK_NAMES[loop.work]}: the event loop takes {_of_one(results, loop):.2f} of one latency with "
        f"{results.median(loop, 'threads'):.0f} threads, the thread pool {_of_one(results, threads):.2f} with "
        f"{results.median(threads, 'threads'):.0f}; the loop takes {part('second_cpu_ns'):.0%} of the pool's CPU time and "
        f"{part('memory_bytes'):.0%} of its memory."
    )
